// An AudioWorklet: the microphone at the device's own rate in, 16 kHz frames of 80 ms out.
// What lies above 8 kHz is filtered away before samples are dropped; dropping them unfiltered
// would fold it into the band that the detector listens to.

const OUT_RATE = 16000;
const FRAME = 1280;
/** dB that what would alias is held down by. */
const STOP_DB = 80;
/** Hz where the pass band ends, and where the stop band begins. */
const PASS_HZ = 7200;
const STOP_HZ = 8800;

/** @param {number} x @returns {number} modified Bessel function of order 0 */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 50 && term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** @param {number} a @param {number} b @returns {number} */
const common = (a, b) => (b ? common(b, a % b) : a);

/** Band-limited resampling to 16 kHz, in a stream: a Kaiser-windowed sinc, one row a phase. */
class Resampler {
  /** @param {number} rate  Hz of what comes in */
  constructor(rate) {
    this.rate = rate;
    this.step = rate / OUT_RATE;
    const whole = Math.round(rate);
    this.phases = Math.min(OUT_RATE / common(whole, OUT_RATE), 640);
    const cutoff = (PASS_HZ + STOP_HZ) / 2 / Math.max(rate, OUT_RATE);
    const width = (STOP_HZ - PASS_HZ) / rate;
    this.half = Math.ceil((STOP_DB - 7.95) / (14.36 * width) / 2);
    this.taps = 2 * this.half;
    const beta = 0.1102 * (STOP_DB - 8.7);
    this.rows = Array.from({ length: this.phases }, (_, phase) => {
      const row = new Float32Array(this.taps);
      let sum = 0;
      for (let k = 0; k < this.taps; k += 1) {
        const x = k - this.half + 1 - phase / this.phases;
        const inside = 1 - (x / this.half) ** 2;
        const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
        row[k] = inside > 0 ? sinc * bessel(beta * Math.sqrt(inside)) : 0;
        sum += row[k];
      }
      for (let k = 0; k < this.taps; k += 1) row[k] /= sum;
      return row;
    });
    /** Where the next output lies, in samples from the start of what is kept. */
    this.next = this.half - 1;
    this.kept = new Float32Array(this.half - 1);
  }

  /**
   * @param {Float32Array} input
   * @param {(sample: number) => void} out
   */
  push(input, out) {
    const all = new Float32Array(this.kept.length + input.length);
    all.set(this.kept);
    all.set(input, this.kept.length);
    while (this.next + this.half < all.length) {
      let at = Math.floor(this.next);
      let phase = Math.round((this.next - at) * this.phases);
      if (phase === this.phases) {
        phase = 0;
        at += 1;
      }
      const row = this.rows[phase];
      const first = at - this.half + 1;
      let sum = 0;
      for (let k = 0; k < this.taps; k += 1) sum += row[k] * all[first + k];
      out(sum);
      this.next += this.step;
    }
    const drop = Math.max(0, Math.floor(this.next) - this.half + 1);
    this.kept = all.slice(drop);
    this.next -= drop;
  }
}

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = sampleRate === OUT_RATE ? null : new Resampler(sampleRate);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.peak = 0;
  }

  /** @param {number} sample -1 to 1 */
  put(sample) {
    const loud = Math.abs(sample);
    if (loud > this.peak) this.peak = loud;
    this.frame[this.filled] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
    this.filled += 1;
    if (this.filled < FRAME) return;
    // The first sample of the frame was taken this long before the end of this block.
    const lag = FRAME / OUT_RATE + (this.resampler ? this.resampler.half / sampleRate : 0);
    const start = currentTime + 128 / sampleRate - lag;
    this.port.postMessage({ pcm: this.frame.buffer, start, peak: this.peak }, [this.frame.buffer]);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.peak = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const channels = inputs[0];
    if (!channels?.length) return true;
    let mono = channels[0];
    if (channels.length > 1) {
      mono = mono.map((_, i) => channels.reduce((sum, one) => sum + one[i], 0) / channels.length);
    }
    if (this.resampler) this.resampler.push(mono, (sample) => this.put(sample));
    else for (const sample of mono) this.put(sample);
    return true;
  }
}

registerProcessor("capture", Capture);
