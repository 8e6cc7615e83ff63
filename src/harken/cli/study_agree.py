"""`harken study agree|sample|cut|tune`: beside what people heard."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.cli.options import ModelOption, RuleOption
from harken.errors import AnnotationError, ParameterError

if TYPE_CHECKING:
    from harken.studies import Annotations
    from harken.studies.sample import Segment

_Recordings = Annotated[
    Path,
    typer.Option(metavar="FOLDER", help="Where the recordings are.", show_default=False),
]


def agree(
    reference: Annotated[
        Path,
        typer.Argument(metavar="REFERENCE", help="What people heard.", show_default=False),
    ],
    hypothesis: Annotated[
        Path,
        typer.Argument(
            metavar="HYPOTHESIS",
            help="What is to be judged: annotations, or the folder of a run.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the report and its tables go.")
    ] = Path("agreement"),
    reference_label: Annotated[
        list[str] | None,
        typer.Option(
            help="Label of the reference that counts; may be given again.", show_default="cry"
        ),
    ] = None,
    hypothesis_label: Annotated[
        list[str] | None,
        typer.Option(
            help="Label of the hypothesis that counts; may be given again.", show_default="cry"
        ),
    ] = None,
    join: Annotated[
        float,
        typer.Option(
            metavar="S",
            help="Stretches this near count as one. Harken's bouts are joined over 5 s; people "
            "often mark single bursts.",
            min=0,
        ),
    ] = 0.0,
    collar: Annotated[
        float, typer.Option(metavar="S", help="Seconds not scored around each end.", min=0)
    ] = 0.0,
    onset_within: Annotated[
        float, typer.Option(metavar="S", help="Events match if onsets lie this near.", min=0.001)
    ] = 1.0,
    offset_within: Annotated[
        float,
        typer.Option(metavar="S", help="And offsets this near, or half the event.", min=0.001),
    ] = 2.0,
    corpus: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="ChildProject data set whose tables say whose each recording is.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="**child**, **age_months** or a column of the tables; may be given again.",
            show_default=False,
        ),
    ] = None,
    segments: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="segments.csv of **harken study sample**: weights.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compare annotations with a reference: by seconds, events and totals, with intervals.

    Only what both looked at counts. Intervals come from drawing children with replacement.
    """
    from harken.studies.agree import agree, by_group, disagreements, pair
    from harken.studies.agreement_report import MEASURES, write_report
    from harken.studies.agreement_report import said as told

    sides = [_read(path) for path in (reference, hypothesis)]
    weights: dict[str, float] = {}
    about = _tables(corpus) if corpus else {}
    if segments is not None:
        sides, weights, about = _into_segments(sides, segments, about)
    pairs, said = pair(sides[0], sides[1], about=about, weights=weights)
    how: dict[str, Any] = {
        "reference_labels": tuple(reference_label or ("cry",)),
        "hypothesis_labels": tuple(hypothesis_label or ("cry",)),
        "join": join,
        "collar": collar,
        "onset_within": onset_within,
        "offset_within": offset_within,
    }
    found = agree(pairs, **how)
    groups = {column: by_group(pairs, column, **how) for column in by or ()}
    labels = {key: how[key] for key in ("reference_labels", "hypothesis_labels", "join")}
    worst = disagreements(pairs, **labels)
    files = write_report(out, pairs, found, groups=groups, worst=worst, remarks=said, how=how)
    typer.echo(f"{found.recordings} recordings, {found.children} children, {found.looked_h:.2f} h")
    for name, words in MEASURES:
        typer.echo(f"  {words:28} {told(getattr(found, name))}")
    for sentence in said:
        typer.echo(f"Note: {sentence}", err=True)
    typer.echo(f"Report: {files[0]}")


def sample(
    recordings: _Recordings,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where segments.csv and the templates go.")
    ] = Path("to-annotate"),
    count: Annotated[int, typer.Option(help="How many segments.", min=1)] = 60,
    seconds: Annotated[float, typer.Option(metavar="S", help="Length of each.", min=1)] = 60.0,
    way: Annotated[
        str,
        typer.Option(
            help="**random**: all alike; **high**: more often where there is more crying; "
            "**stratified**: a third each without, with some and with much."
        ),
    ] = "random",
    heard: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Where crying was heard: a run, or annotations.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="**elan** or **textgrid**.")
    ] = "elan",
    corpus: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="ChildProject data set: whose each recording is.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same.")] = 1,
) -> None:
    """Draw minutes to annotate by hand, and write templates for them.

    Fill the templates in, and give **harken study agree** the table: it weights each segment by
    what it stands for.
    """
    from harken.sound import find_recordings
    from harken.studies import Annotations, Format, write
    from harken.studies.formats import FORMATS
    from harken.studies.sample import WAYS, sample, template

    if way not in WAYS:
        raise ParameterError(f"--way {way}: one of {', '.join(WAYS)}")
    if to not in ("elan", "textgrid"):
        raise ParameterError(f"--to {to}: elan or textgrid")
    chosen: Format = FORMATS[to]
    paths = {path.stem: path for path in find_recordings(recordings)}
    lengths = {name: _length(path) for name, path in paths.items()}
    known: dict[str, Annotations] = {}
    for item in _read(heard) if heard else ():
        known[_stem(item.recording)] = item
    children = {
        name: row.get("child_id", "") or name
        for name, row in (_tables(corpus) if corpus else {}).items()
    }
    drawn = sample(
        lengths,
        count=count,
        seconds=seconds,
        way=next(one for one in WAYS if one == way),
        heard=known or None,
        children=children,
        seed=seed,
    )
    out.mkdir(parents=True, exist_ok=True)
    with (out / "segments.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(drawn[0].as_dict()), lineterminator="\n")
        table.writeheader()
        table.writerows(one.as_dict() for one in drawn)
    names = sorted({one.recording for one in drawn})
    ending = ".TextGrid" if to == "textgrid" else chosen.endings[0]
    for name in names:
        made = template([one for one in drawn if one.recording == name])
        item = Annotations(
            recording=paths[name].name,
            annotations=made.annotations,
            analysed=made.analysed,
            duration=lengths[name],
        )
        write([item], out / f"{name}{ending}", format=to)
    typer.echo(f"{len(drawn)} segments of {len(names)} recordings in {out}")
    typer.echo("Annotate the tier CHI within the segments, and keep segments.csv.")


def tune(
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE", help="What people heard.", show_default=False)
    ],
    recordings: _Recordings,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What the rule is saved as.", show_default=False)
    ],
    label: Annotated[
        list[str] | None,
        typer.Option(help="Label that counts; may be given again.", show_default="cry"),
    ] = None,
    join: Annotated[
        float,
        typer.Option(
            metavar="S", help="What people marked this near counts as one; see agree.", min=0
        ),
    ] = 0.0,
    corpus: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="ChildProject data set: whose each recording is.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = "auto",
    rule: RuleOption = "",
) -> None:
    """Fit the bout rule to your own annotated minutes, and save it under a name.

    Children are left out in turn, so that the F1 that is told is of children the rule was not
    fitted to. **harken listen**, **analyze** and **study run** take the rule by **--rule NAME**.
    """
    from harken.cli.rules import read_rule, rule_path, save_rule
    from harken.episodes import BoutRule
    from harken.hearing import open_detector
    from harken.studies.agree import near
    from harken.studies.agreement_report import said as told
    from harken.studies.cut import find_named
    from harken.studies.tune import Minutes, hear_stretches, in_words, tune

    rule_path(name)
    items = _read(reference)
    about = _tables(corpus) if corpus else {}
    named = find_named(recordings, [_stem(item.recording) for item in items])
    detector = open_detector(model)
    base = read_rule(rule, BoutRule(detector.on, detector.off))
    minutes = []
    for item in items:
        stem = _stem(item.recording)
        looked = item.analysed or ((0.0, _length(named[stem])),)
        heard = hear_stretches(named[stem], looked, detector)
        child = about.get(stem, {}).get("child_id") or stem
        minutes.append(
            Minutes(
                child, tuple(heard), tuple(looked), near(item.where(*(label or ("cry",))), join)
            )
        )
    found = tune(minutes, base)
    path = save_rule(name, found.rule, {"model": model, "found": found.as_dict()})
    typer.echo(f"{found.minutes:.0f} minutes of {found.children} children")
    typer.echo(f"  F1 before          {told(found.before)}")
    typer.echo(f"  F1 of held-out     {told(found.held_out)}")
    typer.echo(f"  difference         {told(found.difference)}")
    typer.echo(f"  rule               {in_words(found.rule)}")
    if found.difference.low is None or found.difference.low <= 0:
        typer.echo("Not clearly better than the rule so far: keep that one, or annotate more.")
    typer.echo(f"Saved: {path}; use it with --rule {name}")


def cut(
    disagreements: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="disagreements.csv, or any CSV with recording, onset and offset.",
            show_default=False,
        ),
    ],
    recordings: _Recordings,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the clips go.")] = Path("clips"),
    around: Annotated[
        float, typer.Option(metavar="S", help="Seconds before and after.", min=0)
    ] = 5.0,
) -> None:
    """Cut stretches out of recordings, to listen to them."""
    from harken.studies import read
    from harken.studies.cut import cut, find_named

    items = read(disagreements, format="csv")
    named = find_named(recordings, [_stem(item.recording) for item in items if item.annotations])
    made = []
    for item in items:
        stretches = [(one.onset - around, one.offset + around) for one in item.annotations]
        if stretches:
            name = _stem(item.recording)
            made += cut(named[name], stretches, out, name=name)
    typer.echo(f"{len(made)} clips in {out}")


def _stem(name: str) -> str:
    return Path(name).stem if Path(name).suffix else name


def _read(path: Path) -> "list[Annotations]":
    """Read annotations, or what a run found."""
    from harken.studies import read

    if (path / "run.json").is_file():
        return _of_run(path)
    items = read(path)
    if len(items) == 1 and not items[0].recording:
        from dataclasses import replace

        return [replace(items[0], recording=path.stem)]
    return items


def _of_run(path: Path) -> "list[Annotations]":
    """Give the bouts of a run as annotations; what was heard counts as looked at."""
    from harken.studies import Annotation, Annotations
    from harken.studies.run import read_run

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


def _length(path: Path) -> float:
    """Give a recording's length in seconds, from its header where it says."""
    import av

    from harken.sound import RATE, AudioBlock, open_source

    with av.open(str(path)) as file:
        if file.duration is not None:
            return float(file.duration / av.time_base)
    end = 0.0
    with open_source(str(path)) as source:
        for item in source:
            if isinstance(item, AudioBlock):
                end = item.start + len(item.samples) / RATE
    return end


def _tables(corpus: Path) -> dict[str, dict[str, str]]:
    """Give what a data set's tables say of each recording, with the child's age in months."""
    from datetime import date

    from harken.studies.formats.childproject import rows_of

    children = {row.get("child_id", ""): row for row in rows_of(corpus / "metadata/children.csv")}
    about = {}
    for row in rows_of(corpus / "metadata/recordings.csv"):
        born = children.get(row.get("child_id", ""), {}).get("child_dob", "")
        columns = {key: value for key, value in row.items() if value not in ("", "NA")}
        try:
            days = (date.fromisoformat(row.get("date_iso", "")) - date.fromisoformat(born)).days
            columns["age_months"] = str(int(days / 30.4375))
        except ValueError:
            pass
        about[_stem(row.get("recording_filename", ""))] = columns
    if not about:
        raise AnnotationError(f"{corpus}: no metadata/recordings.csv: this is no data set")
    return about


def _into_segments(
    sides: "list[list[Annotations]]", table: Path, about: dict[str, dict[str, str]]
) -> "tuple[list[list[Annotations]], dict[str, float], dict[str, dict[str, str]]]":
    """Cut both sides into the segments that were drawn."""
    from harken.studies.sample import split

    drawn = _segments(table)
    cut_up: list[list[Annotations]] = []
    for items in sides:
        pieces = []
        for item in items:
            name = _stem(item.recording)
            pieces += [made for _, made in split(item, [d for d in drawn if d.recording == name])]
        cut_up.append(pieces)
    weights = {one.name: one.weight for one in drawn}
    columns = {
        one.name: {**about.get(one.recording, {}), "child_id": one.child, "stratum": one.stratum}
        for one in drawn
    }
    return cut_up, weights, columns


def _segments(table: Path) -> "list[Segment]":
    from harken.studies.sample import Segment

    try:
        with table.open(encoding="utf-8", newline="") as file:
            return [
                Segment(
                    recording=row["recording"],
                    child=row["child"],
                    since=float(row["since"]),
                    until=float(row["until"]),
                    stratum=row["stratum"],
                    chance=float(row["chance"]),
                    crying_s=float(row["crying_s"]),
                )
                for row in csv.DictReader(file)
            ]
    except OSError as error:
        raise AnnotationError(f"{table}: {error.strerror or error}") from error
    except (KeyError, ValueError, TypeError) as error:
        raise AnnotationError(
            f"{table}: it isn't a table of harken study sample ({json.dumps(str(error))})"
        ) from error
