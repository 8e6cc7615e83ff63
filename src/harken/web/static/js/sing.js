/** What the room's device can say by itself: phrases through the browser's voice, and a lullaby. */

/** What a caregiver can have said in the room, by name. @type {Record<string, string>} */
export const PHRASES = {
  coming: "I am coming.",
  hear: "I am here, I hear you.",
  "all-right": "It is all right, little one.",
  "sleep-well": "Sleep well.",
};

/** @type {(() => void) | null} */
let stop = null;

/** Stop whatever is being said or sung. */
export function hushRoom() {
  stop?.();
  stop = null;
}

/**
 * Say a phrase in the browser's voice.
 *
 * @param {string} text
 */
export function speak(text) {
  hushRoom();
  if (!("speechSynthesis" in globalThis)) return;
  const said = new SpeechSynthesisUtterance(text);
  said.rate = 0.85;
  said.pitch = 1.05;
  speechSynthesis.speak(said);
  stop = () => speechSynthesis.cancel();
}

/**
 * Play a clip that a caregiver recorded.
 *
 * @param {string} url
 */
export async function play(url) {
  hushRoom();
  const clip = new Audio(url);
  stop = () => clip.pause();
  await clip.play();
}

/** A tune in three-four time over a falling bass: degrees of a pentatonic scale, and beats. */
const TUNE = [
  [4, 2], [5, 1], [4, 2], [2, 1], [1, 2], [2, 1], [0, 3],
  [2, 2], [4, 1], [5, 2], [4, 1], [2, 3], [1, 3],
  [4, 2], [5, 1], [4, 2], [2, 1], [1, 2], [0, 1], [1, 3],
  [2, 1], [1, 1], [0, 1], [-1, 2], [1, 1], [0, 3], [0, 3],
];
const SCALE = [0, 2, 4, 7, 9];

/**
 * Sing a wordless lullaby, softly, and softer each time round.
 *
 * @param {AudioContext} context
 * @param {number} [rounds]
 */
export function lullaby(context, rounds = 6) {
  hushRoom();
  const out = context.createGain();
  out.gain.value = 0.5;
  const warm = context.createBiquadFilter();
  warm.type = "lowpass";
  warm.frequency.value = 1400;
  warm.connect(out).connect(context.destination);
  const beat = 60 / 76;
  let at = context.currentTime + 0.1;
  for (let turn = 0; turn < rounds; turn += 1) {
    const soft = 0.3 * 0.86 ** turn;
    TUNE.forEach(([degree, beats], i) => {
      voice(context, warm, pitch(degree), at, beats * beat, soft);
      if (i % 3 === 0) voice(context, warm, pitch(degree - 5) / 2, at, beats * beat * 1.6, soft * 0.5);
      at += beats * beat;
    });
    at += 3 * beat;
  }
  stop = () => {
    out.gain.setTargetAtTime(0, context.currentTime, 0.4);
    setTimeout(() => out.disconnect(), 2500);
  };
}

/** @param {number} degree @returns {number} Hz */
function pitch(degree) {
  const octave = Math.floor(degree / SCALE.length);
  const step = SCALE[((degree % SCALE.length) + SCALE.length) % SCALE.length];
  return 261.63 * 2 ** (octave + step / 12);
}

/**
 * @param {AudioContext} context
 * @param {AudioNode} out
 * @param {number} hertz
 * @param {number} at
 * @param {number} lasts  s
 * @param {number} soft  0 to 1
 */
function voice(context, out, hertz, at, lasts, soft) {
  const tone = context.createOscillator();
  const level = context.createGain();
  tone.type = "triangle";
  tone.frequency.value = hertz;
  level.gain.setValueAtTime(0, at);
  level.gain.linearRampToValueAtTime(soft, at + 0.07);
  level.gain.setTargetAtTime(0, at + lasts * 0.7, lasts * 0.25);
  tone.connect(level).connect(out);
  tone.start(at);
  tone.stop(at + lasts * 1.8);
}

/**
 * A test cry: bursts of a second with the pitch and overtones of an infant's, no recording.
 *
 * @param {AudioContext} context
 * @param {number} lasts  s
 */
export function testCry(context, lasts) {
  const out = context.createGain();
  out.gain.value = 0.8;
  out.connect(context.destination);
  /** @type {[number, number, number][]} Hz, sharpness, strength */
  const formants = [[1100, 2, 1], [3100, 2.5, 0.8], [5200, 3, 0.4]];
  const first = context.createGain();
  first.gain.value = 0.5;
  const tone = context.createOscillator();
  tone.type = "sawtooth";
  const breath = context.createGain();
  breath.gain.value = 0;
  tone.connect(breath);
  breath.connect(first);
  const entry = context.createBiquadFilter();
  entry.type = "highpass";
  entry.frequency.value = 250;
  first.connect(entry);
  for (const [hertz, sharp, strong] of formants) {
    const band = context.createBiquadFilter();
    band.type = "bandpass";
    band.frequency.value = hertz;
    band.Q.value = sharp;
    const share = context.createGain();
    share.gain.value = strong;
    entry.connect(band).connect(share).connect(out);
  }
  let at = context.currentTime + 0.1;
  const end = at + lasts;
  for (let i = 0; at < end; i += 1) {
    const burst = 0.9 + 0.25 * Math.sin(i * 2.1);
    const high = 440 + 60 * Math.sin(i * 1.3);
    tone.frequency.setValueAtTime(high * 0.82, at);
    tone.frequency.linearRampToValueAtTime(high * 1.1, at + burst * 0.3);
    tone.frequency.linearRampToValueAtTime(high * 0.78, at + burst);
    breath.gain.setValueAtTime(0, at);
    breath.gain.linearRampToValueAtTime(1, at + 0.06);
    breath.gain.setValueAtTime(1, at + burst * 0.75);
    breath.gain.linearRampToValueAtTime(0, at + burst);
    at += burst + 0.35;
  }
  tone.start();
  tone.stop(end);
}
