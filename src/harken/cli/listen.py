"""`harken listen`: one source, and what is heard in it as it is heard."""

import json
import math
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.cli.options import ModelOption, RuleOption
from harken.cli.pipeline import hear, one_line
from harken.cli.rules import read_rule
from harken.errors import HarkenError, ParameterError, SourceError

if TYPE_CHECKING:
    from harken.hearing import Frames, LoudnessRule
    from harken.sound import AudioBlock, Gap, Silence


class Format(StrEnum):
    """How events are written."""

    TEXT = "text"
    JSONL = "jsonl"


def listen(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file or folder; **mic** or **mic:DEVICE**; an rtsp://, "
            "http:// or https:// address; **-** for WAV or raw PCM (16 kHz, 16 bit, mono) "
            "on standard input.",
        ),
    ],
    output: Annotated[
        Format,
        typer.Option("--format", "-f", help="Lines to read, or a JSON object a line."),
    ] = Format.TEXT,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Take a file at the speed at which it sounds.")
    ] = False,
    model: ModelOption = "auto",
    rule: RuleOption = "",
    loud: Annotated[
        str,
        typer.Option(
            "--loud",
            metavar="DBFS:SECONDS",
            help="Also tell when the level stays at or above DBFS for SECONDS, whatever it is "
            "that sounds. Example: **--loud=-20:5**.",
        ),
    ] = "",
) -> None:
    """Tell when crying begins and ends, as it is heard.

    A start is told within about a second and is provisional: one that does not last is withdrawn.
    Times are seconds from the start of the source; live sources have the time of day as well.
    Stop with Ctrl-C.

    **harken listen mic**

    **harken listen night.wav --format jsonl | jq .onset**

    **harken listen rtsp://camera.local/stream --loud=-20:5**
    """
    if output is Format.JSONL:
        try:
            _listen(source, _json_line, None, realtime, model, rule, loud)
        except HarkenError as error:
            _json_line({"event": "error", "message": one_line(str(error))})
            raise
    else:
        meter = _Meter() if sys.stderr.isatty() else None
        with meter.live if meter else nullcontext():
            _listen(source, _TextLines(meter), meter, realtime, model, rule, loud)


def _listen(
    spec: str,
    tell: Callable[[dict[str, Any]], None],
    meter: "_Meter | None",
    realtime: bool,
    model: str,
    rule: str,
    loud: str,
) -> None:
    from harken.episodes import BoutEnded, BoutRule, BoutTracker, BoutWithdrawn
    from harken.hearing import Frames, LoudnessAlarm, open_detector
    from harken.sound import open_source

    alarm = LoudnessAlarm(read_loud(loud)) if loud else None
    detector = open_detector(model)
    tracker = BoutTracker(
        read_rule(rule, BoutRule(detector.on, detector.off)), delay_s=detector.delay_s
    )
    counts = {BoutEnded: 0, BoutWithdrawn: 0}
    heard_s = crying_s = 0.0
    stop = _Stop()
    with open_source(spec, realtime=realtime) as source:
        for item in hear(stop.until(source), detector=detector, tracker=tracker, alarm=alarm):
            if isinstance(item, Frames):
                if not len(item):
                    continue
                heard_s += 0.08 * len(item)
                if meter:
                    meter.show(item)
                continue
            if isinstance(item, BoutEnded):
                crying_s += item.offset - item.onset
            if type(item) in counts:
                counts[type(item)] += 1
            tell(_with_time_of_day(describe(item), source.started_at))
        problem = source.problem
    if isinstance(tell, _TextLines):
        tell.say(
            f"heard {_clock(heard_s)}: {_count(counts[BoutEnded], 'bout')}, "
            f"{crying_s:.0f} s of crying; "
            f"{_count(counts[BoutWithdrawn], 'start')} withdrawn"
        )
    if problem:
        raise SourceError(problem)
    if stop.asked:
        typer.echo("harken: stopped", err=True)
        raise typer.Exit(1)


def describe(item: "Gap | Silence | Any") -> dict[str, Any]:
    """Give an event as it is written in a JSON line: times in seconds, −inf as None.

    Parameters
    ----------
    item : Gap, Silence, BoutStarted, BoutEnded or BoutWithdrawn

    Returns
    -------
    dict

    Examples
    --------
    >>> from harken.episodes import BoutStarted
    >>> describe(BoutStarted(onset=2.08, detected_at=2.9))
    {'event': 'bout_started', 'onset': 2.08, 'detected_at': 2.9}
    """
    from dataclasses import asdict

    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in type(item).__name__)
    return {"event": name[1:]} | {
        key: _number(value) if isinstance(value, float) else value
        for key, value in asdict(item).items()
    }


def read_loud(text: str) -> "LoudnessRule":
    """Read ``--loud DBFS:SECONDS``.

    Parameters
    ----------
    text : str
        A level in dBFS and a time in seconds, ``"-20:5"``.

    Returns
    -------
    LoudnessRule

    Raises
    ------
    ParameterError
        The text is not of that form, or a number is out of its range.

    Examples
    --------
    >>> read_loud("-20:5").seconds
    5.0
    """
    from harken.hearing import LoudnessRule

    level, _, seconds = text.replace("−", "-").partition(":")
    try:
        return LoudnessRule(float(level), float(seconds))
    except ValueError as error:
        why = error if isinstance(error, ParameterError) else "that is not LEVEL:SECONDS"
        raise ParameterError(
            f"--loud={text}: {why}; write a level in dBFS and a time in seconds, as in --loud=-20:5"
        ) from None


_TIMES = ("onset", "offset", "detected_at", "at", "start", "end")


def _with_time_of_day(event: dict[str, Any], started_at: datetime | None) -> dict[str, Any]:
    if started_at is None:
        return event
    return event | {
        f"{key}_time": (started_at + timedelta(seconds=event[key]))
        .astimezone(UTC)
        .isoformat(timespec="milliseconds")
        for key in _TIMES
        if event.get(key) is not None
    }


def _number(value: float) -> float | None:
    return round(float(value), 3) if math.isfinite(value) else None


def _json_line(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event, allow_nan=False, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class _TextLines:
    """Events as lines for a person."""

    def __init__(self, meter: "_Meter | None") -> None:
        self._meter = meter if sys.stdout.isatty() else None

    def __call__(self, event: dict[str, Any]) -> None:
        key = next(
            key
            for key in ("detected_at", "offset", "at", "end", "start")
            if event.get(key) is not None
        )
        told = event.get(f"{key}_time")
        when = (
            f"{datetime.fromisoformat(told).astimezone():%H:%M:%S}" if told else _clock(event[key])
        )
        self.say(f"{when}  {_sentence(event)}")

    def say(self, line: str) -> None:
        """Write a line, above the meter where there is one."""
        if self._meter:
            self._meter.live.console.print(one_line(line), markup=False, highlight=False)
        else:
            sys.stdout.write(one_line(line) + "\n")
            sys.stdout.flush()


def _sentence(event: dict[str, Any]) -> str:
    match event["event"]:
        case "bout_started":
            return f"crying since {event['onset']:.1f} s"
        case "bout_ended":
            peak = event["peak_dbfs"]
            level = "silent" if peak is None else f"peak {peak:.0f} dBFS"
            return (
                f"crying ended: {event['offset'] - event['onset']:.1f} s from "
                f"{event['onset']:.1f} s on, mean P(cry) {event['mean_cry']:.2f}, {level}"
            )
        case "bout_withdrawn":
            return f"withdrawn: what began at {event['onset']:.1f} s did not last"
        case "gap" if event["end"] is None:
            return f"not heard: {event['reason']}"
        case "gap":
            return f"heard again after {event['end'] - event['start']:.1f} s"
        case "silence" if event["end"] is None:
            what = (
                "the same sound over and over" if event["kind"] == "frozen" else "digital silence"
            )
            return f"{what} since {event['start']:.1f} s: check the microphone"
        case "silence":
            return f"sound again after {event['end'] - event['start']:.1f} s"
        case "loud_started":
            return f"loud since {event['start']:.1f} s"
        case "loud_ended":
            return (
                f"no longer loud: {event['end'] - event['start']:.1f} s from "
                f"{event['start']:.1f} s on, peak {event['peak_dbfs']:.0f} dBFS"
            )
        case other:
            raise ValueError(other)


def _clock(seconds: float) -> str:
    """Write a time as h:mm:ss.

    Examples
    --------
    >>> _clock(3725.9)
    '1:02:05'
    """
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class _Meter:
    """A line that shows level and P(cry) as they are, on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self.live: Live = Live(
            console=Console(stderr=True),
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
        )

    def show(self, frames: "Frames") -> None:
        """Show the latest of these frames."""
        from rich.text import Text

        latest = frames[-8:] if len(frames) > 8 else frames
        level, cry = float(latest.level.max()), float(latest.cry.max())
        height = 0.0 if level == -math.inf else min(1.0, max(0.0, 1 + level / 80))
        shown = "  −∞" if level == -math.inf else f"{level:4.0f}"
        self.live.update(
            Text.assemble(
                (f"{_clock(float(frames.times[-1]))}  ", "dim"),
                (_bar(height, 24), "cyan"),
                f" {shown} dBFS   cry ",
                (_bar(cry, 12), "red" if cry >= 0.5 else "green"),
                f" {cry:.2f}",
            )
        )


def _bar(share: float, width: int) -> str:
    full = round(share * width)
    return "█" * full + "░" * (width - full)


class _Stop:
    """Ctrl-C ends the sound, not the command: what is still due is told, as at any end."""

    def __init__(self) -> None:
        self.asked = False
        self._reading = False
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        if self.asked or self._reading:
            self.asked = True
            raise KeyboardInterrupt
        self.asked = True

    def until(
        self, blocks: "Iterable[AudioBlock | Gap | Silence]"
    ) -> "Iterator[AudioBlock | Gap | Silence]":
        """Give the blocks, until someone asks to stop."""
        remaining = iter(blocks)
        while True:
            try:
                self._reading = True
                if self.asked:
                    return
                block = next(remaining, None)
            except KeyboardInterrupt:
                return
            finally:
                self._reading = False
            if block is None:
                return
            yield block
