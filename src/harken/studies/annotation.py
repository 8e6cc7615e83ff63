"""What people and programs wrote about a recording, whatever file it came from.

An annotation keeps the source's own word beside Harken's: a class of LENA or
VTC is an infant's vocalisation, and only where the source itself says *cry* is
the label `cry`.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from harken.errors import ParameterError

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "cry": "An infant cries, and the source says so.",
        "fuss": "An infant whines or fusses, and the source says so.",
        "laugh": "An infant laughs.",
        "babble": "An infant's speech-like sound, canonical or not.",
        "infant vocalisation": "The infant's voice; the source doesn't say which kind, and some "
        "of it may be crying.",
        "other child": "Another child.",
        "female adult": "A woman's voice.",
        "male adult": "A man's voice.",
        "adult voice": "An adult's voice.",
        "speech": "Anybody's speech.",
        "overlap": "Several sounds at once.",
        "television": "Television, radio, toys.",
        "noise": "Any other sound.",
        "silence": "Nothing, or too faint.",
        "other": "None of these; see the source's own word.",
    }
)
"""Labels of Harken, and what each stands for."""

SPEAKERS = ("CHI", "OCH", "FEM", "MAL", "")
"""Speaker types of the field: key child, other child, female and male adult, none of them."""

VOICES: Mapping[str, str] = MappingProxyType(
    {
        "cry": "CHI",
        "fuss": "CHI",
        "laugh": "CHI",
        "babble": "CHI",
        "infant vocalisation": "CHI",
        "other child": "OCH",
        "female adult": "FEM",
        "male adult": "MAL",
    }
)
"""Whose voice a label is."""

_WORDS = {
    "cry": [
        "cry",
        "cries",
        "crying",
        "cried",
        "wail",
        "wails",
        "wailing",
        "scream",
        "screams",
        "screaming",
    ],
    "fuss": [
        "fuss",
        "fusses",
        "fussing",
        "whine",
        "whines",
        "whining",
        "whimper",
        "whimpers",
        "grizzle",
        "grizzles",
    ],
    "laugh": ["laugh", "laughs", "laughing", "laughter", "giggle", "giggles"],
    "babble": ["babble", "babbles", "babbling", "coo", "coos", "cooing", "cns", "ncs"],
    "infant vocalisation": [
        "infant",
        "baby",
        "vocalises",
        "vocalizes",
        "vocalisation",
        "vocalization",
        "kchi",
    ],
    "adult voice": ["adult", "mother", "father", "parent", "caregiver"],
    "speech": ["speech", "talk", "talking"],
    "noise": ["noise"],
    "silence": ["silence"],
}
_BY_WORD = {word: label for label, words in _WORDS.items() for word in words}


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A stretch of a recording, and what somebody or something took it for.

    Parameters
    ----------
    onset, offset : float, 0 ≤ onset ≤ offset [s]
        From the start of the recording; equal for a point.
    label : str
        One of `LABELS`.
    source : str
        The source's own word for it, kept as it was.
    tier : str
        Where the source kept it.
    speaker : str
        One of `SPEAKERS`.
    score : float or None, 0 to 1
        How sure the source was.
    level_dbfs : float or None [dBFS]
        Mean level; None where the source gives none.
    attributes : mapping of str to str
        What else the source held.

    Raises
    ------
    ParameterError
        If a time isn't finite, the two are in the wrong order, or the label is none of Harken's.

    Examples
    --------
    >>> Annotation(onset=1.5, offset=4.0, label="infant vocalisation", source="CHN").seconds
    2.5
    """

    onset: float
    offset: float
    label: str
    source: str = ""
    tier: str = ""
    speaker: str = ""
    score: float | None = None
    level_dbfs: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.onset) and math.isfinite(self.offset)):
            raise ParameterError("annotation: its times are not finite numbers")
        if not 0 <= self.onset <= self.offset:
            raise ParameterError(
                f"annotation: it begins at {self.onset:g} s and ends at {self.offset:g} s; "
                "it has to begin at 0 s or later and end after it begins"
            )
        if self.label not in LABELS:
            raise ParameterError(f"annotation: {self.label!r} is none of {', '.join(LABELS)}")
        if self.speaker not in SPEAKERS:
            raise ParameterError(f"annotation: speaker {self.speaker!r} is none of CHI OCH FEM MAL")

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.offset - self.onset

    @property
    def order(self) -> tuple[float, float, str, str]:
        """What annotations are sorted by."""
        return self.onset, self.offset, self.tier, self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """All that one file says about one recording.

    Parameters
    ----------
    recording : str
        Its name as the source gives it, without folder; empty where it gives none.
    annotations : tuple of Annotation
        By onset.
    analysed : tuple of (float, float) [s]
        Stretches that were looked at. Outside them nothing is known: no annotation there doesn't
        mean that nothing was heard. Empty: the source doesn't say.
    duration : float or None [s]
        Of the recording, where the source says.
    set : str
        In a data set: the set of annotations that it is of.
    format : str
        Which format it was read from.
    clock : tuple of (float [s], str)
        Time of day, ISO 8601, at points of the recording, where the source says.
    notes : tuple of str
        What a reader of the result has to know; one sentence each.

    Examples
    --------
    >>> cry = Annotation(onset=2.0, offset=5.0, label="cry")
    >>> about = Annotations(recording="day1.wav", annotations=(cry,), duration=60.0)
    >>> about.where("cry")
    ((2.0, 5.0),)
    """

    recording: str
    annotations: tuple[Annotation, ...] = ()
    analysed: tuple[tuple[float, float], ...] = ()
    duration: float | None = None
    set: str = ""
    format: str = ""
    clock: tuple[tuple[float, str], ...] = ()
    notes: tuple[str, ...] = ()

    def where(self, *labels: str) -> tuple[tuple[float, float], ...]:
        """Give the stretches with any of these labels; where they touch or overlap, as one.

        Parameters
        ----------
        *labels : str
            Of `LABELS`.

        Returns
        -------
        tuple of (onset, offset) [s]
        """
        return joined((one.onset, one.offset) for one in self.annotations if one.label in labels)

    @property
    def end(self) -> float:
        """The last moment that anything is said about, in seconds."""
        last = max((one.offset for one in self.annotations), default=0.0)
        looked = max((until for _, until in self.analysed), default=0.0)
        return max(last, looked, self.duration or 0.0)

    def sorted(self) -> "Annotations":
        """Give the same with its annotations in order."""
        return replace(self, annotations=tuple(sorted(self.annotations, key=lambda a: a.order)))


def joined(stretches: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Join stretches that touch or overlap; those of no length go.

    Parameters
    ----------
    stretches : iterable of (since, until) [s]

    Returns
    -------
    tuple of (since, until) [s]
        In order.

    Examples
    --------
    >>> joined([(4.0, 6.0), (1.0, 2.0), (5.0, 9.0), (3.0, 3.0)])
    ((1.0, 2.0), (4.0, 9.0))
    """
    # Insight has one of its own: without it, converting needs no package of the journal.
    kept: list[tuple[float, float]] = []
    for since, until in sorted(stretches):
        if until <= since:
            continue
        if kept and since <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(kept[-1][1], until))
        else:
            kept.append((since, until))
    return tuple(kept)


def label_of(word: str) -> str:
    """Give Harken's label for a word that a person wrote; `other` where it isn't clear.

    Parameters
    ----------
    word : str
        A label as it stands in a file.

    Returns
    -------
    str
        One of `LABELS`.

    Examples
    --------
    >>> label_of("Crying"), label_of("female adult"), label_of("dog")
    ('cry', 'female adult', 'other')
    """
    plain = word.strip().lower()
    return plain if plain in LABELS else _BY_WORD.get(plain, "other")


def written(annotation: Annotation, *, back: Callable[[str], tuple[str, str]] | None = None) -> str:
    """Give an annotation's label as text for formats that hold one text, with the source's word.

    Parameters
    ----------
    annotation : Annotation
    back : callable, optional
        Text → (label, the source's word), as the format reads it; `unwritten` by default.

    Returns
    -------
    str
        The shortest from which both come back.

    Examples
    --------
    >>> written(Annotation(onset=0, offset=1, label="infant vocalisation", source="CHN"))
    'infant vocalisation [CHN]'
    """
    whole = f"{annotation.label} [{annotation.source}]"
    for text in (annotation.source, annotation.label):
        if text and (back or unwritten)(text) == (annotation.label, annotation.source):
            return text
    return whole


def unwritten(text: str) -> tuple[str, str]:
    """Read back what `written` gave: (label, the source's word).

    Examples
    --------
    >>> unwritten("infant vocalisation [CHN]"), unwritten("cries")
    (('infant vocalisation', 'CHN'), ('cry', 'cries'))
    """
    if (whole := in_full(text)) is not None:
        return whole
    return label_of(text), "" if text in LABELS else text


def in_full(text: str) -> tuple[str, str] | None:
    """Read a text that gives a label and behind it, in brackets, the source's word.

    Examples
    --------
    >>> in_full("other [dog]"), in_full("dog [barks]")
    (('other', 'dog'), None)
    """
    label, bracket, rest = text.partition(" [")
    return (label, rest[:-1]) if bracket and rest.endswith("]") and label in LABELS else None
