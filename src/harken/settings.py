"""What the hub is told before it starts: `harken.toml` and `HARKEN_…` variables.

Everything about the household itself (rooms, people, channels) is in the
journal and changed on the pages; these are the few things that must be known
before there are pages.
"""

import os
import re
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from harken.errors import ParameterError

FILE = "harken.toml"


class Settings(BaseSettings):
    """How the hub runs.

    Each can stand in ``harken.toml`` (in the working folder, or where
    ``HARKEN_CONFIG`` says) or as a variable with the prefix ``HARKEN_``, which
    goes before the file; options of `harken serve` go before both.

    Raises
    ------
    ParameterError
        From `load_settings`, if one is unknown or out of its range.
    """

    model_config = SettingsConfigDict(env_prefix="HARKEN_", extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for the whole LAN.")
    port: int = Field(8437, ge=1, le=65535, description="Port of the pages.")
    https: bool = Field(
        False, description="Make a local authority and certificate, and serve HTTPS."
    )
    names: list[str] = Field(
        default_factory=list,
        description="Further host names that the pages are reached by, such as a proxy's.",
    )
    public_url: str | None = Field(
        None, description="Address that links and QR codes name, where it is not the hub's own."
    )
    database: str | None = Field(
        None,
        description="SQLite file or postgresql+psycopg:// address; by default in the data folder.",
    )
    model: str = Field("auto", description="Detector: auto, builtin, yamnet or a file.")
    contact: str | None = Field(
        None,
        description="Whom a push service may write to when something is wrong with what the hub "
        "sends: mailto:you@your.example or an https:// address. Apple may refuse a made-up one.",
    )
    sounder: bool = Field(
        True, description="Whether the hub's own loudspeaker may sound where a channel asks for it."
    )

    babybuddy_url: str | None = Field(
        None, description="Address of Baby Buddy, for harken babybuddy."
    )
    babybuddy_token: SecretStr | None = Field(
        None, description="Its token: the key from its settings page. Best as a variable."
    )

    @field_validator("contact")
    @classmethod
    def _can_be_written_to(cls, contact: str | None) -> str | None:
        if contact is not None and not re.fullmatch(r"mailto:[^@\s]+@[^@\s]+|https://\S+", contact):
            raise ValueError("must be like mailto:you@your.example or https://your.example")
        return contact

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options, then variables, then the file."""
        file = os.environ.get("HARKEN_CONFIG", FILE)
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(file)))


def load_settings(**options: Any) -> Settings:
    """Read the settings from options, variables and the file.

    Parameters
    ----------
    **options
        Values that go before all others; None is left out.

    Returns
    -------
    Settings

    Raises
    ------
    ParameterError
        If the file is not TOML, or a value is unknown or out of its range: one
        line that names it.

    Examples
    --------
    >>> load_settings(port=8080).port
    8080
    """
    named = os.environ.get("HARKEN_CONFIG")
    if named and not Path(named).is_file():
        raise ParameterError(f"HARKEN_CONFIG names {named!r}, which is not there")
    try:
        return Settings(**{key: value for key, value in options.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            raise ParameterError(f"setting {name!r} is not known; there are {known}") from None
        # What may be a secret is not repeated.
        shown = "" if "token" in name else f"={first['input']!r}"
        raise ParameterError(
            f"setting {name}{shown}: {first['msg'].removeprefix('Value error, ')}"
        ) from None
    except ValueError as error:
        raise ParameterError(f"{named or FILE}: {' '.join(str(error).split())}") from None
