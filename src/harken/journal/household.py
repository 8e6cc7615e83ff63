"""The household: who lives and helps there, what listens, and over what people are told.

Unlike events these entries are changed in place. Tokens and codes are kept only
as SHA-256; what a channel's URL or a camera's address hides is masked wherever
an entry is printed.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from types import UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import sqlalchemy as sa

from harken.errors import JournalError, ParameterError
from harken.journal import schema
from harken.journal.database import Database

Role = Literal["owner", "caregiver", "viewer"]
Joining = Literal["owner", "caregiver", "viewer", "nursery"]
Ear = Literal["browser", "microphone", "camera", "file", "off"]
DeviceKind = Literal["phone", "nursery", "script"]
ChannelKind = Literal["page", "speaker", "apprise", "push", "mqtt", "webhook"]

SECRET = "secret."
"""Settings whose key begins with this are left out of exports."""

INTERNAL = "journal."
"""Settings whose key begins with this are the journal's own."""

SETTINGS = "episodes"
"""Setting: how events become episodes, see `EpisodeSettings.as_dict`."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LONGEST = 4000
_SEEN_EVERY = timedelta(minutes=1)


def token_hash(token: str) -> str:
    """Give what is kept of a token or a code.

    Parameters
    ----------
    token : str
        Long and random: a plain hash is enough only for those.

    Returns
    -------
    str
        SHA-256 in hexadecimal, 64 characters.

    Examples
    --------
    >>> token_hash("abc")[:8]
    'ba7816bf'
    """
    return hashlib.sha256(token.encode()).hexdigest()


def masked(url: str) -> str:
    """Hide everything of an address but its scheme and, of cameras, the host.

    Parameters
    ----------
    url : str

    Returns
    -------
    str

    Examples
    --------
    >>> masked("rtsp://me:secret@camera.lan/stream?key=1")
    'rtsp://camera.lan/…'
    >>> masked("tgram://123:abc/456")
    'tgram://…'
    >>> masked("mic:")
    'mic:'
    """
    scheme, mark, _ = url.partition("://")
    if not mark:
        return url
    if scheme in ("rtsp", "rtsps", "http", "https"):
        try:
            host = urlsplit(url).hostname
        except ValueError:
            host = None
        if host:
            return f"{scheme}://{host}/…"
    return f"{scheme}://…"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An entry whose fields are checked against their types, and whose texts are bounded."""

    def __post_init__(self) -> None:
        name = type(self).__name__.lower()
        hints = get_type_hints(type(self))
        for one in fields(self):
            value = getattr(self, one.name)
            checked = _checked(f"{name}: {one.name}", value, hints[one.name])
            if one.name in ("id", "room", "caregiver", "device") and checked is not None:
                _check_id(f"{name}: {one.name}", checked)
            object.__setattr__(self, one.name, checked)
        self._check()

    def _check(self) -> None:
        """Check what the types cannot say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room(_Entry):
    """A room and its ear.

    Parameters
    ----------
    id : str
        Letters, digits, ``-`` and ``_``.
    name : str
    ear : {'browser', 'microphone', 'camera', 'file', 'off'}
    source : str
        Of a microphone, camera or file, as `harken listen` takes it. May hold a password.
    ring_after : float, 0 to 3600 [s]
        How long a cry has to go on before phones ring.
    ring_at_once_dbfs : float, −200 to 0 [dBFS]
        At this level they ring at once.
    threshold : float or None, above 0 to 1
        P(cry) at which a burst opens; None: the detector's own.
    listening : bool

    Examples
    --------
    >>> Room(id="nursery", name="Nursery", ear="camera", source="rtsp://a:b@cam/1").source
    'rtsp://a:b@cam/1'
    >>> "a:b" in repr(Room(id="nursery", name="Nursery", ear="camera", source="rtsp://a:b@cam/1"))
    False
    """

    id: str
    name: str
    ear: Ear = "browser"
    source: str = ""
    ring_after: float = 3.0
    ring_at_once_dbfs: float = -15.0
    threshold: float | None = None
    listening: bool = True

    def _check(self) -> None:
        _check_range("room: ring_after", self.ring_after, 0, 3600, "seconds")
        _check_range("room: ring_at_once_dbfs", self.ring_at_once_dbfs, -200, 0, "dBFS")
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise ParameterError(f"room: threshold={self.threshold:g} must be above 0, up to 1")

    def __repr__(self) -> str:
        shown = {one.name: getattr(self, one.name) for one in fields(self)}
        shown["source"] = masked(self.source)
        return f"Room({', '.join(f'{key}={value!r}' for key, value in shown.items())})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Child(_Entry):
    """A child.

    Parameters
    ----------
    id, name : str
    born, due : date or None
        Day of birth, and the day on which birth was expected (for the age of one born early).
    room : str or None
        Id of the room in which it sleeps.
    """

    id: str
    name: str
    born: date | None = None
    due: date | None = None
    room: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caregiver(_Entry):
    """Somebody who looks after a child, or may look on.

    Parameters
    ----------
    id, name : str
    role : {'owner', 'caregiver', 'viewer'}
    children : list of str
        Ids of the children that a viewer may see; unused for the others.
    colour : str
        On pages and charts; empty: one is chosen.
    """

    id: str
    name: str
    role: Role = "caregiver"
    children: list[str] = field(default_factory=list)
    colour: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(_Entry):
    """A session or an API token: something that has signed in.

    Parameters
    ----------
    id, name : str
    kind : {'phone', 'nursery', 'script'}
    caregiver : str or None
        Whose it is; None for a nursery device.
    room : str or None
        Whose ear it is.
    token_hash : str
        From `token_hash`; the token itself is not kept.
    created : datetime
    last_seen : datetime or None
    address : str
        Network address it was last seen at.
    revoked : bool
        It may not come in any more.
    """

    id: str
    name: str
    kind: DeviceKind
    caregiver: str | None = None
    room: str | None = None
    token_hash: str = field(repr=False)
    created: datetime
    last_seen: datetime | None = None
    address: str = ""
    revoked: bool = False

    def _check(self) -> None:
        _check_hash("device: token_hash", self.token_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinCode(_Entry):
    """A code by which somebody or a device may join, once and for a short time.

    Parameters
    ----------
    code_hash : str
        From `token_hash`; the code itself is not kept.
    role : {'owner', 'caregiver', 'viewer', 'nursery'}
    caregiver : str or None
        Whom the device will belong to; None: somebody new.
    room : str or None
        Of a nursery device.
    children : list of str
        What a viewer may see.
    expires : datetime
    used : datetime or None
    """

    code_hash: str = field(repr=False)
    role: Joining
    caregiver: str | None = None
    room: str | None = None
    children: list[str] = field(default_factory=list)
    expires: datetime
    used: datetime | None = None

    def _check(self) -> None:
        _check_hash("joincode: code_hash", self.code_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription(_Entry):
    """Where a phone can be reached by Web Push.

    Parameters
    ----------
    id : str
    device : str
        Id of the device.
    endpoint, p256dh, auth : str
        As the browser gave them; whoever has them can write to the phone.
    created : datetime
    failed_at : datetime or None
        When the push service said that it is gone.
    """

    id: str
    device: str
    endpoint: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)
    created: datetime
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(_Entry):
    """A way by which people are told.

    Parameters
    ----------
    id : str
    caregiver : str or None
        Whom it reaches; None: the whole household.
    kind : {'page', 'speaker', 'apprise', 'push', 'mqtt', 'webhook'}
    name : str
    url : str
        May hold a password or a token.
    enabled : bool
    options : dict
        JSON values; what they mean depends on the kind. Masked as a whole.

    Examples
    --------
    >>> Channel(id="c", kind="apprise", name="Telegram", url="tgram://1:secret/2")
    Channel(id='c', caregiver=None, kind='apprise', name='Telegram', url='tgram://…', enabled=True)
    """

    id: str
    caregiver: str | None = None
    kind: ChannelKind
    name: str
    url: str = ""
    enabled: bool = True
    options: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        shown = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "options"}
        shown["url"] = masked(self.url) if "://" in self.url or not self.url else "…"
        return f"Channel({', '.join(f'{key}={value!r}' for key, value in shown.items())})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(_Entry):
    """A check-in plan.

    Parameters
    ----------
    id, name : str
    caregiver : str or None
        Whose choice it is.
    room : str
    waits : list of float, 0 to 3600 [s]
        From the onset, then from visit to visit.
    longer_each_night : float, 0 to 3600 [s]
    most_dbfs : float or None [dBFS]
        The plan yields above this level.
    most_s : float or None [s]
        The plan yields after this much crying.
    active_since : datetime or None
    """

    id: str
    name: str
    caregiver: str | None = None
    room: str
    waits: list[float]
    longer_each_night: float = 0.0
    most_dbfs: float | None = None
    most_s: float | None = None
    active_since: datetime | None = None

    def _check(self) -> None:
        if not self.waits or len(self.waits) > 50:
            raise ParameterError("plan: waits must be from 1 to 50 times")
        for wait in self.waits:
            _check_range("plan: waits", wait, 0, 3600, "seconds")
        _check_range("plan: longer_each_night", self.longer_each_night, 0, 3600, "seconds")
        if self.most_dbfs is not None:
            _check_range("plan: most_dbfs", self.most_dbfs, -200, 0, "dBFS")
        if self.most_s is not None:
            _check_range("plan: most_s", self.most_s, 0, 86_400, "seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyTurn(_Entry):
    """Somebody's place in a room's duty.

    Parameters
    ----------
    order : int, ≥ 1
        First, second, third…; those with the same number are told together.
    caregiver : str
    after_s : float, 0 to 86 400 [s]
        How long after the onset (of the first) or after the one before.
    days : list of int or None, 0 (Monday) to 6 (Sunday)
        None: all.
    quiet_from, quiet_until : str or None
        ``"HH:MM"`` in the household's zone, between which this caregiver is not told.
    rotates : bool
        Takes turns by night with the others that rotate.
    """

    order: int
    caregiver: str
    after_s: float = 0.0
    days: list[int] | None = None
    quiet_from: str | None = None
    quiet_until: str | None = None
    rotates: bool = False

    def _check(self) -> None:
        _check_range("duty: order", self.order, 1, 1000, "")
        _check_range("duty: after_s", self.after_s, 0, 86_400, "seconds")
        if self.days is not None and not set(self.days) <= set(range(7)):
            raise ParameterError(f"duty: days={self.days} must be numbers from 0 (Monday) to 6")
        for clock in (self.quiet_from, self.quiet_until):
            if clock is not None and not _CLOCK.fullmatch(clock):
                raise ParameterError(f"duty: {clock!r} is not a time of day like 22:30")
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ParameterError("duty: quiet_from and quiet_until go together")


Entry = Room | Child | Caregiver | Device | JoinCode | PushSubscription | Channel | Plan
E_ = TypeVar("E_", Room, Child, Caregiver, Device, JoinCode, PushSubscription, Channel, Plan)

TABLES: Mapping[type[Any], sa.Table] = {
    Room: schema.rooms,
    Child: schema.children,
    Caregiver: schema.caregivers,
    Device: schema.devices,
    JoinCode: schema.join_codes,
    PushSubscription: schema.push_subscriptions,
    Channel: schema.channels,
    Plan: schema.plans,
}
"""Where each kind of entry is kept, in an order in which what is named comes first."""


class Household:
    """What people have told of their household; `Journal.household`.

    Every change is on the disk when the call returns. It may be used from any thread.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, kind: type[E_], key: str) -> E_ | None:
        """Look an entry up.

        Parameters
        ----------
        kind : type
            `Room`, `Child`, `Caregiver`, `Device`, `JoinCode`, `PushSubscription`,
            `Channel` or `Plan`.
        key : str
            Its id; of a `JoinCode` its hash.

        Returns
        -------
        entry or None
        """
        table, column = _place(kind)
        with self._database.reading() as connection:
            row = connection.execute(sa.select(table).where(column == key)).mappings().first()
        return None if row is None else entry_of(kind, row)

    def list(self, kind: type[E_], /, **having: object) -> Sequence[E_]:
        """List entries.

        Parameters
        ----------
        kind : type
            As in `get`.
        **having
            Values that fields must have, e.g. ``room="nursery"`` or ``caregiver=None``.

        Returns
        -------
        list
            In order of id; those that `new_id` made are so in the order they were made.
        """
        table, column = _place(kind)
        chosen = sa.select(table).order_by(column)
        for name, value in having.items():
            if name not in table.c:
                raise ParameterError(f"{kind.__name__.lower()}: has no field {name!r}")
            chosen = chosen.where(table.c[name] == value)
        with self._database.reading() as connection:
            rows = connection.execute(chosen).mappings().all()
        return [entry_of(kind, row) for row in rows]

    def add(self, entry: E_) -> E_:
        """Add an entry.

        Returns
        -------
        entry
            The same.

        Raises
        ------
        JournalError
            If there is one with its id, or something that it names does not exist.
        """
        table, _ = _place(type(entry))
        with self._database.writing() as connection:
            connection.execute(sa.insert(table), _row(entry))
        return entry

    def update(self, entry: E_) -> E_:
        """Put an entry in the place of the one with its id.

        Returns
        -------
        entry
            The same.

        Raises
        ------
        JournalError
            If there is none, or something that it names does not exist.
        """
        table, column = _place(type(entry))
        row = _row(entry)
        with self._database.writing() as connection:
            done = connection.execute(
                sa.update(table).where(column == row[column.name]).values(row)
            )
        if done.rowcount == 0:
            kind = type(entry).__name__.lower()
            raise JournalError(f"{kind} {row[column.name]!r}: there is none to change")
        return entry

    def remove(self, kind: type[Any], key: str) -> bool:
        """Remove an entry, and what cannot be without it.

        With a caregiver go their devices, channels, plans and turns of duty; with a
        room its devices, plans and duty; with a device its push subscriptions.

        Returns
        -------
        bool
            Whether there was one.
        """
        table, column = _place(kind)
        with self._database.writing() as connection:
            return connection.execute(sa.delete(table).where(column == key)).rowcount > 0

    def duty(self, room: str) -> Sequence[DutyTurn]:
        """Give a room's duty.

        Returns
        -------
        list of DutyTurn
            As it was set; empty where it was not.
        """
        table = schema.duty
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(table).where(table.c.room == room).order_by(table.c.position)
            ).mappings()
            return [entry_of(DutyTurn, row) for row in rows]

    def set_duty(self, room: str, turns: Sequence[DutyTurn]) -> None:
        """Set a room's duty, in the place of what it was.

        Raises
        ------
        JournalError
            If the room or a caregiver does not exist.
        """
        with self._database.writing() as connection:
            write_duty(connection, room, turns)

    def get_setting(self, key: str, default: Any = None) -> Any:
        """Give a setting.

        Parameters
        ----------
        key : str
        default
            What to give where it was not set.

        Returns
        -------
        JSON value
        """
        table = schema.settings
        with self._database.reading() as connection:
            value = connection.scalar(sa.select(table.c.value).where(table.c.key == key))
        return default if value is None else json.loads(value)

    def settings(self) -> dict[str, Any]:
        """Give all settings that are not secret.

        Returns
        -------
        dict
            By key, in order of the key.
        """
        with self._database.reading() as connection:
            return open_settings(connection)

    def set_setting(self, key: str, value: Any) -> None:
        """Set a setting.

        Parameters
        ----------
        key : str, 1 to 100 characters
            Begins with ``secret.`` where it must not be exported.
        value : JSON value

        Raises
        ------
        ParameterError
            If the value is not JSON.
        """
        if not 0 < len(key) <= 100:
            raise ParameterError("setting: a key has from 1 to 100 characters")
        with self._database.writing() as connection:
            write_setting(connection, key, value)

    def device_of(self, token: str) -> Device | None:
        """Give the device that has a token.

        Returns
        -------
        Device or None
            None where the token is unknown or was revoked.
        """
        found = self.list(Device, token_hash=token_hash(token), revoked=False)
        return found[0] if found else None

    def seen(self, device: str, at: datetime, *, address: str = "") -> None:
        """Note that a device was there; at most once a minute, as each note is a write.

        Parameters
        ----------
        device : str
            Its id.
        at : datetime
        address : str
            Network address.
        """
        table = schema.devices
        earlier = sa.or_(table.c.last_seen.is_(None), table.c.last_seen < at - _SEEN_EVERY)
        stale = sa.and_(table.c.id == device, sa.or_(earlier, table.c.address != address))
        with self._database.reading() as connection:
            if connection.execute(sa.select(table.c.id).where(stale)).first() is None:
                return
        with self._database.writing() as connection:
            values = {"last_seen": at, "address": address}
            connection.execute(sa.update(table).where(stale).values(values))

    def use_join_code(self, code: str, now: datetime) -> JoinCode | None:
        """Take a join code, if it is still good; of two at the same time one gets it.

        Parameters
        ----------
        code : str
        now : datetime

        Returns
        -------
        JoinCode or None
            None where it is unknown, was used or has expired.
        """
        table = schema.join_codes
        good = sa.and_(
            table.c.code_hash == token_hash(code), table.c.used.is_(None), table.c.expires > now
        )
        with self._database.writing() as connection:
            row = connection.execute(sa.select(table).where(good)).mappings().first()
            if row is None:
                return None
            connection.execute(sa.update(table).where(good).values(used=now))
        return replace(cast(JoinCode, entry_of(JoinCode, row)), used=now)


def open_settings(connection: sa.Connection) -> dict[str, Any]:
    """Read the settings that are neither secret nor the journal's own."""
    rows = connection.execute(sa.select(schema.settings)).all()
    hidden = (SECRET, INTERNAL)
    return {key: json.loads(value) for key, value in sorted(rows) if not key.startswith(hidden)}


def write_duty(connection: sa.Connection, room: str, turns: Sequence[DutyTurn]) -> None:
    """Write a room's duty in a transaction; for `Household` and the import."""
    table = schema.duty
    connection.execute(sa.delete(table).where(table.c.room == room))
    for position, turn in enumerate(turns):
        row = {"room": room, "position": position, **_row(turn)}
        connection.execute(sa.insert(table), row)


def write_setting(connection: sa.Connection, key: str, value: Any) -> None:
    """Write a setting in a transaction; for `Household` and the import."""
    table = schema.settings
    text = _json(f"setting {key}", value)
    connection.execute(sa.delete(table).where(table.c.key == key))
    connection.execute(sa.insert(table), {"key": key, "value": text})


def write_entry(connection: sa.Connection, entry: Entry) -> None:
    """Write an entry in the place of one with its id; for the import."""
    table, column = _place(type(entry))
    row = _row(entry)
    done = connection.execute(sa.update(table).where(column == row[column.name]).values(row))
    if done.rowcount == 0:
        connection.execute(sa.insert(table), row)


def as_dict(entry: Entry | DutyTurn) -> dict[str, Any]:
    """Give the JSON form of an entry, secrets and all.

    Returns
    -------
    dict
        Dates and times as ISO 8601.

    Examples
    --------
    >>> as_dict(Child(id="mia", name="Mia", born=date(2026, 1, 31)))["born"]
    '2026-01-31'
    """
    values = {one.name: getattr(entry, one.name) for one in fields(entry)}
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in values.items()}


def from_dict(kind: type[Any], values: Mapping[str, Any]) -> Any:
    """Read the JSON form of an entry.

    Parameters
    ----------
    kind : type
        What it is.
    values : mapping

    Returns
    -------
    entry

    Raises
    ------
    ParameterError
        If a field is missing, unknown or of another type.

    Examples
    --------
    >>> from_dict(Child, {"id": "mia", "name": "Mia", "born": "2026-01-31"}).born
    datetime.date(2026, 1, 31)
    """
    name = kind.__name__.lower()
    if not isinstance(values, Mapping):
        raise ParameterError(f"{name}: must be an object")
    known = {one.name for one in fields(kind)}
    unknown = sorted(map(str, values.keys() - known))
    if unknown:
        raise ParameterError(f"{name}: unknown field {unknown[0]!r}")
    hints = get_type_hints(kind)
    try:
        return kind(**{key: _thawed(value, hints[key]) for key, value in values.items()})
    except TypeError:
        needed = [one for one in known if one not in values]
        raise ParameterError(f"{name}: one of {', '.join(sorted(needed))} is missing") from None
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"{name}: {error}") from None


def _thawed(value: Any, hint: Any) -> Any:
    """Make a date or time of its text where the field wants one."""
    kinds = get_args(hint) or (hint,)
    if isinstance(value, str):
        if datetime in kinds:
            return datetime.fromisoformat(value)
        if date in kinds:
            return date.fromisoformat(value)
    return value


def _place(kind: type[Any]) -> tuple[sa.Table, sa.Column[str]]:
    try:
        table = TABLES[kind]
    except KeyError:
        raise ParameterError(f"a household has no {kind.__name__}") from None
    (key,) = table.primary_key
    return table, cast("sa.Column[str]", key)


def _row(entry: Entry | DutyTurn) -> dict[str, Any]:
    row = {}
    for one in fields(entry):
        value = getattr(entry, one.name)
        if isinstance(value, list | dict):
            value = _json(f"{type(entry).__name__.lower()}: {one.name}", value)
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = value.isoformat()
        row[one.name] = value
    return row


def entry_of(kind: type[Any], row: Mapping[Any, Any]) -> Any:
    """Make an entry of a row of its table."""
    hints = get_type_hints(kind)
    values = {}
    for one in fields(kind):
        value, hint = row[one.name], hints[one.name]
        whole = [get_origin(part) or part for part in (hint, *get_args(hint))]
        if isinstance(value, str) and (list in whole or dict in whole):
            value = json.loads(value)
        values[one.name] = _thawed(value, hint)
    return kind(**values)


def _json(what: str, value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        raise ParameterError(f"{what} must hold JSON values only") from None


def _checked(what: str, value: Any, hint: Any) -> Any:
    """Give a value as its field's type wants it, or say what is wrong."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        (hint,) = [part for part in get_args(hint) if part is not type(None)]
        return _checked(what, value, hint)
    if origin is Literal:
        if value not in get_args(hint):
            raise ParameterError(f"{what}={value!r} must be one of {', '.join(get_args(hint))}")
        return value
    if origin is list:
        if not isinstance(value, list | tuple):
            raise ParameterError(f"{what} must be a list")
        return [_checked(what, part, get_args(hint)[0]) for part in value]
    return _PLAIN[origin or hint](what, value)


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"{what} must be text")
    if len(value) > _LONGEST:
        raise ParameterError(f"{what} is longer than {_LONGEST} characters")
    check_text(what, value)
    return value


def check_text(what: str, value: str) -> None:
    """Refuse what no database can keep as text.

    Raises
    ------
    ParameterError
        If it holds a NUL or half of a surrogate pair.
    """
    if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
        raise ParameterError(f"{what} holds a character that is no text")


def _number(what: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise ParameterError(f"{what}={value!r} must be a finite number")
    return float(value)


def _whole(what: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not abs(value) < 1e9:
        raise ParameterError(f"{what}={value!r} must be a whole number")
    return value


def _flag(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ParameterError(f"{what}={value!r} must be true or false")
    return value


def _moment(what: str, value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ParameterError(f"{what} must be a time with a zone")
    return value


def _day(what: str, value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ParameterError(f"{what} must be a date")
    return value


def _object(what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ParameterError(f"{what} must be an object")
    _json(what, value)
    return value


_PLAIN: Mapping[Any, Callable[[str, Any], Any]] = {
    str: _text,
    float: _number,
    int: _whole,
    bool: _flag,
    datetime: _moment,
    date: _day,
    dict: _object,
}


def _check_id(what: str, value: str) -> None:
    if not _ID.fullmatch(value):
        raise ParameterError(
            f"{what}={value[:80]!r} must be 1 to 64 letters, digits, hyphens or underscores"
        )


def _check_hash(what: str, value: str) -> None:
    if not _HASH.fullmatch(value):
        raise ParameterError(f"{what} must be a SHA-256 in hexadecimal; see token_hash")


def _check_range(what: str, value: float, least: float, most: float, unit: str) -> None:
    if not least <= value <= most:
        told = f" {unit}" if unit else ""
        raise ParameterError(f"{what}={value:g} must be from {least:g} to {most:g}{told}")
