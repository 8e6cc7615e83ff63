"""The tidy table that statistics need, from a run, a simulation, or a lab's own file.

One row an episode, with the child it is of. What a row lacks is left out and
counted, never guessed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harken.errors import AnnotationError, HarkenError, ParameterError
from harken.insight.picture import many

SIMULATION_BEGINS_H = 7.0
"""Hour of the day at which each simulated history begins."""

_NEEDED = ("child_id", "latency_s")

_MISSING = frozenset(("", "na", "nan", "none", "null", "<na>"))

_TRUTH: Mapping[str, bool | None] = MappingProxyType(
    {
        **dict.fromkeys(_MISSING),
        **dict.fromkeys(("true", "yes", "t", "y", "1", "1.0"), True),
        **dict.fromkeys(("false", "no", "f", "n", "0", "0.0"), False),
    }
)


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
        ``child_id``, ``recording``, ``group``, ``age_weeks``, ``heard_s``, ``crying_s``,
        ``start_hour`` (NaN where not known); one row a recording or day. None: how much was
        listened to is not known.
    notes : tuple of str
        What a reader must know: rows left out, answers that are inferred, a simulation.
    made : str
        How the episodes were found, in sentences for a paper; empty where that is not known.
    """

    episodes: Any
    recordings: Any
    notes: tuple[str, ...] = ()
    made: str = ""


def study_table(
    episodes: Any,
    *,
    recordings: Any = None,
    children: Any = None,
    group: str = "group",
    notes: Sequence[str] = (),
    made: str = "",
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
        ``child_id``, ``recording``, ``heard_s`` and ``crying_s``, and ``start_time`` if known.
    children : pandas.DataFrame or pyarrow.Table, optional
        ``child_id`` with the group's column, and age if wanted, for both tables.
    group : str
        The column that is compared.
    notes : sequence of str
        To begin with.
    made : str
        As in `StudyTable`.

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
        about["child_id"] = _words(about["child_id"])
        if about["child_id"].duplicated().any():
            twice = about.loc[about["child_id"].duplicated(), "child_id"].iloc[0]
            raise ParameterError(f"the table of children names child {twice!r} twice")
        wanted = [name for name in (group, "age_weeks", "age_days") if name in about]
        if not wanted:
            there = ", ".join(map(str, about.columns))
            raise ParameterError(
                f"the table of children has no column {group!r}; there are {there}: name the one "
                "to compare with --group"
            )
        about = about[["child_id", *wanted]]
    given = _frame(episodes)
    _must(given, _NEEDED, "the table of episodes")
    if given.empty:
        raise ParameterError("there is no cry episode: nothing to analyse")
    given = _joined(given, about, told, "episodes")
    latency = _numbers(given, "latency_s")
    if "censored" in given:
        censored = _truth(given, "censored")
        answered = (censored == False) & latency.notna()  # noqa: E712
        waited = latency.where(censored.notna())
    elif "censored_s" in given:
        answered = latency.notna()
        waited = latency.fillna(_numbers(given, "censored_s"))
    else:
        raise ParameterError(
            "the table of episodes says of none how long it was watched in vain: give a column "
            "censored or censored_s, as leaving those out makes answers look swift"
        )
    rows = pd.DataFrame(
        {
            "child_id": _words(given["child_id"]),
            "recording": _words(given.get("recording", given["child_id"])),
            "group": _group(given, group),
            "age_weeks": _age(given),
            "waited_s": waited,
            "answered": answered,
            "crying_s": _numbers(given, "crying_s"),
            "hour": _hour(given),
        }
    )
    if "over" in given:
        going = _truth(given, "over") != True  # noqa: E712
        rows.loc[going, "crying_s"] = float("nan")
        if going.any():
            told.append(
                f"{_many(going)} cut off by the end of their recording: their crying is left out "
                "where crying an episode is compared, and as long ones are cut off more often, "
                "what is left is too short"
            )
    nobody = rows["child_id"] == ""
    if nobody.any():
        told.append(f"{_many(nobody)} left out: they name no child")
    bad = ~(rows["waited_s"] >= 0) & ~nobody
    if bad.any():
        told.append(f"{_many(bad)} left out: they have no time of 0 s or more")
    rows = rows[~bad & ~nobody]
    if rows.empty:
        raise ParameterError("no episode is left to analyse")
    heard = None
    if recordings is not None:
        found = _frame(recordings)
        _must(found, ("child_id", "heard_s", "crying_s"), "the table of recordings")
        found = _joined(found, about, told, "recordings")
        heard = pd.DataFrame(
            {
                "child_id": _words(found["child_id"]),
                "recording": _words(found.get("recording", found["child_id"])),
                "group": _group(found, group),
                "age_weeks": _age(found),
                "heard_s": _numbers(found, "heard_s"),
                "crying_s": _numbers(found, "crying_s"),
                "start_hour": _start(found),
            }
        )
        heard = heard[(heard["heard_s"] > 0) & (heard["crying_s"] >= 0)].reset_index(drop=True)
    return StudyTable(rows.reset_index(drop=True), heard, tuple(told), made)


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
        With a mapping each folder or file is a group of its own, with children of its own:
        they are named ``group/child``.
    children : path, optional
        CSV or Parquet with ``child_id`` and the group's column or ages.
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
        one = _read(Path(at))
        return study_table(
            one.episodes,
            recordings=one.recordings,
            children=about,
            group=group,
            notes=one.notes,
            made=one.made,
        )
    read = {name: _read(Path(path)) for name, path in at.items()}
    for name, one in read.items():
        for frame in (one.episodes, one.recordings):
            if frame is not None:
                frame[group] = name
                frame["child_id"] = name + "/" + _words(frame["child_id"])
    told = list(dict.fromkeys(note for one in read.values() for note in one.notes))
    ways = {one.made for one in read.values()}
    if len(ways) > 1:
        told.append(
            "the groups' episodes were not found in the same way: a difference between groups may "
            "be one between ways"
        )
    heard = [one.recordings for one in read.values()]
    return study_table(
        pd.concat([one.episodes for one in read.values()], ignore_index=True),
        recordings=(
            None if any(one is None for one in heard) else pd.concat(heard, ignore_index=True)
        ),
        children=about,
        group=group,
        notes=told,
        made=(
            ways.pop()
            if len(ways) == 1
            else " ".join(f"{name}: {one.made or 'not known.'}" for name, one in read.items())
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What a folder or file holds."""

    episodes: Any
    recordings: Any = None
    notes: tuple[str, ...] = ()
    made: str = ""


def _read(path: Path) -> _Found:
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
    return _Found(frame)


def _run(path: Path) -> _Found:
    from harken.studies.answers import DEFINITION
    from harken.studies.provenance import Recipe
    from harken.studies.reading import read_run

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
        notes.append(f"{many(wrong, 'recording')} could not be read, or not heard yet")
    recipe = Recipe.from_dict(run.about)
    rule, settings = recipe.rule, recipe.settings
    rules = recipe.voice.as_dict() | {
        name: getattr(settings, name) for name in ("voice_shortest", "voice_least", "voice_before")
    }
    made = (
        f"Crying was found by Harken {recipe.harken} with the detector {recipe.model_name} "
        f"(sha256 {recipe.model_sha256[:12]}). A cry bout lasts {rule.min_duration:g} s or more, "
        f"over gaps of up to {rule.max_gap:g} s (bursts from a smoothed probability of "
        f"{rule.on:g}, down to {rule.off:g}); an episode ends after "
        f"{settings.calm_after:g} s of calm. {DEFINITION} Here "
        + ", ".join(f"{name} was {value:g}" for name, value in rules.items())
        + "."
    )
    return _Found(episodes, heard, tuple(notes), made)


def _simulated(path: Path, about: Mapping[str, Any]) -> _Found:
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
    days["start_time"] = f"{SIMULATION_BEGINS_H:02.0f}:00"
    weeks = float(about.get("weeks", 0.0))
    # The last day may be shorter than others.
    left = (weeks * 7 - days["day"]).clip(upper=1.0)
    days["heard_s"] = left * 86400
    days["crying_s"] = days["crying_min"] * 60
    return _Found(episodes, days, ("these infants are simulated: no evidence about infants",))


def _file(path: Path) -> Any:
    """Read a table; of a CSV file all cells are texts, so that no child 01 becomes 1."""
    pd = _pandas()
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path)
        found = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise AnnotationError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    except (ValueError, UnicodeDecodeError) as error:
        line = (str(error).splitlines() or ["it is not a table"])[0]
        raise AnnotationError(f"{str(path)!r} cannot be read: {line}") from None
    if len(found.columns) == 1 and ";" in str(found.columns[0]):
        raise AnnotationError(
            f"{str(path)!r} has semicolons between its columns: save it with commas, and with "
            "points in its numbers"
        )
    return found


def _frame(table: Any) -> Any:
    return table.to_pandas() if hasattr(table, "to_pandas") else table.copy()


def _must(frame: Any, names: Sequence[str], which: str) -> None:
    for name in names:
        if name not in frame:
            there = ", ".join(map(str, frame.columns))
            raise ParameterError(f"{which} has no column {name!r}; there are {there}")


def _joined(frame: Any, about: Any, told: list[str], what: str) -> Any:
    frame["child_id"] = _words(frame["child_id"])
    if about is None:
        return frame
    frame = frame.drop(columns=[name for name in about if name != "child_id" and name in frame])
    known = frame["child_id"].isin(about["child_id"])
    if not known.any():
        raise ParameterError(
            "the table of children names none of the children of the study: it names "
            f"{_some(about['child_id'])}, and the study has {_some(frame['child_id'])}"
        )
    if not known.all():
        left = frame.loc[~known, "child_id"]
        count = left.nunique()
        told.append(
            f"{what} of {many(count, 'child', 'children')} were left out, as the table of "
            f"children lacks them: {_some(left)}"
        )
    return frame[known].merge(about, on="child_id", how="left")


def _some(names: Any) -> str:
    every = list(dict.fromkeys(names))
    return ", ".join(map(repr, every[:3])) + (" and others" if len(every) > 3 else "")


def _many(which: Any) -> str:
    return many(int(which.sum()), "episode was", "episodes were")


def _words(values: Any) -> Any:
    """Give texts; what is missing is empty."""
    return values.map(_word)


def _word(value: Any) -> str:
    if _pandas().isna(value):
        return ""
    # A column of whole numbers in which one is missing comes as 1.0, 2.0.
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip()


def _group(frame: Any, name: str) -> Any:
    if name not in frame:
        if name != "group":
            there = ", ".join(map(str, frame.columns))
            raise ParameterError(f"no table has the column {name!r}; there are {there}")
        return ""
    return _words(frame[name])


def _age(frame: Any) -> Any:
    if "age_weeks" in frame:
        return _numbers(frame, "age_weeks")
    return _numbers(frame, "age_days") / 7


def _numbers(frame: Any, name: str) -> Any:
    pd = _pandas()
    if name not in frame:
        return pd.Series(float("nan"), index=frame.index, dtype="float64")
    values = frame[name]
    if not pd.api.types.is_numeric_dtype(values):
        values = values.map(lambda one: None if str(one).strip().lower() in _MISSING else one)
    try:
        found = pd.to_numeric(values).astype("float64")
    except (ValueError, TypeError):
        wrong = next((one for one in values if one is not None and not _is_number(one)), "")
        raise ParameterError(f"column {name!r} holds what is not a number: {wrong!r}") from None
    if found.abs().eq(float("inf")).any():
        raise ParameterError(f"column {name!r} holds a number without end")
    return found


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (ValueError, TypeError):
        return False
    return True


def _truth(frame: Any, name: str) -> Any:
    """Give True, False, or None where it is not said."""
    said = frame[name].map(lambda one: _TRUTH.get(str(one).strip().lower(), one))
    wrong = next((one for one in said if one is not None and not isinstance(one, bool)), None)
    if wrong is not None:
        raise ParameterError(
            f"column {name!r} holds {str(wrong)!r}, which is neither true nor false"
        )
    return said.astype(object)


def _hour(frame: Any) -> Any:
    if "hour" in frame:
        hour = _numbers(frame, "hour")
        if ((hour < 0) | (hour > 24)).any():
            raise ParameterError("column 'hour' holds a number that is not from 0 to 24")
        return hour
    return (_start(frame) + _numbers(frame, "onset") / 3600) % 24


def _start(frame: Any) -> Any:
    pd = _pandas()
    if "start_time" not in frame:
        return pd.Series(float("nan"), index=frame.index, dtype="float64")
    return pd.to_numeric(frame["start_time"].map(_clock)).astype("float64")


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
