"""Rules by name: what `harken study tune` saves, and what ``--rule NAME`` takes."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harken.errors import ParameterError

if TYPE_CHECKING:
    from harken.episodes import BoutRule

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def rule_path(name: str) -> Path:
    """Give where a rule of this name is kept.

    Raises
    ------
    ParameterError
        If it is no name.
    """
    from harken.hearing import data_folder

    if not _NAME.fullmatch(name):
        raise ParameterError(
            f"rule: {name!r} is neither KEY=VALUE nor a name of letters, digits, - and _"
        )
    return data_folder() / "rules" / f"{name}.json"


def read_rule(text: str, base: "BoutRule") -> "BoutRule":
    """Read what ``--rule`` was given: KEY=VALUE,… over the base, or the name of a saved rule.

    Parameters
    ----------
    text : str
    base : BoutRule

    Returns
    -------
    BoutRule

    Raises
    ------
    ParameterError
        If there is no such rule, or it can't be read.
    """
    from harken.episodes import BoutRule

    return BoutRule.parse(in_full(text), base)


def in_full(text: str) -> str:
    """Give a saved rule's name as KEY=VALUE,… of all its fields; anything else as it is.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Raises
    ------
    ParameterError
        If there is no such rule, or it can't be read.
    """
    from harken.episodes import BoutRule

    if not text or "=" in text:
        return text
    path = rule_path(text)
    try:
        kept = BoutRule.from_dict(json.loads(path.read_text("utf-8"))["rule"])
    except FileNotFoundError:
        raise ParameterError(
            f"rule: no rule named {text!r} is saved; harken study tune saves one, or write "
            "KEY=VALUE"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"rule: {path} is not a saved rule: {error}") from error
    return ",".join(f"{name}={value!r}" for name, value in kept.as_dict().items())


def save_rule(name: str, rule: "BoutRule", about: Mapping[str, Any]) -> Path:
    """Keep a rule under a name, with how it was found; one of that name is replaced.

    Parameters
    ----------
    name : str
    rule : BoutRule
    about : mapping
        JSON-ready.

    Returns
    -------
    Path

    Raises
    ------
    ParameterError
        If it is no name.
    OutputError
        If it can't be written.
    """
    from harken.writing import put, writing

    path = rule_path(name)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    put(path, (json.dumps({"rule": rule.as_dict(), **about}, indent=2) + "\n").encode())
    return path
