"""The tidy table that statistics need, from a run, a simulation, or a lab's own file.

One row an episode, with the child it is of. What a row lacks is left out and
counted, never guessed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harken.errors import AnnotationError, HarkenError, ParameterError

SIMULATION_BEGINS_H = 7.0
"""Hour of the day at which each simulated history begins."""

_NEEDED = ("child_id", "latency_s")


@dataclass(frozen=True, slots=True, eq=False)
class StudyTable:
    """Episodes of a study, checked.

    Parameters
    ----------
    episodes : pandas.DataFrame
        ``child_id``, ``recording`` and ``group`` (texts; group may be empty), ``age_weeks``
        (NaN where not known), ``waited_s`` (time to the answer, or to where watching ended),
        ``answered`` (False: censored), ``crying_s`` and ``hour`` (NaN where not known).
    recordings : pandas.DataFrame or None
        ``child_id``, ``recording``, ``group``, ``age_weeks``, ``heard_s``, ``crying_s``; one row
        a recording or day. None: how much was listened to is not known.
    notes : tuple of str
        What a reader must know: rows left out, answers that are inferred, a simulation.
    """

    episodes: Any
    recordings: Any
    notes: tuple[str, ...] = ()


def study_table(
    episodes: Any,
    *,
    recordings: Any = None,
    children: Any = None,
    group: str = "group",
    notes: Sequence[str] = (),
) -> StudyTable:
    """Check a table of episodes, and bring it into one form.

    Parameters
    ----------
    episodes : pandas.DataFrame or pyarrow.Table
        ``child_id`` and ``latency_s`` [s] must be there. An episode that nobody answered has
        either no latency and ``censored_s`` (how long it was watched), or ``censored`` true and
        that time as its latency. Also taken: ``recording``, the group's column,
        ``age_weeks`` or ``age_days``, ``crying_s`` [s], ``over`` (false: crying went on at the
        recording's end, so ``crying_s`` is not all of it), ``hour`` (0 to 24), or
        ``start_time`` (``HH:MM``) with ``onset`` [s].
    recordings : pandas.DataFrame or pyarrow.Table, optional
        ``child_id``, ``recording``, ``heard_s`` and ``crying_s``.
    children : pandas.DataFrame or pyarrow.Table, optional
        ``child_id`` with the group's column, and age if wanted, for both tables.
    group : str
        The column that is compared.
    notes : sequence of str
        To begin with.

    Returns
    -------
    StudyTable

    Raises
    ------
    ParameterError
        If a column is missing or holds what it can't, or no row is left.
    HarkenError
        If pandas is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> table = study_table(
    ...     pd.DataFrame({"child_id": ["a", "b"], "latency_s": [4, None], "censored_s": [None, 9]})
    ... )
    >>> table.episodes["waited_s"].tolist(), table.episodes["answered"].tolist()
    ([4.0, 9.0], [True, False])
    """
    pd = _pandas()
    told = list(notes)
    about = None if children is None else _frame(children)
    if about is not None:
        _must(about, ("child_id",), "the table of children")
        about["child_id"] = about["child_id"].astype(str)
        if about["child_id"].duplicated().any():
            twice = about.loc[about["child_id"].duplicated(), "child_id"].iloc[0]
            raise ParameterError(f"the table of children names child {twice!r} twice")
        wanted = [name for name in (group, "age_weeks", "age_days") if name in about]
        about = about[["child_id", *wanted]]
    given = _frame(episodes)
    _must(given, _NEEDED, "the table of episodes")
    given = _joined(given, about, told, "episodes")
    latency = _numbers(given, "latency_s")
    if "censored" in given:
        answered = ~given["censored"].fillna(False).astype(bool) & latency.notna()
        waited = latency
    elif "censored_s" in given:
        answered = latency.notna()
        waited = latency.fillna(_numbers(given, "censored_s"))
    else:
        raise ParameterError(
            "the table of episodes says of none how long it was watched in vain: give a column "
            "censored or censored_s, as leaving those out makes answers look swift"
        )
    made = pd.DataFrame(
        {
            "child_id": given["child_id"].astype(str),
            "recording": given.get("recording", given["child_id"]).astype(str),
            "group": _group(given, group),
            "age_weeks": _age(given),
            "waited_s": waited,
            "answered": answered,
            "crying_s": _numbers(given, "crying_s"),
            "hour": _hour(given),
        }
    )
    if "over" in given:
        going = ~given["over"].fillna(True).astype(bool)
        made.loc[going, "crying_s"] = float("nan")
        if going.any():
            told.append(f"{int(going.sum())} episodes were cut off by the end of their recording")
    bad = ~(made["waited_s"] >= 0)
    if bad.any():
        told.append(f"{int(bad.sum())} episodes without a time of 0 s or more were left out")
        made = made[~bad]
    if made.empty:
        raise ParameterError("no episode is left to analyse")
    heard = None
    if recordings is not None:
        found = _frame(recordings)
        _must(found, ("child_id", "heard_s", "crying_s"), "the table of recordings")
        found = _joined(found, about, told, "recordings")
        heard = pd.DataFrame(
            {
                "child_id": found["child_id"].astype(str),
                "recording": found.get("recording", found["child_id"]).astype(str),
                "group": _group(found, group),
                "age_weeks": _age(found),
                "heard_s": _numbers(found, "heard_s"),
                "crying_s": _numbers(found, "crying_s"),
            }
        )
        heard = heard[(heard["heard_s"] > 0) & (heard["crying_s"] >= 0)].reset_index(drop=True)
    return StudyTable(made.reset_index(drop=True), heard, tuple(told))


def read_table(
    at: str | Path | Mapping[str, str | Path],
    *,
    children: str | Path | None = None,
    group: str = "group",
) -> StudyTable:
    """Read what `harken study run` or `harken simulate` wrote, or a CSV or Parquet file.

    Parameters
    ----------
    at : path, or mapping of group to path
        With a mapping each folder or file is a group of its own, with children of its own.
    children : path, optional
        CSV or Parquet with ``child_id`` and the group's column.
    group : str
        The column that is compared.

    Returns
    -------
    StudyTable

    Raises
    ------
    AnnotationError
        If it is none of these, or cannot be read.
    ParameterError, HarkenError
        As `study_table`.
    """
    pd = _pandas()
    about = None if children is None else _file(Path(children))
    if not isinstance(at, Mapping):
        episodes, recordings, notes = _read(Path(at))
        return study_table(
            episodes, recordings=recordings, children=about, group=group, notes=notes
        )
    every, heard, told = [], [], []
    for name, path in at.items():
        episodes, recordings, notes = _read(Path(path))
        for frame in (episodes, recordings):
            if frame is not None:
                frame[group] = name
                frame["child_id"] = name + "/" + frame["child_id"].astype(str)
        every.append(episodes)
        heard.append(recordings)
        told += [one for one in notes if one not in told]
    whole = None if any(one is None for one in heard) else pd.concat(heard, ignore_index=True)
    both = pd.concat(every, ignore_index=True)
    return study_table(both, recordings=whole, children=about, group=group, notes=told)


def _read(path: Path) -> tuple[Any, Any, list[str]]:
    if path.is_dir():
        try:
            about = json.loads((path / "run.json").read_text("utf-8"))
        except (OSError, ValueError):
            raise AnnotationError(
                f"{str(path)!r} holds no run.json: name a folder that harken study run or "
                "harken simulate wrote, or a CSV or Parquet file of episodes"
            ) from None
        return _simulated(path, about) if "infants" in about else _run(path)
    frame = _file(path)
    _must(frame, ("child_id",), str(path))
    return frame, None, []


def _run(path: Path) -> tuple[Any, Any, list[str]]:
    from harken.studies.run import read_run

    run = read_run(path)
    recordings = run.recordings.to_pandas()
    about = recordings[["child_id", "recording", "start_time", "age_days"]]
    episodes = run.episodes.to_pandas().merge(about, on=["child_id", "recording"], how="left")
    heard = recordings[recordings["status"].isin(["ok", "partial"])].rename(
        columns={"seconds": "heard_s", "cry_s": "crying_s"}
    )
    notes = [
        "an answer is inferred: an adult voice in the recording after a cry's onset, meant for "
        "the infant or not; answers without a voice are missed"
    ]
    if (wrong := len(recordings) - len(heard)) > 0:
        notes.append(f"{wrong} recordings could not be read, or were not heard yet")
    return episodes, heard, notes


def _simulated(path: Path, about: Mapping[str, Any]) -> tuple[Any, Any, list[str]]:
    episodes = _file(path / "episodes.parquet")
    days = _file(path / "days.parquet")
    start = float(about.get("age_weeks", 0.0))
    episodes = episodes[episodes["cried"]].copy()
    episodes["child_id"] = episodes["infant"].astype(str)
    episodes["recording"] = (episodes["onset_s"] // 86400).astype(int).astype(str)
    episodes["age_weeks"] = start + episodes["onset_s"] / (7 * 86400)
    episodes["crying_s"] = episodes["offset_s"] - episodes["onset_s"]
    episodes["hour"] = (SIMULATION_BEGINS_H + episodes["onset_s"] / 3600) % 24
    days["child_id"] = days["infant"].astype(str)
    days["recording"] = days["day"].astype(str)
    weeks = float(about.get("weeks", 0.0))
    # The last day may be shorter than others.
    left = (weeks * 7 - days["day"]).clip(upper=1.0)
    days["heard_s"] = left * 86400
    days["crying_s"] = days["crying_min"] * 60
    return episodes, days, ["these infants are simulated: no evidence about infants"]


def _file(path: Path) -> Any:
    pd = _pandas()
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype={"child_id": str, "recording": str, "start_time": str})
    except OSError as error:
        raise AnnotationError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    except (ValueError, UnicodeDecodeError) as error:
        line = (str(error).splitlines() or ["it is not a table"])[0]
        raise AnnotationError(f"{str(path)!r} cannot be read: {line}") from None


def _frame(table: Any) -> Any:
    return table.to_pandas() if hasattr(table, "to_pandas") else table.copy()


def _must(frame: Any, names: Sequence[str], which: str) -> None:
    for name in names:
        if name not in frame:
            there = ", ".join(map(str, frame.columns))
            raise ParameterError(f"{which} has no column {name!r}; there are {there}")


def _joined(frame: Any, about: Any, told: list[str], what: str) -> Any:
    if about is None:
        return frame
    frame = frame.drop(columns=[name for name in about if name != "child_id" and name in frame])
    frame["child_id"] = frame["child_id"].astype(str)
    known = frame["child_id"].isin(about["child_id"])
    if not known.any():
        raise ParameterError("the table of children names none of the children of the study")
    if not known.all():
        count = frame.loc[~known, "child_id"].nunique()
        told.append(f"{what} of {count} children were left out: the table of children lacks them")
    return frame[known].merge(about, on="child_id", how="left")


def _group(frame: Any, name: str) -> Any:
    if name not in frame:
        if name != "group":
            there = ", ".join(map(str, frame.columns))
            raise ParameterError(f"no table has the column {name!r}; there are {there}")
        return ""
    return frame[name].map(lambda one: "" if one is None or one != one else str(one))


def _age(frame: Any) -> Any:
    if "age_weeks" in frame:
        return _numbers(frame, "age_weeks")
    return _numbers(frame, "age_days") / 7


def _numbers(frame: Any, name: str) -> Any:
    pd = _pandas()
    if name not in frame:
        return pd.Series(float("nan"), index=frame.index, dtype="float64")
    try:
        return pd.to_numeric(frame[name]).astype("float64")
    except (ValueError, TypeError):
        raise ParameterError(f"column {name!r} holds what is not a number") from None


def _hour(frame: Any) -> Any:
    pd = _pandas()
    if "hour" in frame:
        hour = _numbers(frame, "hour")
        if ((hour < 0) | (hour > 24)).any():
            raise ParameterError("column 'hour' holds a number that is not from 0 to 24")
        return hour
    if "start_time" not in frame or "onset" not in frame:
        return pd.Series(float("nan"), index=frame.index, dtype="float64")
    begun = frame["start_time"].map(_clock)
    return (pd.to_numeric(begun) + _numbers(frame, "onset") / 3600) % 24


def _clock(text: Any) -> float:
    parts = str(text).split(":")
    try:
        hour, minute = int(parts[0]), int(parts[1])
        second = float(parts[2]) if len(parts) > 2 else 0.0
    except (ValueError, IndexError):
        return float("nan")
    return hour + minute / 60 + second / 3600 if 0 <= hour < 24 else float("nan")


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise HarkenError("statistics need more packages: pip install 'harken[studies]'") from None
    return pandas
