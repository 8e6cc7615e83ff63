"""Where audio comes from: blocks of float32 mono at 16 kHz, and the time of the first sample."""

from harken.sound.blocks import RATE, AudioBlock, Gap, Silence
from harken.sound.ear import EarSource
from harken.sound.live import Backoff, Connection, LiveSource
from harken.sound.microphones import Microphone, list_microphones
from harken.sound.opening import open_source
from harken.sound.recordings import EXTENSIONS, find_recordings
from harken.sound.source import Clock, Source
from harken.sound.watch import Watch

__all__ = [
    "EXTENSIONS",
    "RATE",
    "AudioBlock",
    "Backoff",
    "Clock",
    "Connection",
    "EarSource",
    "Gap",
    "LiveSource",
    "Microphone",
    "Silence",
    "Source",
    "Watch",
    "find_recordings",
    "list_microphones",
    "open_source",
]
