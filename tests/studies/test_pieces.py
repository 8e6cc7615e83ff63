import shutil
import wave
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.episodes import BoutRule, find_bouts
from harken.errors import ParameterError
from harken.hearing import Builtin, Frames
from harken.sound import open_source
from harken.sound.excerpt import Excerpt, IrregularError
from harken.studies.pieces import NotAlikeError, Piece, cut, hear_piece, hear_whole, join

COLUMNS = ("times", "cry", "laugh", "voice", "level")
FORMATS = {
    "night.flac": ("flac", 16_000, "mono"),
    "night.wav": ("pcm_s16le", 16_000, "mono"),
    "stereo.wav": ("pcm_s16le", 44_100, "stereo"),
    "deep.wav": ("pcm_s24le", 48_000, "mono"),
    "float.wav": ("pcm_f32le", 22_050, "mono"),
    "small.mp3": ("libmp3lame", 16_000, "mono"),
    "stereo.mp3": ("libmp3lame", 44_100, "stereo"),
    "night.opus": ("libopus", 48_000, "mono"),
}


@pytest.fixture(scope="module")
def detector() -> Builtin:
    return Builtin()


def _whole(path, detector) -> tuple[Frames, float]:
    with open_source(path) as source:
        return Frames.join(list(hear_whole(source, detector))), source.duration_s


def _equal(one: Frames, other: Frames) -> bool:
    return all(np.array_equal(getattr(one, c), getattr(other, c)) for c in COLUMNS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_frames_of_pieces_are_those_of_the_whole_bit_for_bit(
    name, long_night, transcode, tmp_path, detector
):
    path = transcode(long_night, tmp_path / name, *FORMATS[name])
    whole, duration_s = _whole(path, detector)
    pieces = cut(duration_s, piece_s=300)
    assert len(pieces) >= 2
    joined = Frames.join(list(join(hear_piece(path, piece, detector) for piece in pieces)))
    assert _equal(joined, whole)
    bouts = find_bouts(whole, BoutRule(detector.on, detector.off))
    assert bouts
    assert find_bouts(joined, BoutRule(detector.on, detector.off)) == bouts


@pytest.mark.parametrize("first", [1, 2, 3, 7])
def test_wherever_a_piece_begins_it_agrees(first, long_night, detector):
    whole, _ = _whole(long_night, detector)
    pieces = [Piece(0, 0, first), Piece(1, first, None)]
    heard = [hear_piece(long_night, piece, detector) for piece in pieces]
    assert _equal(Frames.join(list(join(heard))), whole)


def test_a_bout_across_the_border_is_one_bout(tmp_path, detector, long_night):
    rule = BoutRule(detector.on, detector.off)
    whole, _ = _whole(long_night, detector)
    bouts = find_bouts(whole, rule)
    borders = [
        k
        for k in range(2, 12)
        if any(b.onset < 60 * k - 0.5 < 60 * k + 0.5 < b.offset for b in bouts)
    ]
    if not borders:
        # Shift the sound until a border lies in the longest bout.
        longest = max(bouts, key=lambda b: b.offset - b.onset)
        shift = 300 - (longest.onset + longest.offset) / 2 % 300
        with open_source(long_night) as source:
            sound = np.concatenate([i.samples for i in source if hasattr(i, "samples")])
        path = tmp_path / "shifted.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            quiet = 1e-3 * np.random.default_rng(0).standard_normal(round(shift * 16_000))
            pcm = np.concatenate([quiet, sound]) * 32767
            file.writeframes(np.clip(pcm, -32768, 32767).astype("<i2").tobytes())
        whole, _ = _whole(path, detector)
        bouts = find_bouts(whole, rule)
        border = next(k for k in (5, 10) if any(b.onset < 60 * k < b.offset for b in bouts))
    else:
        path, border = long_night, borders[0]
    pieces = [Piece(0, 0, border), Piece(1, border, None)]
    joined = Frames.join(list(join([hear_piece(path, one, detector) for one in pieces])))
    assert find_bouts(joined, rule) == bouts


@given(
    duration=st.floats(0, 200 * 3600, allow_nan=False),
    minutes=st.integers(5, 600),
)
def test_pieces_cover_a_recording_without_a_hole(duration, minutes):
    pieces = cut(duration, piece_s=60 * 47)
    assert pieces[0].first == 0
    assert pieces[-1].last is None
    assert [one.number for one in pieces] == list(range(len(pieces)))
    assert all(one.last == two.first for one, two in pairwise(pieces))
    assert all(one.last - one.first >= 5 for one in pieces[:-1])
    # The last begins before the recording can have ended.
    assert len(pieces) == 1 or pieces[-1].first * 60 <= duration - 120


@pytest.mark.parametrize("piece_s", [-1, 1, 299, np.nan, np.inf])
def test_a_piece_must_be_long_enough(piece_s):
    with pytest.raises(ParameterError, match="piece_s"):
        cut(3600, piece_s=piece_s)


@pytest.mark.parametrize("duration", [None, 0.0, 60.0, 400.0])
def test_what_is_short_or_of_no_known_length_is_not_cut(duration):
    assert cut(duration, piece_s=300) == (Piece(0, 0, None),)
    assert cut(1e6, piece_s=0) == (Piece(0, 0, None),)


def _stereo(path, sound, other):
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 16_000, 0, "NONE", ""))
        both = np.stack([sound, other], axis=1)
        file.writeframes((np.clip(both, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(
    ("on", "alike"),
    [((0, 750), True), ((0, 0), True), ((100, 120), False), ((500, 750), True)],
    ids=["both channels", "one dead", "one died before the piece", "one wakes in the piece"],
)
def test_channels_that_die_or_wake_are_mixed_as_in_the_whole_or_refused(
    on, alike, long_night, tmp_path, detector
):
    with open_source(long_night) as source:
        sound = np.concatenate([i.samples for i in source if hasattr(i, "samples")])
    other = np.zeros_like(sound)
    span = slice(on[0] * 16_000, on[1] * 16_000)
    other[span] = sound[span][::-1]
    path = _stereo(tmp_path / "two.wav", sound, other)
    whole, duration_s = _whole(path, detector)
    pieces = cut(duration_s, piece_s=300)
    heard = [hear_piece(path, piece, detector) for piece in pieces]
    if alike:
        assert _equal(Frames.join(list(join(heard))), whole)
    else:
        with pytest.raises(NotAlikeError, match="channels"):
            list(join(heard))


def test_pieces_that_differ_by_one_bit_are_refused(long_night, detector):
    heard = [hear_piece(long_night, one, detector) for one in cut(750, piece_s=300)]
    cry = heard[1].frames.cry
    cry[3] = np.nextafter(cry[3], np.float32(2))
    with pytest.raises(NotAlikeError, match="other frames"):
        list(join(heard))


def test_pieces_must_all_be_there_in_order(long_night, detector):
    heard = [hear_piece(long_night, one, detector) for one in cut(750, piece_s=300)]
    with pytest.raises(NotAlikeError, match="first piece"):
        list(join(heard[1:]))
    with pytest.raises(NotAlikeError):
        list(join([heard[0], heard[0]]))


def test_a_recording_that_ends_early_is_not_cut(long_night, transcode, tmp_path, detector):
    path = transcode(long_night, tmp_path / "night.wav", "pcm_s16le", 16_000)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(IrregularError):
        hear_piece(path, Piece(0, 0, 8), detector)
    with pytest.raises(IrregularError):
        hear_piece(path, Piece(1, 8, None), detector)


def test_a_damaged_recording_is_not_cut(long_night, tmp_path, detector):
    path = tmp_path / "damaged.flac"
    shutil.copy(long_night, path)
    content = bytearray(path.read_bytes())
    middle = len(content) * 3 // 5
    content[middle : middle + 5000] = bytes(5000)
    path.write_bytes(content)
    with pytest.raises(IrregularError):
        hear_piece(path, Piece(1, 5, None), detector)


def test_a_codec_that_draws_noise_is_told(long_night, transcode, tmp_path):
    aac = transcode(long_night, tmp_path / "night.m4a", "aac", 44_100)
    with Excerpt(aac, 0, None) as excerpt:
        assert not excerpt.repeats
    with Excerpt(long_night, 0, None) as excerpt:
        assert excerpt.repeats
        assert excerpt.cheap


def test_a_file_that_is_read_through_python_gives_the_same(long_night, detector):
    piece = Piece(1, 5, None)
    with long_night.open("rb") as file:
        one = hear_piece(file, piece, detector)
    other = hear_piece(long_night, piece, detector)
    assert _equal(one.frames, other.frames)


@pytest.mark.slow
def test_a_day_in_pieces_is_the_day(long_night, tmp_path, detector):
    with open_source(long_night) as source:
        sound = np.concatenate([i.samples for i in source if hasattr(i, "samples")])
    pcm = (np.clip(sound, -1, 1) * 32767).astype("<i2")
    path = tmp_path / "day.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        for turn in range(76):
            # Turned each time, so that no two stretches are alike.
            file.writeframes(np.roll(pcm, turn * 12_345).tobytes())
    whole, duration_s = _whole(path, detector)
    joined = Frames.join(
        list(join(hear_piece(path, one, detector) for one in cut(duration_s, piece_s=60 * 47)))
    )
    assert duration_s > 15.8 * 3600
    assert _equal(joined, whole)
