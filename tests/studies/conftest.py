"""Recordings that were rendered, with their truth, in the formats that labs have."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest

from harken.simulate import synthetic_night


def _transcode(source: Path, target: Path, codec: str, rate: int, layout: str = "mono") -> Path:
    """Write a recording anew in another format."""
    with av.open(str(source)) as read, av.open(str(target), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(stream.codec_context.format or "s16", layout, rate)
        for frame in read.decode(audio=0):
            for one in resampler.resample(frame):
                one.pts = None
                out.mux(stream.encode(one))
        for one in resampler.resample(None):
            out.mux(stream.encode(one))
        out.mux(stream.encode(None))
    return target


@pytest.fixture(scope="session")
def transcode() -> Callable[..., Path]:
    """See `_transcode`."""
    return _transcode


@pytest.fixture(scope="session")
def long_night(tmp_path_factory) -> Path:
    """Twelve and a half minutes with crying, FLAC; its truth lies beside it."""
    path = tmp_path_factory.mktemp("night") / "night.flac"
    synthetic_night(12.5, seed=3, path=path)
    return path


@pytest.fixture(scope="session")
def short_nights(tmp_path_factory) -> list[Path]:
    """Four recordings of one or two minutes with crying."""
    folder = tmp_path_factory.mktemp("nights")
    paths = [folder / f"night{k}.flac" for k in range(4)]
    for k, path in enumerate(paths):
        synthetic_night(1.0 + k % 2, seed=20 + k, path=path)
    return paths
