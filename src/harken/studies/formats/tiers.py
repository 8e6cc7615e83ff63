"""What the formats with tiers share: whose tier it is, what a text on it says, and layers."""

import re
from collections.abc import Callable, Iterable

from harken.studies.annotation import (
    SPEAKERS,
    VOICES,
    Annotation,
    in_full,
    unwritten,
    written,
)

VCM = {
    "Y": "cry",
    "L": "laugh",
    "C": "babble",
    "N": "babble",
    "U": "infant vocalisation",
}
"""The field's letters for what an infant's voice is; on a tier of the infant only."""

VOICE = {
    "CHI": "infant vocalisation",
    "OCH": "other child",
    "FEM": "female adult",
    "MAL": "male adult",
}
"""Speaker type → the label of that voice, where nothing else is said of it."""

_NAMES = {"KCHI": "CHI", "C1": "OCH", "C2": "OCH", "MOT": "FEM", "FAT": "MAL"}
_NUMBERED = {
    "FA": "FEM",
    "MA": "MAL",
    "FC": "OCH",
    "MC": "OCH",
    "UC": "OCH",
    "MI": "OCH",
    "OC": "OCH",
}


_LAYER = re.compile(r"(~(\d+|points))+$")


def speaker_of(tier: str) -> str:
    """Give the speaker type that a tier's name stands for, or nothing.

    Examples
    --------
    >>> speaker_of("CHI*"), speaker_of("FA1"), speaker_of("notes")
    ('CHI', 'FEM', '')
    """
    plain = tier.strip(" *")
    if plain in SPEAKERS:
        return plain
    return _NAMES.get(plain) or _NUMBERED.get(plain.rstrip("0123456789"), "")


def said_on(text: str, speaker: str) -> tuple[str, str]:
    """Read a text on a tier: (label, the source's word).

    On the infant's tier a word such as *cry* says what its voice was. On anybody
    else's it is what they said, or how: a woman who cries is a woman's voice.

    Examples
    --------
    >>> said_on("Y", "CHI"), said_on("cry", "FEM"), said_on("cry", "")
    (('cry', 'Y'), ('female adult', 'cry'), ('cry', ''))
    """
    if (whole := in_full(text)) is not None:
        return whole
    label, source = unwritten(text)
    if not speaker:
        return label, source
    if speaker == "CHI":
        label = VCM.get(text, label)
    if VOICES.get(label) != speaker:
        # The label is the tier's; the word is kept even where it is a label of its own.
        label, source = VOICE[speaker], text
    return label, source


def text_on(one: Annotation, tier: str) -> str:
    """Give the text from which `said_on` reads an annotation's label and word on a tier.

    Examples
    --------
    >>> text_on(Annotation(onset=0, offset=1, label="other", source="dog"), "CHI")
    'other [dog]'
    """
    speaker = speaker_of(tier)
    return " ".join(written(one, back=lambda text: said_on(text, speaker)).split())


def speaker_told(label: str, tier: str) -> str:
    """Give whose voice is known from a tier's name, or else from a label."""
    return speaker_of(tier) or VOICES.get(label, "")


def by_tier(annotations: Iterable[Annotation]) -> list[tuple[str, list[Annotation]]]:
    """Group annotations by the tier they are to stand on: their own, or their speaker's."""
    tiers: dict[str, list[Annotation]] = {}
    for one in annotations:
        tiers.setdefault(untouched(one.tier.strip()) or one.speaker or "sound", []).append(one)
    return sorted(tiers.items(), key=lambda each: (each[0] != "CHI", each[0]))


def apart(
    annotations: Iterable[Annotation],
    *,
    times: Callable[[Annotation], tuple[float, float]] = lambda one: (one.onset, one.offset),
) -> list[list[Annotation]]:
    """Spread annotations over as few layers as it takes for none to overlap within one.

    Parameters
    ----------
    annotations : iterable of Annotation
    times : callable, optional
        Annotation → (begin, end) as the format will hold them.

    Returns
    -------
    list of list of Annotation

    Examples
    --------
    >>> a, b, c = (Annotation(onset=s, offset=s + 2, label="cry") for s in (0.0, 1.0, 2.0))
    >>> [[x.onset for x in layer] for layer in apart([a, b, c])]
    [[0.0, 2.0], [1.0]]
    """
    layers: list[list[Annotation]] = []
    for one in sorted(annotations, key=lambda each: (times(each), each.order)):
        for layer in layers:
            if times(layer[-1])[1] <= times(one)[0]:
                layer.append(one)
                break
        else:
            layers.append([one])
    return layers


def untouched(name: str) -> str:
    """Give a tier's name without the number that `layered` put behind it.

    Examples
    --------
    >>> untouched("CHI~2"), untouched("CHI")
    ('CHI', 'CHI')
    """
    return _LAYER.sub("", name) or name


def layered(name: str, layer: int) -> str:
    """Name the tier of a layer from 0.

    Examples
    --------
    >>> layered("CHI", 0), layered("CHI", 1)
    ('CHI', 'CHI~2')
    """
    return name if layer == 0 else f"{name}~{layer + 1}"
