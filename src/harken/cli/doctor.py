"""`harken doctor`: what works on this machine, and what to do about what doesn't."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from harken import __version__
from harken.cli.pipeline import one_line
from harken.errors import HarkenError

_ROOM_MB = 200


class Status(StrEnum):
    """How a check came out: `warn` is something missing that can be done without."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Format(StrEnum):
    """How checks are written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried.

    Parameters
    ----------
    name : str
    status : Status
    sentence : str
        What was found and, where it is not well, what to do.
    numbers : dict of str to float
        What was measured; the unit is in the key.
    """

    name: str
    status: Status
    sentence: str
    numbers: dict[str, float] = field(default_factory=dict)


def doctor(
    output: Annotated[
        Format, typer.Option("--format", "-f", help="Lines to read, or one JSON object.")
    ] = Format.TEXT,
) -> None:
    """Check what works on this machine, and say what to do about what doesn't.

    The exit code is 1 if something fails that Harken cannot do without.
    """
    checks = examine()
    if output is Format.JSON:
        report = {"harken": __version__, "checks": [asdict(check) for check in checks]}
        typer.echo(json.dumps(report, indent=2, allow_nan=False))
    else:
        colours = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "red"}
        for check in checks:
            status = typer.style(f"{check.status:<4}", fg=colours[check.status])
            typer.echo(f"{status}  {check.name:<12} {check.sentence}")
    if any(check.status is Status.FAIL for check in checks):
        raise typer.Exit(1)


def examine() -> list[Check]:
    """Try everything once.

    Returns
    -------
    list of Check
        Always the same names in the same order.
    """
    tries: list[tuple[str, Callable[[], Check]]] = [
        ("decoder", _decoder),
        ("model", _model),
        ("yamnet", _yamnet),
        ("microphones", _microphones),
        ("extras", _extras),
        ("data folder", _data_folder),
        ("hub", _hub),
        ("disk", _disk),
    ]
    return [_careful(name, attempt) for name, attempt in tries]


def _careful(name: str, attempt: Callable[[], Check]) -> Check:
    try:
        return attempt()
    except HarkenError as error:
        return Check(name, Status.FAIL, one_line(str(error)))
    except Exception as error:
        what = one_line(f"{type(error).__name__}: {error}")
        return Check(name, Status.FAIL, f"{what}; if this stays, install harken anew")


def _decoder() -> Check:
    import wave

    import av

    from harken.sound import AudioBlock, open_source

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "second.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(48_000)
            file.writeframes(b"\0\1" * 48_000)
        with open_source(str(path)) as source:
            heard = sum(len(block.samples) for block in source if isinstance(block, AudioBlock))
    if abs(heard - 16_000) > 160:
        return Check("decoder", Status.FAIL, f"a second of sound came out as {heard} samples")
    formats = len(av.formats_available)
    return Check(
        "decoder",
        Status.OK,
        f"PyAV {av.__version__} reads {formats} formats",
        {"formats": formats},
    )


def _model() -> Check:
    import time

    import numpy as np

    from harken.hearing import open_detector
    from harken.sound import AudioBlock

    detector = open_detector("builtin")
    noise = 1e-3 * np.random.default_rng(0).standard_normal(160_000)
    begun = time.perf_counter()
    frames = detector.process(AudioBlock(noise.astype(np.float32), start=0.0))
    rest = detector.flush()
    took_s = time.perf_counter() - begun
    n = len(frames) + len(rest)
    if n != 125:
        return Check("model", Status.FAIL, f"builtin gave {n} frames for 10 s, not 125")
    return Check(
        "model",
        Status.OK,
        f"builtin hears 10 s in {1000 * took_s:.0f} ms",
        {"delay_s": round(detector.delay_s, 3), "times_realtime": round(10 / took_s, 1)},
    )


def _yamnet() -> Check:
    from harken.hearing import backbone_path, open_detector

    path = backbone_path()
    if path is None:
        return Check(
            "yamnet",
            Status.WARN,
            "not added; the builtin works without it. 'harken model get yamnet' fetches its "
            "file (4 MB); with it there are fewer false alarms",
        )
    if find_spec("ai_edge_litert") is None:
        return Check(
            "yamnet",
            Status.WARN,
            "added, but it needs ai-edge-litert: pip install 'harken[yamnet]'",
        )
    try:
        open_detector("yamnet")
    except HarkenError as error:
        return Check(
            "yamnet", Status.FAIL, f"{one_line(str(error))}; add it again: harken model get yamnet"
        )
    return Check("yamnet", Status.OK, one_line(str(path)))


def _microphones() -> Check:
    from harken.sound import list_microphones

    found = list_microphones()
    if not found:
        return Check(
            "microphones",
            Status.WARN,
            "none found; files, cameras and streams work without one. Plug one in, and on Linux "
            "see that this account is in the group 'audio'",
            {"microphones": 0},
        )
    names = ", ".join(f"mic:{microphone.device}" for microphone in found)
    return Check("microphones", Status.OK, one_line(names), {"microphones": len(found)})


_EXTRAS = {
    "plot": ("vl_convert", "altair"),
    "parquet": ("pyarrow",),
    "yamnet": ("ai_edge_litert",),
    "pitch": ("parselmouth",),
}


def _extras() -> Check:
    absent = [
        extra
        for extra, modules in _EXTRAS.items()
        if any(find_spec(module) is None for module in modules)
    ]
    present = len(_EXTRAS) - len(absent)
    if absent:
        return Check(
            "extras",
            Status.WARN,
            f"without {', '.join(absent)}: pip install 'harken[{','.join(absent)}]' adds them",
            {"present": present},
        )
    return Check("extras", Status.OK, f"{', '.join(_EXTRAS)} are installed", {"present": present})


def _data_folder() -> Check:
    from harken.hearing import data_folder

    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"1")
    except OSError as error:
        return Check(
            "data folder",
            Status.FAIL,
            f"{one_line(str(folder))} cannot be written ({error.strerror}); give this account "
            "access, or set HARKEN_DATA to another folder",
        )
    return Check("data folder", Status.OK, one_line(str(folder)))


def _hub() -> Check:
    """Try whether `harken serve` would start; the journal is opened only if there is one."""
    from harken.cli.serve import base_url, need_hub

    try:
        need_hub()
    except HarkenError as error:
        return Check("hub", Status.WARN, one_line(str(error)))
    from harken.journal import Journal
    from harken.journal.journal import default_path
    from harken.settings import load_settings

    settings = load_settings()
    if settings.database is None and not default_path().exists():
        return Check("hub", Status.OK, "harken serve can start; there is no household yet")
    with Journal.open(settings.database) as journal:
        name = journal.household.get_setting("name", "Harken")
    return Check("hub", Status.OK, one_line(f"the journal of {name} opens; {base_url(settings)}"))


def _disk() -> Check:
    from harken.hearing import data_folder

    folder = data_folder()
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    status = Status.OK if free_mb >= _ROOM_MB else Status.WARN
    advice = "" if status is Status.OK else f"; make room: less than {_ROOM_MB} MB is little"
    return Check("disk", status, f"{free_mb / 1000:.1f} GB free{advice}", {"free_mb": free_mb})
