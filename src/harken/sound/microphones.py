"""Microphones of this machine: what there are, and how to open one."""

import ctypes
import ctypes.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import av
import av.error
import av.format
from av.container import InputContainer

from harken.errors import SourceError
from harken.sound.blocks import RATE

_ALSA_FOLDER = Path("/usr/share/alsa")
_FORMATS = {"linux": ("pulse", "alsa"), "darwin": ("avfoundation",), "win32": ("dshow",)}


@dataclass(frozen=True, slots=True)
class Microphone:
    """A microphone that ``mic:DEVICE`` opens.

    Parameters
    ----------
    device : str
        What to write after ``mic:``.
    description : str
        What its maker calls it.
    """

    device: str
    description: str


def list_microphones() -> list[Microphone]:
    """List the microphones that this machine knows of.

    Returns
    -------
    list of Microphone
        Empty where there is none, or where none can be listed; ``mic`` may
        work all the same.
    """
    found: list[Microphone] = []
    for name in _formats():
        found += _listed_by_ffmpeg(name)
    if sys.platform == "linux" and shutil.which("pactl"):
        found += _listed_by_pulse()
    if not found and sys.platform == "linux":
        found += _listed_by_kernel(Path("/proc/asound/pcm"))
    return list(dict.fromkeys(found))


def open_microphone(device: str | None) -> tuple[InputContainer, Callable[[], None]]:
    """Open a microphone.

    On Linux it is tried through ALSA (and PulseAudio where this FFmpeg has it),
    then through the programs ``parec`` and ``arecord``, which also reach the
    sound servers of desktops (PulseAudio, PipeWire).

    Parameters
    ----------
    device : str or None
        As `list_microphones` gives it; None for the one that the system chose.

    Returns
    -------
    tuple of (InputContainer, callable)
        What to read, and what to call when done (it closes everything).

    Raises
    ------
    SourceError
        There is no such microphone, or it cannot be used.
    """
    reason = ""
    for name in _formats():
        for options in _attempts(name):
            try:
                container = av.open(_address(name, device), format=name, options=options)
            except (av.error.FFmpegError, ValueError) as error:
                reason = str(getattr(error, "strerror", None) or error)
                continue
            return container, container.close
    if sys.platform == "linux":
        for command in _recorders(device):
            try:
                return _open_program(command)
            except SourceError as error:
                reason = str(error)
    which = f"microphone {device!r}" if device else "the microphone"
    raise SourceError(
        f"{which} cannot be opened ({reason or 'no way to reach one'}): plug it in, close other "
        "programs that use it, and see 'harken doctor' for the names of the microphones here"
    )


def _formats() -> list[str]:
    names = [name for name in _FORMATS.get(sys.platform, ()) if name in av.formats_available]
    if "alsa" in names:
        _settle_alsa()
    return names


def _address(format_name: str, device: str | None) -> str:
    if format_name == "avfoundation":
        return f":{device or 'default'}"
    if format_name == "dshow":
        return f"audio={device or _first_of_dshow()}"
    return device or "default"


def _first_of_dshow() -> str:
    found = _listed_by_ffmpeg("dshow")
    return found[0].device if found else "default"


def _attempts(format_name: str) -> list[dict[str, str]]:
    """Options to try in turn: ALSA hardware takes only the shapes that it has."""
    if format_name != "alsa":
        return [{}]
    shapes = [(RATE, 1), (48_000, 1), (48_000, 2), (44_100, 2)]
    return [{"sample_rate": str(rate), "channels": str(channels)} for rate, channels in shapes]


def _recorders(device: str | None) -> list[list[str]]:
    chosen = [] if device is None else ["-D", device]
    pulse = [] if device is None else [f"--device={device}"]
    commands = [
        ["parec", "--raw", "--format=s16le", f"--rate={RATE}", "--channels=1", *pulse],
        ["arecord", "-q", "-t", "raw", "-f", "S16_LE", "-r", str(RATE), "-c", "1", *chosen],
    ]
    return [command for command in commands if shutil.which(command[0])]


def _open_program(command: list[str]) -> tuple[InputContainer, Callable[[], None]]:
    recorder = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    pipe = recorder.stdout
    assert pipe is not None

    def stop() -> None:
        recorder.kill()
        recorder.wait()
        pipe.close()

    # A recorder that cannot open its device writes nothing and ends.
    if not pipe.peek(1):  # type: ignore[attr-defined]
        stop()
        raise SourceError(f"{command[0]} gives no sound")
    try:
        container = av.open(
            _Available(pipe),
            mode="r",
            format="s16le",
            options={"sample_rate": str(RATE), "ch_layout": "mono"},
            buffer_size=4096,
        )
    except av.error.FFmpegError as error:
        stop()
        raise SourceError(f"{command[0]} gives no sound ({error.strerror})") from None

    def close() -> None:
        container.close()
        stop()

    return container, close


class _Available:
    """Reads what a pipe has, without waiting for more."""

    def __init__(self, pipe: Any) -> None:
        self.read = pipe.read1


def _listed_by_ffmpeg(format_name: str) -> list[Microphone]:
    try:
        from av.device import enumerate_input_devices
    except ImportError:  # before PyAV 17
        return []
    try:
        found = enumerate_input_devices(format_name)
    except (av.error.FFmpegError, ValueError):
        return []
    return [
        Microphone(one.name, " ".join(one.description.split()))
        for one in found
        if "video" not in one.media_types and one.name != "null"
    ]


def _listed_by_pulse() -> list[Microphone]:
    try:
        done = subprocess.run(
            ["pactl", "list", "short", "sources"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    names = [line.split("\t")[1] for line in done.stdout.splitlines() if line.count("\t") >= 1]
    return [Microphone(name, "sound server") for name in names if not name.endswith(".monitor")]


def _listed_by_kernel(table: Path) -> list[Microphone]:
    """Read the kernel's table: ``00-00: USB Audio : USB Audio : capture 1``."""
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        place, _, rest = line.partition(":")
        if "capture" in rest:
            card, _, device = place.partition("-")
            found.append(
                Microphone(f"plughw:{int(card)},{int(device)}", rest.split(":")[0].strip())
            )
    return found


@cache
def _settle_alsa() -> None:
    """Give PyAV's own copy of libasound the system's settings, and keep it from printing.

    The copy looks for its settings where it was built, a folder that exists
    nowhere else, and reports what it does not find straight to stderr.
    """
    if _ALSA_FOLDER.is_dir():
        os.environ.setdefault("ALSA_CONFIG_DIR", str(_ALSA_FOLDER))
    bundled = sorted(Path(av.__file__).parents[1].glob("av.libs/libasound*"))
    name = str(bundled[0]) if bundled else ctypes.util.find_library("asound")
    if name is None:
        return
    try:
        library = ctypes.CDLL(name)
        library.snd_lib_error_set_handler(_QUIET)
    except (OSError, AttributeError):
        return


_QUIET = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)(lambda *_: None)
