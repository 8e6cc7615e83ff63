"""`harken study agree|sample|cut|tune`: beside what people heard."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.cli.options import ModelOption, RuleOption
from harken.errors import ParameterError

if TYPE_CHECKING:
    from harken.studies import Annotations
    from harken.studies.sample import Segment

_Reference = Annotated[
    Path,
    typer.Argument(
        metavar="REFERENCE",
        help="What people heard: annotations, a folder of them, or a data set or one of its sets "
        "(**corpus/annotations/SET**).",
        show_default=False,
    ),
]
_Recordings = Annotated[
    Path,
    typer.Option(metavar="FOLDER", help="Where the recordings are.", show_default=False),
]
_Corpus = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="ChildProject data set whose tables say whose each recording is; by default the one "
        "that the annotations or recordings lie in. A run knows it too.",
        show_default=False,
    ),
]
_Join = Annotated[
    float,
    typer.Option(
        metavar="S",
        help="Stretches this near count as one. Harken's bouts are joined over 5 s; people "
        "often mark single bursts.",
        min=0,
    ),
]
_Segments = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="segments.csv of **harken study sample**: weights.",
        show_default=False,
    ),
]


def agree(
    reference: _Reference,
    hypothesis: Annotated[
        Path,
        typer.Argument(
            metavar="HYPOTHESIS",
            help="What is to be judged: annotations, or the folder of a run.",
            show_default=False,
        ),
    ],
    rater: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="What another person heard in the same recordings: adds how far all of them "
            "agree, and the hypothesis with them. May be given again.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the report and its tables go.")
    ] = Path("agreement"),
    reference_label: Annotated[
        list[str] | None,
        typer.Option(
            help="Label of the reference, and of other raters, that counts; may be given again.",
            show_default="cry",
        ),
    ] = None,
    hypothesis_label: Annotated[
        list[str] | None,
        typer.Option(
            help="Label of the hypothesis that counts; may be given again.", show_default="cry"
        ),
    ] = None,
    join: _Join = 0.0,
    collar: Annotated[
        float,
        typer.Option(
            metavar="S",
            help="Seconds not scored around each end of the reference, half on each side.",
            min=0,
        ),
    ] = 0.0,
    onset_within: Annotated[
        float, typer.Option(metavar="S", help="Events match if onsets lie this near.", min=0.001)
    ] = 1.0,
    offset_within: Annotated[
        float,
        typer.Option(metavar="S", help="And offsets this near, or half the event.", min=0.001),
    ] = 2.0,
    corpus: _Corpus = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="**child**, **age_months** or a column of the tables; may be given again.",
            show_default=False,
        ),
    ] = None,
    segments: _Segments = None,
) -> None:
    """Compare annotations with a reference: by seconds, events and totals, with intervals.

    Only what both looked at counts. Intervals come from drawing children with replacement.
    """
    from harken.studies.agree import agree, by_group, disagreements, pair
    from harken.studies.agreement_report import rows_of_raters, rows_to_read, write_report
    from harken.studies.material import (
        about_of,
        annotations_of,
        is_run,
        recordings_of,
        segments_of,
    )
    from harken.studies.raters import among, among_by_group, panels
    from harken.studies.sample import into_segments

    paths = [reference, hypothesis, *(rater or ())]
    names = _called(paths) if rater else []
    items = [annotations_of(path) for path in paths]
    about = about_of(paths, corpus)
    if is_run(reference) and not is_run(hypothesis):
        typer.echo("Note: REFERENCE is a run; what people heard comes first", err=True)
    pairs, said = pair(items[0], items[1], about=about)
    said += _unweighted(reference, segments)
    drawn = segments_of(segments) if segments else []
    if drawn:
        pairs, left = into_segments(pairs, drawn)
        said += left
    labels: dict[str, Any] = {
        "reference_labels": tuple(reference_label or ("cry",)),
        "hypothesis_labels": tuple(hypothesis_label or ("cry",)),
        "join": join,
    }
    how = {
        **labels,
        "collar": collar,
        "onset_within": onset_within,
        "offset_within": offset_within,
    }
    found = agree(pairs, **how)
    groups = {column: by_group(pairs, column, **how) for column in by or ()}
    raters, rater_groups = None, {}
    if rater:
        whose = [names[0], *names[2:]], names[1]
        sides = dict(zip([*whose[0], names[1]], [items[0], *items[2:], items[1]], strict=True))
        together, more = panels(sides, about=about)
        said += [one for one in more if one not in said]
        if drawn:
            together, _ = into_segments(together, drawn)
        raters = among(together, *whose, **labels)
        rater_groups = {
            column: among_by_group(together, column, *whose, **labels) for column in by or ()
        }
    files = write_report(
        out,
        found,
        groups=groups,
        raters=raters,
        rater_groups=rater_groups,
        worst=disagreements(pairs, **labels),
        remarks=[*_given(paths, segments), *said],
        how=how,
        recordings=recordings_of(paths, corpus),
    )
    what = f"{found.segments} segments of " if found.segments else ""
    recordings = f"{found.recordings} recording{'s' * (found.recordings != 1)}"
    children = f"{found.children} child{'ren' * (found.children != 1)}"
    typer.echo(f"{what}{recordings}, {children}, {found.looked_h:.2f} h")
    for words, number in (*rows_to_read(found), *(rows_of_raters(raters) if raters else ())):
        typer.echo(f"  {words:28} {number}")
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
    corpus: _Corpus = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same.")] = 1,
) -> None:
    """Draw minutes to annotate by hand, and write templates for them.

    Fill the templates in, and give **harken study agree** the table: it weights each segment by
    what it stands for.
    """
    from harken.studies.agree import aligned, columns_of
    from harken.studies.cut import recordings_in
    from harken.studies.material import about_of, annotations_of, length_of
    from harken.studies.names import match
    from harken.studies.sample import WAYS, sample, write_template
    from harken.writing import replacing

    if way not in WAYS:
        raise ParameterError(f"--way {way}: one of {', '.join(WAYS)}")
    if to not in ("elan", "textgrid"):
        raise ParameterError(f"--to {to}: elan or textgrid")
    if (out / "segments.csv").exists():
        raise ParameterError(
            f"{out}: segments.csv is there already, and people may have annotated what it lists: "
            "name another --out"
        )
    paths = recordings_in(recordings)
    known: dict[str, Annotations] = {}
    left: list[str] = []
    if heard:
        found, _ = aligned({str(heard): annotations_of(heard)})
        marked = {name: next(iter(one.values())) for name, one in found.items()}
        same = match(paths, marked, ours=str(recordings), theirs=str(heard))
        known = {name: marked[same[name]] for name in same}
        # Who says what was looked at has not looked at what isn't there.
        if any(one.analysed for one in marked.values()):
            left = [name for name in paths if name not in known]
            paths = {name: path for name, path in paths.items() if name in known}
        if not known:
            raise ParameterError(f"--heard {heard}: none of the recordings in {recordings}")
    lengths = {name: length_of(path) for name, path in paths.items()}
    sources = [path for path in (recordings, heard) if path]
    about = columns_of(paths, about_of(sources, corpus))
    children = {
        name: row.get("child_id") or (name.partition("/")[0] if "/" in name else name)
        for name, row in about.items()
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
    ending = {"textgrid": ".TextGrid", "elan": ".eaf"}[to]
    names = sorted({one.recording for one in drawn})
    for name in names:
        write_template(
            [one for one in drawn if one.recording == name],
            out / f"{name}{ending}",
            media=paths[name].name,
            duration=lengths[name],
        )
    with (
        replacing(out / "segments.csv") as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.DictWriter(file, list(drawn[0].as_dict()), lineterminator="\n")
        table.writeheader()
        table.writerows(one.as_dict() for one in drawn)
    if left:
        typer.echo(f"Note: left out, since {heard} doesn't have them: {_few(left)}", err=True)
    typer.echo(f"{len(drawn)} segments of {len(names)} recordings in {out}")
    typer.echo("Mark crying within them on the tier CHI with the word cry, and keep segments.csv.")


def tune(
    reference: _Reference,
    recordings: _Recordings,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What the rule is saved as.", show_default=False)
    ],
    label: Annotated[
        list[str] | None,
        typer.Option(help="Label that counts; may be given again.", show_default="cry"),
    ] = None,
    join: _Join = 0.0,
    corpus: _Corpus = None,
    segments: _Segments = None,
    model: ModelOption = "auto",
    rule: RuleOption = "",
) -> None:
    """Fit the bout rule to your own annotated minutes, and save it under a name.

    Children are left out in turn, so that the F1 that is told is of children the rule was not
    fitted to. **harken listen**, **analyze** and **study run** take the rule by **--rule NAME**.
    """
    from dataclasses import replace

    from harken.cli.rules import read_rule, rule_path, save_rule
    from harken.episodes import BoutRule
    from harken.hearing import open_detector
    from harken.studies.agree import aligned, checked, columns_of, common, near
    from harken.studies.agreement_report import said as told
    from harken.studies.annotation import joined
    from harken.studies.cut import find_named
    from harken.studies.material import about_of, annotations_of, is_run, length_of, segments_of
    from harken.studies.names import match
    from harken.studies.tune import Minutes, enough, hear_stretches, in_words, tune

    before = rule_path(name).exists()
    if is_run(reference):
        raise ParameterError(f"{reference} is a run: REFERENCE is what people heard")
    labels = checked(label or ("cry",))
    found, notes = aligned({"the reference": annotations_of(reference)})
    items = {at: next(iter(one.values())) for at, one in found.items()}
    about = columns_of(items, about_of([reference, recordings], corpus))
    named = find_named(recordings, list(items))
    drawn: dict[str, list[Segment]] = {}
    if segments:
        every = segments_of(segments)
        known = match(
            {one.recording for one in every}, items, ours=str(segments), theirs="the reference"
        )
        for one in every:
            if one.recording in known:
                drawn.setdefault(known[one.recording], []).append(one)
        items = {at: item for at, item in items.items() if at in drawn}
    detector = open_detector(model)
    base = read_rule(rule, BoutRule(detector.on, detector.off))
    minutes = []
    for at, item in items.items():
        looked = joined(item.analysed or [(0.0, length_of(named[at][1]))])
        weights: tuple[float, ...] = ()
        child = about[at].get("child_id") or at
        if segments:
            child = drawn[at][0].child
            parts = [
                (span, one.weight)
                for one in drawn[at]
                for span in common(looked, [(one.since, one.until)])
            ]
            looked, weights = tuple(span for span, _ in parts), tuple(each for _, each in parts)
        crying = near(common(item.where(*labels), looked), join)
        minutes.append(Minutes(child, (), looked, crying, weights))
    enough([one.child for one in minutes], crying=any(one.crying for one in minutes))
    heard = [
        replace(one, frames=tuple(hear_stretches(named[at][1], one.looked, detector)))
        for at, one in zip(items, minutes, strict=True)
    ]
    fitted = tune(heard, base)
    kept = {"model": detector.name, "found": fitted.as_dict()}
    path = save_rule(name, fitted.rule, kept)
    typer.echo(f"{fitted.minutes:.0f} minutes of {fitted.children} children")
    typer.echo(f"  F1 before          {told(fitted.before)}")
    typer.echo(f"  F1 of held-out     {told(fitted.held_out)}")
    typer.echo(f"  difference         {told(fitted.difference)}")
    typer.echo(f"  rule               {in_words(fitted.rule)}")
    fits = sum(fitted.chosen.values())
    for words, times in fitted.chosen.items():
        typer.echo(f"  in {times:2} of {fits:2} fits   {words}")
    for sentence in [*notes, *_unweighted(reference, segments)]:
        typer.echo(f"Note: {sentence}", err=True)
    if fitted.at_edge:
        typer.echo(
            f"At the edge of what is tried: {', '.join(fitted.at_edge)}. What lies beyond may fit "
            "better still; harken study agree tells, with a run by --rule."
        )
    if not fitted.better:
        typer.echo("Not clearly better than the rule so far: keep that one, or annotate more.")
    again = "replaced" if before else "saved"
    typer.echo(f"Rule {again}: {path}; use it with --rule {name}")


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

    items = [item for item in read(disagreements, format="csv") if item.annotations]
    if any(not item.recording for item in items):
        raise ParameterError(f"{disagreements}: no column recording says what to cut from")
    named = find_named(recordings, [item.recording for item in items])
    made = []
    for item in items:
        stretches = [(one.onset - around, one.offset + around) for one in item.annotations]
        name, path = named[item.recording]
        made += cut(path, stretches, out, name=name)
    typer.echo(f"{len(made)} clips in {out}")


def _called(paths: Sequence[Path]) -> list[str]:
    """Give each rater a short name; the path where two would have the same."""
    if len({path.resolve() for path in paths}) < len(paths):
        raise ParameterError("--rater: the same annotations are given twice")
    short = [path.stem or str(path) for path in paths]
    return [
        name if short.count(name) == 1 else str(path)
        for name, path in zip(short, paths, strict=True)
    ]


def _given(paths: Sequence[Path], segments: Path | None) -> list[str]:
    reference, hypothesis, *raters = paths
    said = [f"reference: {reference}", f"hypothesis: {hypothesis}"]
    said += [f"rater: {path}" for path in raters]
    return [*said, f"segments: {segments}"] if segments else said


def _unweighted(reference: Path, segments: Path | None) -> list[str]:
    there = reference / "segments.csv"
    if segments or not there.is_file():
        return []
    return [f"the minutes are not weighted; give --segments {there} if they were drawn by it"]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
