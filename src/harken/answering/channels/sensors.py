"""What sensors say over MQTT: which topics are listened to, and what is a reading."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from harken.answering.channels.homeassistant import check_topic
from harken.errors import ChannelError, ParameterError
from harken.journal import Reading, Series

_MOST = 100
_LONGEST_PAYLOAD = 64 * 1024
_KEYS = frozenset({"topic", "what", "source", "room", "child", "key", "at_key", "fahrenheit"})
_CLOCK = timedelta(minutes=2)
_OLDEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Sensor:
    """A topic, and how its payload is read.

    Parameters
    ----------
    topic : str
        Without wildcards.
    series : Series
    key : str or None
        Where the number stands in a JSON payload, with dots between: ``bpm``,
        ``sensor.value``; None: the payload is the number.
    at_key : str or None
        Where its time stands (ISO 8601 with an offset, or seconds since 1970);
        None: it is now.
    fahrenheit : bool
        Whether a room temperature is in °F.
    """

    topic: str
    series: Series
    key: str | None = None
    at_key: str | None = None
    fahrenheit: bool = False


def sensors_of(option: object) -> dict[str, tuple[Sensor, ...]]:
    """Read the option ``series`` of an MQTT channel.

    Parameters
    ----------
    option : object
        A list of objects with ``topic``, ``what`` (see `harken.journal.series.QUANTITIES`)
        and maybe ``source`` (by default the topic's last part), ``room``,
        ``child``, ``key``, ``at_key``, ``fahrenheit``; or None.

    Returns
    -------
    dict
        Topic to its sensors: one payload may hold several numbers.

    Raises
    ------
    ChannelError
        If it is none of that.

    Examples
    --------
    >>> list(sensors_of([{"topic": "sock/pulse", "what": "heart_rate", "child": "mia"}]))
    ['sock/pulse']
    """
    if option is None:
        return {}
    if not isinstance(option, list) or len(option) > _MOST:
        raise ChannelError(f"The option series must be a list of up to {_MOST} sensors.")
    found: dict[str, list[Sensor]] = {}
    for one in option:
        if not isinstance(one, Mapping) or not one.keys() >= {"topic", "what"}:
            raise ChannelError("Each sensor in the option series must have a topic and what.")
        strange = sorted(str(key) for key in one.keys() - _KEYS)
        if strange:
            raise ChannelError(f"A sensor in the option series has no {strange[0]!r}.")
        topic = check_topic(one["topic"])
        for name in ("key", "at_key"):
            if not isinstance(one.get(name), str | None):
                raise ChannelError(f"The {name} of a sensor in the option series must be text.")
        try:
            series = Series(
                one["what"],
                one.get("source") or topic.rsplit("/", 1)[-1],
                one.get("room"),
                one.get("child"),
            )
        except ParameterError as error:
            raise ChannelError(f"The option series is wrong: {error}.") from None
        sensor = Sensor(
            topic, series, one.get("key"), one.get("at_key"), bool(one.get("fahrenheit"))
        )
        found.setdefault(topic, []).append(sensor)
    return {topic: tuple(some) for topic, some in found.items()}


def read_payload(sensor: Sensor, payload: bytes, now: datetime) -> Reading | None:
    """Read what a sensor says.

    Parameters
    ----------
    sensor : Sensor
    payload : bytes
    now : datetime
        When it came.

    Returns
    -------
    Reading or None
        None where it says nothing (``unavailable``), or what no sensor can give:
        that is a gap.

    Examples
    --------
    >>> (sensor,) = sensors_of([{"topic": "t", "what": "heart_rate", "key": "bpm"}])["t"]
    >>> read_payload(sensor, b'{"bpm": 131}', datetime(2026, 1, 1, tzinfo=UTC)).value
    131.0
    >>> read_payload(sensor, b"unavailable", datetime(2026, 1, 1, tzinfo=UTC))
    """
    if len(payload) > _LONGEST_PAYLOAD:
        return None
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    at = now
    if sensor.at_key is not None:
        moment = _moment(_at(told, sensor.at_key))
        # A wrong clock would put it where nobody looks for it.
        if moment is None or not now - _OLDEST < moment <= now + _CLOCK:
            return None
        at = moment
    value = told if sensor.key is None else _at(told, sensor.key)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
        if sensor.fahrenheit:
            number = round((number - 32) / 1.8, 2)
        return Reading(at, sensor.series.check(number)) if math.isfinite(number) else None
    except (ParameterError, OverflowError):
        return None


def _at(told: Any, key: str) -> Any:
    for part in key.split("."):
        told = told.get(part) if isinstance(told, Mapping) else None
    return told


def _moment(told: Any) -> datetime | None:
    try:
        if isinstance(told, int | float) and not isinstance(told, bool):
            return datetime.fromtimestamp(told, UTC)
        at = datetime.fromisoformat(told)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None
