"""What a lab brings to a comparison: annotations, runs, data sets, segments that were drawn."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from harken.errors import AnnotationError, ParameterError
from harken.sound import RATE, AudioBlock, open_source
from harken.studies.annotation import Annotation, Annotations
from harken.studies.formats import read
from harken.studies.formats.childproject import place_of, rows_of, sets_of
from harken.studies.names import match, plain
from harken.studies.sample import LISTEN, Segment


def is_run(path: Path) -> bool:
    """Whether a folder is what `harken study run` wrote."""
    return (path / "run.json").is_file()


def annotations_of(path: Path) -> list[Annotations]:
    """Read annotations, or what a run found.

    Parameters
    ----------
    path : Path
        A file; a folder of files, in folders of their own where two children have recordings of
        one name; a data set with one set of annotations, or a set; or a run, whose bouts are
        cries, and which has looked at all that it heard.

    Returns
    -------
    list of Annotations
        Named by their recordings. What a template only shows, where to listen, is left out.

    Raises
    ------
    AnnotationError, RunError
        If there is nothing, or it can't be read.
    ParameterError
        If a data set has several sets: a set is one person's, or one program's.
    """
    return [
        replace(item, annotations=tuple(one for one in item.annotations if one.source != LISTEN))
        for item in (_of_run(path) if is_run(path) else _of_files(path))
    ]


def about_of(paths: Sequence[Path], corpus: Path | None = None) -> dict[str, dict[str, str]]:
    """Give what runs and a data set's tables say of each recording.

    Parameters
    ----------
    paths : sequence of Path
        Annotations, runs, recordings.
    corpus : Path, optional
        The data set; by default the first one that one of them lies in, or that a run heard.

    Returns
    -------
    dict
        Recording → column → value: ``child_id``, ``age_months`` where both dates are known, and
        all others of its row and its child's.

    Raises
    ------
    AnnotationError
        If `corpus` is no data set.
    """
    about: dict[str, dict[str, str]] = {}
    for path in paths:
        if is_run(path):
            about |= _about_run(path)
    corpus = corpus or _data_set_of(paths)
    tables = _tables(corpus) if corpus else {}
    known = match(tables, about, ours="the tables", theirs="the run")
    for name, row in tables.items():
        at = known.get(name, name)
        about[at] = {**about.get(at, {}), **row}
    return about


def recordings_of(paths: Sequence[Path], corpus: Path | None = None) -> Path | None:
    """Give the folder of the recordings that annotations or runs are about, where it is known.

    Parameters
    ----------
    paths, corpus
        As `about_of`.

    Returns
    -------
    Path or None
    """
    corpus = corpus or _data_set_of(paths)
    raw = corpus and corpus / "recordings" / "raw"
    if raw and raw.is_dir():
        return raw
    return next((found for path in paths if (found := _heard_by(path))), None)


def segments_of(table: Path) -> list[Segment]:
    """Read the table of segments that `harken study sample` wrote.

    Parameters
    ----------
    table : Path

    Returns
    -------
    list of Segment
        At least one.

    Raises
    ------
    AnnotationError
        With the line, if it isn't such a table.
    """
    if not table.is_file():
        raise AnnotationError(f"{table}: there is no such file")
    made = []
    for line, row in enumerate(rows_of(table), 2):
        try:
            one = Segment(
                recording=plain(row["recording"]),
                child=row["child"],
                since=float(row["since"]),
                until=float(row["until"]),
                stratum=row["stratum"],
                chance=float(row["chance"]),
                crying_s=float(row["crying_s"]),
            )
        except KeyError as error:
            raise AnnotationError(
                f"{table}: it has no column {error}; give the segments.csv that harken study "
                "sample wrote"
            ) from error
        except ValueError as error:
            raise AnnotationError(f"{table}: line {line}: {error}") from error
        if not (0 <= one.since < one.until and 0 < one.chance <= 1):
            raise AnnotationError(
                f"{table}: line {line}: it has to end after it begins, and its chance to be above "
                "0 and at most 1"
            )
        made.append(one)
    if not made:
        raise AnnotationError(f"{table}: there are no segments in it")
    return made


def length_of(path: Path) -> float:
    """Give a recording's length in seconds, from its header where it says.

    Raises
    ------
    SourceError
        If it can't be read.
    """
    end = 0.0
    with open_source(str(path)) as source:
        if source.duration_s:
            return source.duration_s
        for item in source:
            if isinstance(item, AudioBlock):
                end = item.start + len(item.samples) / RATE
    return end


def _of_files(path: Path) -> "list[Annotations]":
    if len(sets := sets_of(path)) > 1:
        listed = ", ".join(str(path / "annotations" / one) for one in sets)
        raise ParameterError(f"{path}: {len(sets)} sets of annotations; name one of {listed}")
    if not path.exists() and not place_of(path):
        raise AnnotationError(f"{path}: there is no such file or folder")
    items = read(path)
    if len(items) == 1 and not items[0].recording:
        return [replace(items[0], recording=path.stem)]
    return items


def _of_run(path: Path) -> "list[Annotations]":
    """Give the bouts of a run as annotations; what was heard counts as looked at."""
    from harken.studies.reading import read_run

    run = read_run(path)
    bouts: dict[str, list[Annotation]] = {}
    for row in run.bouts.to_pylist():
        bouts.setdefault(row["recording"], []).append(
            Annotation(
                onset=row["onset"],
                offset=row["offset"],
                label="cry",
                speaker="CHI",
                score=row["mean_cry"],
            )
        )
    return [
        Annotations(
            recording=row["recording"],
            annotations=tuple(bouts.get(row["recording"], ())),
            analysed=((0.0, row["seconds"]),),
            duration=row["seconds"],
        )
        for row in run.recordings.to_pylist()
        if row["status"] in ("ok", "partial") and row["seconds"] > 0
    ]


def _data_set_of(paths: Sequence[Path]) -> Path | None:
    return next((found for path in paths if (found := _data_set(path))), None)


def _data_set(path: Path) -> Path | None:
    """Give the data set that annotations or recordings lie in, or that a run heard."""
    path = _heard_by(path) or path
    if place := place_of(path):
        return place[0]
    around = (path, *path.resolve().parents)
    return next((one for one in around if (one / "metadata/recordings.csv").is_file()), None)


def _heard_by(path: Path) -> Path | None:
    """Give the folder that a run heard, where it still is."""
    from harken.studies.reading import read_run

    if not is_run(path):
        return None
    corpus = Path(read_run(path).about["corpus"]["at"])
    return corpus if corpus.is_dir() else None


def _about_run(path: Path) -> dict[str, dict[str, str]]:
    from harken.studies.corpus import UNKNOWN
    from harken.studies.reading import read_run

    return {
        plain(row["recording"]): {"child_id": row["child_id"]}
        for row in read_run(path).recordings.to_pylist()
        if row["child_id"] != UNKNOWN
    }


def _tables(corpus: Path) -> dict[str, dict[str, str]]:
    """Give what a data set's tables say of each recording, with the child's age in months."""
    children = {row.get("child_id", ""): row for row in rows_of(corpus / "metadata/children.csv")}
    about = {}
    for row in rows_of(corpus / "metadata/recordings.csv"):
        child = children.get(row.get("child_id", ""), {})
        columns = {key: value for key, value in {**child, **row}.items() if value not in ("", "NA")}
        try:
            born = date.fromisoformat(child.get("child_dob", ""))
            days = (date.fromisoformat(row.get("date_iso", "")) - born).days
            columns["age_months"] = str(int(days / 30.4375))
        except ValueError:
            pass
        about[plain(row.get("recording_filename", ""))] = columns
    if not about:
        raise AnnotationError(f"{corpus}: no metadata/recordings.csv: this is no data set")
    return about
