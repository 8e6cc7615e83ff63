"""The numbers of the infant–caregiver model, each with its source or the word *assumed*.

They live in ``parameters.toml`` beside this file, and ways of answering in
``policies.toml``. A number is set for one run by its dotted name, as
``crying.lasts_s.pain``.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Self

from harken.errors import ParameterError

NEEDS = ("hunger", "wet", "tired", "pain", "alone")
"""Needs of the simulated infant, in the order of their hazards."""

ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of the model, or a row of them.

    Parameters
    ----------
    name : str
        Dotted, as ``"crying.lasts_s"``.
    value : float, list of float, or mapping
    unit : str
    source : tuple of str
        Ids of claims that it was fitted to or taken from; ``("assumed",)`` where
        there is none.
    says : str
        One sentence.
    """

    name: str
    value: Any
    unit: str
    source: tuple[str, ...]
    says: str


class Parameters:
    """Every number of the model; by default those that are shipped.

    Parameters
    ----------
    **set
        Are none; see `with_values`.

    Examples
    --------
    >>> parameters = Parameters()
    >>> parameters["learning.start"]
    0.65
    >>> parameters.with_values({"learning.start": 0.2})["learning.start"]
    0.2
    """

    def __init__(self) -> None:
        self._tree = deepcopy(_shipped())

    def __getitem__(self, name: str) -> Any:
        """Give a value by its dotted name.

        Raises
        ------
        ParameterError
            If there is none of that name.
        """
        group, _, rest = name.partition(".")
        key, _, inner = rest.partition(".")
        try:
            found = self._tree[group][key]["value"]
            for part in inner.split(".") if inner else ():
                found = found[part]
        except (KeyError, TypeError):
            raise ParameterError(
                f"parameter {name!r} is not known; see harken simulate parameters"
            ) from None
        return found

    def __iter__(self) -> Iterator[Parameter]:
        """Give each with its source, in the order of the file."""
        for group, entries in self._tree.items():
            for key, entry in entries.items():
                source = entry["source"]
                yield Parameter(
                    f"{group}.{key}",
                    entry["value"],
                    entry["unit"],
                    (source,) if isinstance(source, str) else tuple(source),
                    entry["says"],
                )

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """Give the same with some numbers changed.

        Parameters
        ----------
        values : mapping of dotted name to value

        Returns
        -------
        Self
            With those numbers.

        Raises
        ------
        ParameterError
            If a name is unknown, or a value has another shape or is no number that
            is 0 or more.
        """
        made = type(self)()
        made._tree = deepcopy(self._tree)
        for name, value in values.items():
            old = made[name]
            group, _, rest = name.partition(".")
            key, *inner = rest.split(".")
            unit = made._tree[group][key]["unit"]
            _check(name, value, old, unit)
            *way, last = ["value", *inner]
            at = made._tree[group][key]
            for part in way:
                at = at[part]
            at[last] = value
            made._tree[group][key]["source"] = ASSUMED
        return made

    @classmethod
    def read(cls, text: str) -> Self:
        r"""Read numbers to change from TOML: tables as in the shipped file, plain values.

        Parameters
        ----------
        text : str

        Returns
        -------
        Self
            With those numbers.

        Raises
        ------
        ParameterError
            As `with_values`, or if it is no TOML.

        Examples
        --------
        >>> Parameters.read("[infant]\nspread = 0.2")["infant.spread"]
        0.2
        """
        try:
            tree = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ParameterError(f"parameters: not TOML ({error})") from None
        values: dict[str, Any] = {}
        for group, entries in tree.items():
            if not isinstance(entries, dict):
                raise ParameterError(f"parameters: {group!r} must stand in a table like [infant]")
            values |= {f"{group}.{key}": value for key, value in entries.items()}
        return cls().with_values(values)


@cache
def _shipped() -> dict[str, dict[str, dict[str, Any]]]:
    text = (files("harken.simulate") / "parameters.toml").read_text("utf-8")
    return tomllib.loads(text)


def _check(name: str, value: Any, old: Any, unit: str) -> None:
    """Refuse a value of another shape than the old one, or that is no possible number."""
    if isinstance(old, dict):
        if not isinstance(value, dict) or value.keys() - old.keys() or old.keys() - value.keys():
            raise ParameterError(f"parameter {name} must name {', '.join(old)}")
        for key in old:
            _check(f"{name}.{key}", value[key], old[key], unit)
    elif isinstance(old, list):
        if not isinstance(value, list) or len(value) != len(old):
            raise ParameterError(f"parameter {name} must hold {len(old)} numbers")
        for one in value:
            _check(name, one, 0.0, unit)
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ParameterError(f"parameter {name}={value!r} must be a number")
    elif value < 0 or (unit == "share" and value > 1):
        most = "from 0 to 1" if unit == "share" else "0 or more"
        raise ParameterError(f"parameter {name}={value:g} must be {most}")
