"""Sound files of every kind, made on the spot."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from harken.sound import AudioBlock, Gap, Silence, open_source


def tone(
    seconds: float, *, hertz: float = 440.0, level: float = 0.25, rate: int = 16_000
) -> NDArray[np.float32]:
    """A tone whose pitch glides a little, as no loop does: float32[n]."""
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * (hertz * t + 0.37 * t**2))).astype(np.float32)


def write_sound(
    path: Path,
    samples: NDArray[np.float32],
    *,
    rate: int = 16_000,
    codec: str = "pcm_s16le",
    picture: bool = False,
) -> Path:
    """Encode float32[n] or float32[channels, n]; with a video track beside it if `picture`."""
    samples = np.atleast_2d(samples).astype(np.float32)
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(samples)]
    with av.open(f"file:{path}", "w") as container:
        video = container.add_stream("mpeg4", rate=10) if picture else None
        stream = container.add_stream(codec, rate=rate, layout=layout)
        into = av.AudioResampler(
            stream.codec_context.format,
            layout,
            stream.codec_context.sample_rate,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        if video is not None:
            write_picture(container, video)
        for at in range(0, samples.shape[1], 48_000):
            part = np.ascontiguousarray(samples[:, at : at + 48_000])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
            frame.sample_rate = rate
            for shaped in into.resample(frame):
                container.mux(stream.encode(shaped))
        for shaped in into.resample(None):
            container.mux(stream.encode(shaped))
        container.mux(stream.encode(None))
    return path


def write_picture(
    container: av.container.OutputContainer, video: av.video.stream.VideoStream
) -> None:
    """Encode a second of grey video."""
    video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
    for _ in range(10):
        image = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), format="rgb24")
        container.mux(video.encode(image))
    container.mux(video.encode(None))


def heard(spec: object, **options: object) -> NDArray[np.float32]:
    """All samples of a source."""
    with open_source(spec, **options) as source:
        return np.concatenate([item.samples for item in source if isinstance(item, AudioBlock)])


def told(spec: object, **options: object) -> list[Gap | Silence]:
    """All events of a source."""
    with open_source(spec, **options) as source:
        return [item for item in source if not isinstance(item, AudioBlock)]


def rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def noise(seconds: float, *, seed: int = 0, level: float = 0.1) -> NDArray[np.float32]:
    """Sound that no check takes for a loop or for silence: float32[n] at 16 kHz."""
    made = np.random.default_rng(seed).standard_normal(round(seconds * 16_000))
    return (level * made).astype(np.float32)
