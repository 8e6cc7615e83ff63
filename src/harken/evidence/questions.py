"""What people ask, and what to ask oneself: the claims in the order in which they are read."""

from dataclasses import dataclass
from typing import Any

from harken.errors import ParameterError
from harken.evidence.claims import SIDES, Claim, Direction, claim, claims


@dataclass(frozen=True, slots=True)
class Question:
    """Something that people ask, and the claims that bear on it.

    Parameters
    ----------
    key : str
        Short and lasting.
    asks : str
        The question.
    about : str
        What to know before reading the answers.
    topics : tuple of str
        Topics of the claims; each topic belongs to one question.
    also : tuple of str
        Ids of claims of other questions that bear on this one as well.
    """

    key: str
    asks: str
    about: str
    topics: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims of its topics."""
        return tuple(one for topic in self.topics for one in claims(topic))

    @property
    def elsewhere(self) -> tuple[Claim, ...]:
        """The claims of other questions that bear on it."""
        return tuple(claim(id) for id in self.also)

    def sides(self) -> dict[Direction, tuple[Claim, ...]]:
        """Give its claims by the side that they speak for.

        Returns
        -------
        dict
            In the order of `SIDES`, with the empty ones: that one side has nothing
            to show is worth seeing.

        Examples
        --------
        >>> [len(found) for found in question("soothes").sides().values()]
        [4, 0, 0, 2]
        """
        return {
            direction: tuple(one for one in self.claims if one.direction == direction)
            for direction in SIDES
        }

    def as_dict(self) -> dict[str, Any]:
        """Give it with its claims.

        Returns
        -------
        dict
            JSON values only.
        """
        return {
            "key": self.key,
            "asks": self.asks,
            "about": self.about,
            "topics": list(self.topics),
            "also": list(self.also),
            "claims": [one.as_dict() for one in self.claims],
        }


@dataclass(frozen=True, slots=True)
class SelfQuestion:
    """One of the four questions to ask oneself when a baby cries.

    Parameters
    ----------
    key : str
    asks : str
        The question.
    why : str
        A sentence or two on it.
    whose : str
        Whose idea it is.
    """

    key: str
    asks: str
    why: str
    whose: str


FOUR_QUESTIONS = (
    SelfQuestion(
        "all_right",
        "Is the baby all right?",
        "Look first. Everything else can wait for that.",
        "From people who wrote beneath the article that Harken starts from: to them it comes "
        "before everything, and they want to know at once.",
    ),
    SelfQuestion(
        "need",
        "What might the baby need?",
        "Food, a fresh nappy, sleep, a burp, something against pain, to be warmer or cooler, a "
        "doctor, or company. The cry doesn’t say which, and Harken never claims to know.",
        "From a nursing review (Ludington-Hoe, Cong and Hashemi 2002) that the article quotes: it "
        "advises to answer comprehensively, which Harken reads as looking at more than one need. "
        "It is advice, not a measured effect.",
    ),
    SelfQuestion(
        "there",
        "Does the baby know that somebody is there?",
        "A voice counts for something, and is not the same as arms. A baby can be answered and "
        "still cry; both are worth knowing.",
        "From a carer of five infants who wrote beneath the article: she speaks to each of them "
        "while her hands are full.",
    ),
    SelfQuestion(
        "me",
        "How am I, and who takes the next one?",
        "Turns, a hand-over and some sleep matter as much as the alert. Fetching somebody is an "
        "answer too.",
        "From parents who wrote beneath the article, about four wakings a night and work in the "
        "morning.",
    ),
)
"""The four questions to ask oneself when a baby cries; choice and words are Harken's own."""

_QUESTIONS = (
    Question(
        "how_much",
        "How much do babies cry?",
        "Most figures are from parents’ diaries. Sound, as Harken measures it, gives less: the two "
        "are not the same quantity. Babies differ so much that one baby’s total says little.",
        ("normative_crying",),
        ("A19", "D08"),
    ),
    Question(
        "colic",
        "When is it called colic?",
        "A name for much crying in a healthy baby, by a count of hours that somebody chose. "
        "Harken counts; it does not diagnose.",
        ("colic",),
        ("R07", "R08", "R09", "R10"),
    ),
    Question(
        "who",
        "How fast do people answer, and who does?",
        "What people do, here and elsewhere. It does not say what is good for a child: none of "
        "these figures comes with what became of the children.",
        ("cross_cultural", "response_latency", "who_responds", "normative_care",
         "response_at_home"),
        ("R02",),
    ),
    Question(
        "less",
        "Does answering at once make for less crying?",
        "The best known studies followed 25 and 26 families and contradict each other. Families "
        "choose how they answer, and babies who cry less are easier to leave.",
        ("response_and_crying", "cry_dynamics"),
        ("S10", "S11", "N17"),
    ),
    Question(
        "soothes",
        "Does carrying help, and what soothes?",
        "A trial of carrying healthy babies more found less crying; the same idea with colicky "
        "babies found none.",
        ("carrying", "soothing"),
        ("R08",),
    ),
    Question(
        "body",
        "What does crying do to the body?",
        "The alarming findings are on frail newborns, the calming ones on few and older babies. "
        "No study was found on how many minutes matter.",
        ("physiology",),
        ("T11", "T01", "T05", "T21"),
    ),
    Question(
        "bond",
        "Does it matter for the bond?",
        "Knowing one’s mother, being parted from her for weeks, and waiting in the cot for minutes "
        "are three different things, and are often quoted as one.",
        ("attachment", "attachment_carrying", "attachment_response"),
        ("R12", "R13", "T02"),
    ),
    Question(
        "training",
        "Does sleep training work, and does it do harm?",
        "Most trials are on babies above six months whose parents had asked for help, and parents "
        "knew which group they were in. Too small to find a harm is not the same as harmless. "
        "Crying that stops is not proof of calm.",
        ("sleep_training",),
    ),
    Question(
        "age",
        "From what age?",
        "What is advised is not the same as what is known.",
        ("sleep_training_age",),
        ("T03", "T13", "T16", "T17"),
    ),
    Question(
        "carers",
        "What does it do to those who care?",
        "Exhaustion is the other half of a night.",
        ("caregiver_effects",),
        ("R22", "T08", "T11", "T23"),
    ),
    Question(
        "sound",
        "What is in a cry?",
        "Pitch, length and melody. None of it tells a need.",
        ("acoustics", "bout_structure"),
        ("R17",),
    ),
    Question(
        "machine",
        "How well can a machine hear it?",
        "Scores from clean recordings do not carry over to homes.",
        ("detection", "bout_definition"),
    ),
)  # fmt: skip

_WAITING = (
    ("Under six months", ("T16", "R12", "R13", "T11", "T17", "T21")),
    ("Six months and older", ("T01", "T02", "T06", "T07", "T04", "T05")),
    ("What is advised, which is not the same as what is known", ("T18", "T19", "T20", "T13")),
)


def questions() -> tuple[Question, ...]:
    """Give what people ask, in the order in which it is shown.

    Returns
    -------
    tuple of Question
        Together they hold every claim once.

    Examples
    --------
    >>> questions()[0].asks
    'How much do babies cry?'
    """
    return _QUESTIONS


def question(key: str) -> Question:
    """Give one question.

    Parameters
    ----------
    key : str

    Returns
    -------
    Question

    Raises
    ------
    ParameterError
        If there is none.

    Examples
    --------
    >>> question("colic").topics
    ('colic',)
    """
    found = {one.key: one for one in _QUESTIONS}.get(key)
    if found is None:
        keys = ", ".join(one.key for one in _QUESTIONS)
        raise ParameterError(f"question {key!r} is not known; take one of {keys}")
    return found


def on_waiting() -> tuple[tuple[str, tuple[Claim, ...]], ...]:
    """Give what to read before a plan to wait for a baby below six months.

    Returns
    -------
    tuple of (str, tuple of Claim)
        A heading and the claims below it.

    Examples
    --------
    >>> [(title, len(found)) for title, found in on_waiting()][0]
    ('Under six months', 6)
    """
    return tuple((title, tuple(claim(id) for id in ids)) for title, ids in _WAITING)
