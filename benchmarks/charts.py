"""Pictures of the two results that a table shows badly."""

from pathlib import Path

import altair as alt
import numpy as np
from numpy.typing import NDArray

from benchmarks.metrics import Tally
from benchmarks.peers import NAMES

_COLOURS = dict(zip(NAMES, ("#2a9d8f", "#1b6ca8", "#8d6a9f", "#b08968"), strict=True))
_SCALE = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))


def corner(scores: dict[str, NDArray[np.float64]], cry: NDArray[np.bool_], path: Path) -> None:
    """Draw the ROC curves near the corner that counts.

    Parameters
    ----------
    scores : dict of str to float64[n]
        Of everything labelled; a detector with NaN is left out.
    cry : bool[n]
    path : Path
        ``.svg``
    """
    rows = []
    for name, values in scores.items():
        if not np.isfinite(values).all():
            continue
        order = np.argsort(-values, kind="stable")
        hits = np.cumsum(cry[order]) / cry.sum()
        misses = np.cumsum(~cry[order]) / (~cry).sum()
        ends = np.flatnonzero(np.diff(values[order], append=-np.inf))
        rows += [
            {"detector": name, "false": float(misses[k]), "found": float(hits[k]), "step": int(k)}
            for k in ends
            if misses[k] <= 0.1 and values[order[k]] > 0
        ]
    chart = (
        alt.Chart(alt.InlineData(values=rows), title="Clips by models that never heard their group")
        .mark_line(interpolate="step-after", clip=True)
        .encode(
            alt.X("false:Q", title="false alarms, share of clips without crying").axis(format="%"),
            alt.Y("found:Q", title="share of cries found")
            .axis(format="%")
            .scale(domain=[0.4, 1.0]),
            alt.Color("detector:N", title=None, scale=_SCALE),
            alt.Order("step:Q"),
        )
        .properties(width=420, height=300)
    )
    chart.save(str(path))


def by_snr(tallies: dict[str, dict[str, Tally]], path: Path) -> None:
    """Draw F1 on scenes against the signal-to-noise ratio.

    Parameters
    ----------
    tallies : dict of condition to dict of detector to Tally
        Conditions that do not begin with ``SNR`` are passed over.
    path : Path
        ``.svg``
    """
    rows = [
        {"snr": float(what.split()[1]), "detector": name, "f1": made.f1}
        for what, each in tallies.items()
        if what.startswith("SNR")
        for name, made in each.items()
        if name in _COLOURS
    ]
    chart = (
        alt.Chart(alt.InlineData(values=rows), title="Bouts in rendered rooms")
        .mark_line(point=True)
        .encode(
            alt.X("snr:Q", title="crying over background, dB").axis(values=[0, 5, 10, 20]),
            alt.Y("f1:Q", title="event F1").scale(domain=[0, 1]),
            alt.Color("detector:N", title=None, scale=_SCALE),
        )
        .properties(width=420, height=300)
    )
    chart.save(str(path))
