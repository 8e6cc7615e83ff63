"""The infant–caregiver model beside what was published: `python -m benchmarks.calibration`.

Each figure is held against the published interval where there is one, or else
within a tenth of it. That a simulated figure agrees says that the model was
fitted to it, and nothing more: most of these were used for that.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.evidence import claim
from harken.simulate.cohort import simulate_days, write_cohort
from harken.simulate.policy import policy

INFANTS = 1000
SEED = 20260101
SPARE = 0.10
"""How far from a published figure without an interval a simulated one may be."""

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "simulator.md"
TITLE = "The simulator beside what was published"
TITLE_OTHERS = "What it was not fitted to, and how far off it is"

Days = dict[str, NDArray[np.float64]]
HEAD = ("what", "claims", "published", "within", "simulated", "met?")


@dataclass(frozen=True)
class Line:
    """A figure, simulated beside published.

    Parameters
    ----------
    what : str
    claims : tuple of str
        Ids; each must be known to `harken.evidence`.
    published : float or None
        None where only a direction is published.
    low, high, simulated : float
    unit : str
    note : str
        What a reader must know: "quoted, not confirmed", "what if", …
    """

    what: str
    claims: tuple[str, ...]
    published: float | None
    low: float
    high: float
    simulated: float
    unit: str
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the simulated figure lies within."""
        return self.low <= self.simulated <= self.high

    def cells(self) -> tuple[str, ...]:
        """Write the line's cells, as `HEAD` names them."""
        digits = 2 if self.unit in ("", "share") else 1
        if self.unit == "share" and self.high < 0.1:
            digits = 4

        def text(value: float) -> str:
            return f"{value:.{digits}f}"

        return (
            self.what + (f" ({self.note})" if self.note else ""),
            ", ".join(self.claims),
            "fewer" if self.published is None else f"{text(self.published)} {self.unit}".strip(),
            f"{text(self.low)} to {text(self.high)}",
            text(self.simulated),
            "yes" if self.met else "NO",
        )


def _near(
    what: str,
    claims: Sequence[str],
    published: float,
    simulated: float,
    unit: str,
    *,
    between: tuple[float, float] | None = None,
    note: str = "",
) -> Line:
    low, high = between or (published * (1 - SPARE), published * (1 + SPARE))
    return Line(what, tuple(claims), published, low, high, simulated, unit, note)


def _weeks(made: Days, since: float, until: float) -> Days:
    """Keep the days of an age."""
    ages = made["age_weeks"][0]
    kept = (ages >= since - 1e-9) & (ages < until - 1e-9)
    return {name: values[:, kept] for name, values in made.items()}


def _crying(made: Days) -> float:
    return float(made["crying_min"].mean())


def _evening(made: Days) -> float:
    return float(made["evening_min"].sum() / made["crying_min"].sum())


def measure(
    infants: int = INFANTS, *, jobs: int = 0, seed: int = SEED
) -> tuple[list[Line], list[Line]]:
    """Simulate all that the table needs.

    Parameters
    ----------
    infants : int
        An arm; fewer make the figures scatter.
    jobs : int
        Processes; 0: one a core.
    seed : int

    Returns
    -------
    (list of Line, list of Line)
        Those that are promised, and those that nothing was fitted to.
    """

    def run(name: str, age: float, weeks: float) -> Days:
        return simulate_days(
            name, infants=infants, weeks=weeks, seed=seed, age_weeks=age, jobs=jobs
        )

    usual = run("usual", 0.0, 13.0)
    lines = _curve(usual)
    control, carried, prompt, kung = (
        _weeks(run(name, 4.0, 3.0), 5.5, 6.5) for name in ("usual", "carrying", "prompt", "kung")
    )
    lines += _trial(control, carried)
    lines += _answers(control, prompt, kung)
    lines += _styles(run)
    lines += _quoted(infants, seed)
    return lines, _not_fitted(run, usual)


def measure_speed(
    *, infants: int = 1000, weeks: int = 12, jobs: int = 2
) -> tuple[str, str, str, str]:
    """Time a cohort from nothing to its tables, as `harken simulate` makes them.

    Parameters
    ----------
    infants, weeks, jobs : int

    Returns
    -------
    (what, at least, measured, met)
    """
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        write_cohort("usual", Path(folder), infants=infants, weeks=weeks, jobs=jobs)
        took_s = time.perf_counter() - begun
    whole_s = took_s * (1000 / infants) * (12 / weeks)
    what = "1000 infants × 12 weeks, two cores"
    return what, "≤ 60 s", f"{took_s:.0f} s", "yes" if whole_s <= 60 else "NO"


def _curve(usual: Days) -> list[Line]:
    """Give minutes a day by week of age."""
    band = (117.0, 133.0)
    early, middle, late, after = (
        _weeks(usual, since, until) for since, until in ((1, 3), (3, 5), (5, 7), (10, 13))
    )
    between = late["crying_min"].mean(axis=1)
    return [
        _near("fuss and cry a day, weeks 1–2", ["N08", "N11c"], 120, _crying(early), "min",
              between=band),
        _near("fuss and cry a day, weeks 3–4", ["N09", "N11c"], 125, _crying(middle), "min",
              between=band, note="published is a range, 117 to 133"),
        _near("fuss and cry a day, weeks 5–6", ["N12"], 126, _crying(late), "min"),
        _near("fuss and cry a day, weeks 10–12", ["N11b"], 68, _crying(after), "min"),
        _near("standard deviation between infants, weeks 5–6", ["N12"], 61, float(between.std()),
              "min"),
    ]  # fmt: skip


def _trial(control: Days, carried: Days) -> list[Line]:
    """Give the lines of the trial of added carrying at six weeks."""
    usual, added = _crying(control), _crying(carried)
    evening = float(control["evening_min"].mean()), float(carried["evening_min"].mean())
    return [
        _near("control arm of the carrying trial, week 6", ["S13"], 129.6, usual, "min"),
        _near("its arm with added carrying", ["S12"], 73.8, added, "min"),
        _near("less crying with added carrying", ["S11"], 0.43, 1 - added / usual, "share"),
        _near("share of crying from 16 to 24 hours, control arm", ["S13", "S14"], 1.28 / 2.16,
              _evening(control), "share"),
        _near("less evening crying with added carrying", ["S14"], 0.51,
              1 - evening[1] / evening[0], "share"),
    ]  # fmt: skip


def _answers(usual: Days, prompt: Days, kung: Days) -> list[Line]:
    """Compare answers: bouts alike, minutes fewer."""

    def bouts(made: Days) -> float:
        return float(made["bouts"].mean())

    def lasts(made: Days) -> float:
        return float(made["crying_min"].sum() / made["bouts"].sum())

    fewer = _crying(prompt) / _crying(usual)
    return [
        _near("bouts a day, prompt answers against usual", ["S10"], 1.0,
              bouts(prompt) / bouts(usual), "", note="about equally often"),
        Line("minutes a day, prompt answers against usual", ("S10", "R01", "R03"), None, 0.0, 0.95,
             fewer, "", "studies disagree on how many fewer"),
        _near("bouts a day, !Kung care against usual", ["S10"], 1.0, bouts(kung) / bouts(usual),
              "", note="about equally often"),
        _near("length of a bout, !Kung care against usual", ["S10"], 0.5,
              lasts(kung) / lasts(usual), "", note="about half"),
    ]  # fmt: skip


def _styles(run: Callable[[str, float, float], Days]) -> list[Line]:
    """Give crying without contact at ten days under three styles of care."""
    lines = []
    for name, claim_id, minutes in (
        ("london", "N18a", 38.0),
        ("copenhagen", "N18b", 15.0),
        ("proximal", "N18c", 10.0),
    ):
        # From the seventh day to the fourteenth, around the tenth.
        young = _weeks(run(name, 0.0, 2.0), 1.0, 2.0)
        alone = float(young["no_contact_min"].mean())
        lines.append(
            _near(f"crying without contact a day, ten days old, {name}", [claim_id], minutes,
                  alone, "min")
        )  # fmt: skip
    return lines


def _not_fitted(run: Callable[[str, float, float], Days], usual: Days) -> list[Line]:
    """Say how far off the model is where it was not fitted."""
    five = {
        name: _crying(_weeks(run(name, 4.0, 2.0), 4.5, 5.5))
        for name in ("london", "copenhagen", "proximal")
    }
    others = (five["copenhagen"] + five["proximal"]) / 2
    young, after = _weeks(usual, 1, 7), _weeks(usual, 10, 13)
    third, fifth = (_weeks(run("kung", age - 1, 5.0), age, age + 4) for age in (9.0, 18.0))

    def awake_h(made: Days) -> float:
        return float((24 - made["sleep_h"]).sum())

    def colic(made: Days) -> float:
        """Give the share of infants' weeks with three hours or more on three days."""
        long = made["crying_min"] >= 180
        weeks = long[:, : long.shape[1] // 7 * 7].reshape(len(long), -1, 7).sum(axis=2)
        return float((weeks >= 3).mean())

    return [
        _near("crying at five weeks, London against both others", ["N15"], 1.5,
              five["london"] / others, ""),
        _near("standard deviation between infants, weeks 10–12", ["N11b"], 46.2,
              float(after["crying_min"].mean(axis=1).std()), "min"),
        _near("three hours or more on three days of a week, weeks 1–6", ["N28a"], 0.21,
              colic(young), "share", between=(0.17, 0.25)),
        _near("the same, weeks 10–12", ["N28c"], 0.006, colic(after), "share"),
        _near("crying an hour awake, !Kung care, third month", ["N04"], 4.5,
              float(third["crying_min"].sum()) / awake_h(third), "min"),
        _near("crying an hour awake, !Kung care, fifth month", ["N05"], 1.7,
              float(fifth["crying_min"].sum()) / awake_h(fifth), "min"),
        _near("bouts an hour awake, !Kung care, third month", ["N06"], 20,
              float(third["bouts"].sum()) / awake_h(third), "",
              note="counted by fives of seconds, where the model has whole spells"),
    ]  # fmt: skip


def _quoted(infants: int, seed: int) -> list[Line]:
    """Give shares within ten seconds that are only quoted, as what-if settings."""
    from harken.simulate.dyad import simulate_dyad

    lines = []
    some = max(5, infants // 50)
    for name, claim_id, share, age, who in (
        ("efe-7-weeks", "S01", 0.85, 4.0, "Efe, 3–7 weeks"),
        ("efe-17-weeks", "S02", 0.75, 16.0, "Efe, four months"),
        ("kung-3-months", "S03", 0.90, 6.0, "!Kung, first three months"),
        ("kung-12-months", "S04", 0.80, 52.0, "!Kung, one year"),
    ):
        cries = [
            cry
            for k in range(some)
            for cry in simulate_dyad(policy(name), weeks=1, seed=(seed, 9, k), age_weeks=age).cries
        ]
        soon = sum(cry.answered is not None and cry.answered - cry.onset <= 10 for cry in cries)
        # A cry that ended within ten seconds, unanswered, could not be answered within them.
        waited = sum(cry.answered is not None or cry.offset - cry.onset > 10 for cry in cries)
        lines.append(
            _near(f"what if: answered within 10 s, {who}", [claim_id], share, soon / waited,
                  "share", note="quoted, not confirmed; latencies assumed")
        )  # fmt: skip
    cries = [
        cry
        for k in range(some)
        for cry in simulate_dyad(policy("half"), weeks=1, seed=(seed, 9, k), age_weeks=6.0).cries
    ]
    left = sum(cry.answered is None for cry in cries) / len(cries)
    lines.append(
        _near("what if: cries left unanswered, American and Dutch", ["S05"], 0.5, left, "share",
              note="quoted, not confirmed; latencies assumed")
    )  # fmt: skip
    return lines


def check_claims(lines: Sequence[Line]) -> None:
    """Refuse a line whose claim is not known.

    Parameters
    ----------
    lines : sequence of Line
    """
    for line in lines:
        for one in line.claims:
            claim(one)


def rows(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """Give the table's rows, as `HEAD` names their cells.

    Parameters
    ----------
    lines : sequence of Line

    Returns
    -------
    list of tuple of str
    """
    return [line.cells() for line in lines]


def fill(page: str, lines: Sequence[Line], others: Sequence[Line], infants: int) -> str:
    """Put the tables between ``<!-- calibration -->`` and ``<!-- /calibration -->``.

    Parameters
    ----------
    page : str
    lines, others : sequence of Line
    infants : int
        An arm.

    Returns
    -------
    str
    """
    parts = []
    for title, some in ((TITLE, lines), (TITLE_OTHERS, others)):
        table = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
        table += ["| " + " | ".join(row) + " |" for row in rows(some)]
        parts.append(f"**{title}** ({infants} infants an arm)\n\n" + "\n".join(table))
    first, last = "<!-- calibration -->", "<!-- /calibration -->"
    before, _, rest = page.partition(first)
    _, mark, after = rest.partition(last)
    if not mark:
        raise SystemExit(f"the page holds no block between {first} and {last}")
    return before + first + "\n" + "\n\n".join(parts) + "\n" + last + after


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, keep it with --out, and fail where a figure is not met."""
    parse = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parse.add_argument("--infants", type=int, default=INFANTS, help="an arm")
    parse.add_argument("--seed", type=int, default=SEED)
    parse.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parse.add_argument("--out", type=Path, help="a JSON file to keep it in")
    parse.add_argument("--page", action="store_true", help="put the tables into the page in docs/")
    ask = parse.parse_args(arguments)
    from rich.console import Console
    from rich.table import Table

    lines, others = measure(ask.infants, jobs=ask.jobs, seed=ask.seed)
    check_claims([*lines, *others])
    console = Console(width=160 if not Console().is_terminal else None)
    for title, some in ((TITLE, lines), (TITLE_OTHERS, others)):
        table = Table(title=title, title_justify="left")
        for k, name in enumerate(HEAD):
            table.add_column(name, overflow="fold", ratio=4 if k == 0 else 1)
        for row in rows(some):
            table.add_row(*row)
        console.print(table)
    console.print(
        f"{sum(line.met for line in lines)} of {len(lines)} within the published interval or "
        f"{SPARE:.0%}; {ask.infants} infants an arm, seed {ask.seed}. A figure that agrees was "
        "fitted to agree.",
        style="dim",
    )
    console.print(" · ".join(measure_speed(jobs=ask.jobs)))
    if ask.out is not None:
        kept = [
            {**asdict(line), "met": line.met, "promised": k < len(lines)}
            for k, line in enumerate([*lines, *others])
        ]
        ask.out.write_text(json.dumps(kept, indent=1, ensure_ascii=False), encoding="utf-8")
    if ask.page:
        PAGE.write_text(fill(PAGE.read_text("utf-8"), lines, others, ask.infants), "utf-8")
    return 0 if all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
