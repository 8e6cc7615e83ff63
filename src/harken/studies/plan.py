"""What a run is to do, as its folder remembers it: recordings, recipe and length of pieces.

The plan holds no secret. Addresses with a password or a signed query lie whole in a
file that only its owner can read, and only who repeats a run needs it.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from harken.errors import HarkenError
from harken.studies.corpus import Corpus, Recording, masked
from harken.studies.provenance import Recipe, RunError
from harken.writing import put, replacing, writing

INNER = ".harken"
"""Folder in the folder of a run for what is no result."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run to be done, or done.

    Parameters
    ----------
    corpus : Corpus
    recipe : Recipe
    piece_s : float [s]
        Length of the pieces of a long recording; 0: never cut.
    """

    corpus: Corpus
    recipe: Recipe
    piece_s: float

    def write(self, out: Path) -> None:
        """Put it into the folder of a run.

        Parameters
        ----------
        out : Path

        Raises
        ------
        OutputError
        """
        corpus = self.corpus
        place = _addresses(out)
        secret = [
            [one.child, one.name, one.at] for one in corpus.recordings if masked(one.at) != one.at
        ]
        with writing(place):
            place.unlink(missing_ok=True)
        if secret:
            with replacing(place) as part:
                part.touch(0o600)
                part.write_text(json.dumps(secret), "utf-8")
        content = {
            "corpus": masked(corpus.at),
            "kind": corpus.kind,
            "problems": list(corpus.problems),
            "piece_s": self.piece_s,
            "recipe": self.recipe.as_dict(),
            "recordings": [one.as_dict() | {"at": masked(one.at)} for one in corpus.recordings],
        }
        put(_plan(out), json.dumps(content).encode())


def is_planned(out: Path) -> bool:
    """Whether a run was begun in a folder, as far as this machine sees."""
    return _plan(out).is_file()


def read_plan(at: str | Path, *, whole: bool = False) -> Plan:
    """Read what a run was to do.

    Parameters
    ----------
    at : path
        Folder of the run.
    whole : bool
        With passwords and queries of addresses, so that recordings can be opened again.

    Returns
    -------
    Plan

    Raises
    ------
    RunError
        It is no folder of a study, another version wrote it, or this account may not read it.
    """
    out = Path(at)
    try:
        content = json.loads(_plan(out).read_text("utf-8"))
        hidden = whole and _addresses(out).exists()
        secret = json.loads(_addresses(out).read_text("utf-8")) if hidden else []
    except PermissionError as error:
        raise RunError(
            f"{error.filename!r} may not be read by this account: it belongs to who ran the study"
        ) from None
    except (OSError, ValueError):
        raise no_study(out) from None
    try:
        known = {(child, name): place for child, name, place in secret}
        recordings = tuple(
            replace(one, at=known.get((one.child, one.name), one.at))
            for one in map(Recording.from_dict, content["recordings"])
        )
        corpus = Corpus(
            str(content["corpus"]), str(content["kind"]), recordings, tuple(content["problems"])
        )
        return Plan(corpus, Recipe.from_dict(content["recipe"]), float(content["piece_s"]))
    except (KeyError, TypeError, ValueError, HarkenError) as error:
        raise RunError(
            f"{str(out)!r} holds a study of another version of Harken, which this one cannot read "
            f"({error}): choose another --out, or install that version"
        ) from None


def no_study(out: Path) -> RunError:
    """Say that a folder holds no study."""
    return RunError(f"{str(out)!r} holds no study: name a folder that harken study run wrote")


def _plan(out: Path) -> Path:
    return out / INNER / "plan.json"


def _addresses(out: Path) -> Path:
    return out / INNER / "addresses.json"
