"""What a result was made from and with, so that it can be made again and checked."""

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from harken import __version__
from harken.episodes import BoutRule, EpisodeSettings
from harken.errors import HarkenError
from harken.studies.answers import VoiceRule

_CHUNK = 1 << 20
_PACKAGES = ("av", "numpy", "onnxruntime", "ai-edge-litert", "pyarrow", "dask", "distributed")


class RunError(HarkenError):
    """A study cannot be run, read or repeated; one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that decides what comes out of a recording, the recording itself left out.

    Parameters
    ----------
    model : str
        As `harken.hearing.open_detector` takes it.
    model_name, model_sha256 : str
    rule : BoutRule
    settings : EpisodeSettings
    voice : VoiceRule
    frames : bool
        Whether frames are kept.
    harken : str
        Version of the program.

    Examples
    --------
    >>> rule = BoutRule(0.6, 0.42)
    >>> one = Recipe(model="builtin", model_name="builtin", model_sha256="ab", rule=rule)
    >>> Recipe.from_dict(one.as_dict()) == one
    True
    >>> len(one.run)
    16
    """

    model: str
    model_name: str
    model_sha256: str
    rule: BoutRule
    settings: EpisodeSettings = field(default_factory=EpisodeSettings)
    voice: VoiceRule = field(default_factory=VoiceRule)
    frames: bool = False
    harken: str = __version__

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "harken": self.harken,
            "model": {
                "asked": self.model,
                "name": self.model_name,
                "sha256": self.model_sha256,
            },
            "rule": self.rule.as_dict(),
            "episodes": self.settings.as_dict(),
            "voice": self.voice.as_dict(),
            "frames": self.frames,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        """Read what `as_dict` gave.

        Raises
        ------
        RunError
            If something is missing.
        """
        try:
            model = values["model"]
            return cls(
                model=str(model["asked"]),
                model_name=str(model["name"]),
                model_sha256=str(model["sha256"]),
                rule=BoutRule.from_dict(values["rule"]),
                settings=EpisodeSettings.from_dict(values["episodes"]),
                voice=VoiceRule.from_dict(values["voice"]),
                frames=bool(values["frames"]),
                harken=str(values["harken"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"run.json does not say all that a run needs ({error}): it was not written by "
                "harken study run"
            ) from None

    @property
    def run(self) -> str:
        """Sixteen letters that stand for all of it: the column ``run`` of every row.

        By what name the model was asked for changes nothing.
        """
        values = self.as_dict()
        del values["model"]["asked"]
        return digest(values)[:16]

    @property
    def hearing(self) -> str:
        """Likewise of what decides the frames alone; a rule does not."""
        return digest([self.harken, self.model_sha256])[:16]

    def columns(self, file_sha256: str) -> dict[str, str]:
        """Give the columns by which every row can be traced.

        Parameters
        ----------
        file_sha256 : str
            Of the recording's file.

        Returns
        -------
        dict of str to str
            ``rule`` (JSON), ``model`` (name and sha256), ``file_sha256``, ``harken``, ``run``.
        """
        return {
            "rule": json.dumps(self.rule.as_dict(), sort_keys=True),
            "model": f"{self.model_name} sha256:{self.model_sha256}",
            "file_sha256": file_sha256,
            "harken": self.harken,
            "run": self.run,
        }


def recipe_of(
    model: str = "auto",
    rule: str = "",
    *,
    settings: EpisodeSettings | None = None,
    voice: VoiceRule | None = None,
    frames: bool = False,
) -> Recipe:
    """Find out what a model and a rule, as they are typed, stand for here and now.

    Parameters
    ----------
    model, rule : str
        See `harken.hearing.open_detector` and `BoutRule.parse`.
    settings : EpisodeSettings, optional
    voice : VoiceRule, optional
    frames : bool

    Returns
    -------
    Recipe

    Raises
    ------
    ModelError
        The model cannot be opened.
    ParameterError
        The rule cannot be read.
    """
    from harken.hearing import open_detector
    from harken.hearing.store import identify

    detector = open_detector(model)
    about = identify(model, detector)
    return Recipe(
        model=model,
        model_name=about["name"],
        model_sha256=about["sha256"],
        rule=BoutRule.parse(rule, BoutRule(detector.on, detector.off)),
        settings=settings or EpisodeSettings(),
        voice=voice or VoiceRule(),
        frames=frames,
    )


def surroundings() -> dict[str, str]:
    """Give the versions of what runs underneath; they may change a frame in its last bit."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def digest(values: Any) -> str:
    """Hash JSON values, whatever the order of their keys.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def hash_stream(read: Callable[[int], bytes], write: Callable[[bytes], Any] | None = None) -> str:
    """Hash what is read to its end, and pass it on; sha256 in hexadecimal digits.

    Parameters
    ----------
    read : callable
        Gives at most so many bytes, none at the end.
    write : callable, optional

    Examples
    --------
    >>> import io
    >>> hash_stream(io.BytesIO(b"").read)[:8]
    'e3b0c442'
    """
    content = hashlib.sha256()
    while some := read(_CHUNK):
        content.update(some)
        if write is not None:
            write(some)
    return content.hexdigest()
