"""The tables of the journal, for SQLite and PostgreSQL alike.

`events` is the truth and is only ever appended to; triggers made by the first
migration refuse anything else. `event_keys`, `event_times`, `episodes`,
`episode_bouts` and `outbox` are projections of it and can be made again at any
time. The rest is the household, which people change.

A change here needs a migration in `migrations/versions` and its name in
`REVISIONS`; a test compares the two.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

REVISIONS = ("0001", "0002")
"""Every schema that was ever released, oldest first."""


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC with microseconds.

    PostgreSQL has a type for it; in SQLite it is ISO 8601 text of one length,
    which sorts as the times do and which people and other programs can read.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type; called by SQLAlchemy."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Write a time; called by SQLAlchemy."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read a time; called by SQLAlchemy."""
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


metadata = MetaData()

events = Table(
    "events",
    metadata,
    # The order of arrival. SQLite counts by itself only in a column of type INTEGER.
    Column(
        "seq",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("id", String(36), nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("zone", Text, nullable=False),
    Column("room", Text),
    Column("child", Text),
    Column("seen_by", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("events_at", "at", "id"),
    Index("events_room", "room", "at"),
    Index("events_kind", "kind", "at"),
)

event_keys = Table(
    "event_keys",
    metadata,
    Column("key", String(36), primary_key=True),
    Column("event", String(36), primary_key=True),
    sqlite_with_rowid=False,
)
"""Which events name an id in their data: a bout, an episode, an alert, another event."""

event_times = Table(
    "event_times",
    metadata,
    Column("event", String(36), primary_key=True),
    Column("at", UtcTime, primary_key=True),
    Column("room", Text),
    Index("event_times_room", "room", "at"),
    sqlite_with_rowid=False,
)
"""Moments that an event bears on besides its own `at`: an onset, a corrected time."""

episodes = Table(
    "episodes",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("room", Text),
    Column("child", Text),
    Column("onset", UtcTime, nullable=False),
    # The end of time while it is open, so that one index finds what overlaps a stretch.
    Column("ends", UtcTime, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("episodes_onset", "onset", "id"),
    Index("episodes_room", "room", "ends"),
)

episode_bouts = Table(
    "episode_bouts",
    metadata,
    Column("bout", String(36), primary_key=True),
    Column("episode", String(36), ForeignKey("episodes.id", ondelete="CASCADE"), primary_key=True),
    Index("episode_bouts_episode", "episode"),
)
"""By which bouts an episode can be found."""

outbox = Table(
    "outbox",
    metadata,
    Column("alert", String(36), primary_key=True),
    Column("event", String(36), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", UtcTime, index=True),
)
"""Alerts; `next_try` is null once one was sent or given up."""

rooms = Table(
    "rooms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("ear", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("ring_after", Float, nullable=False),
    Column("ring_at_once_dbfs", Float, nullable=False),
    Column("threshold", Float),
    Column("listening", Boolean, nullable=False),
)

children = Table(
    "children",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("born", String(10)),
    Column("due", String(10)),
    Column("room", Text, ForeignKey("rooms.id", ondelete="SET NULL")),
)

caregivers = Table(
    "caregivers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("children", Text, nullable=False),
    Column("colour", Text, nullable=False),
)


def _caregiver(*, nullable: bool) -> Column[Any]:
    link = ForeignKey("caregivers.id", ondelete="CASCADE")
    return Column("caregiver", Text, link, nullable=nullable, index=True)


def _room(*, nullable: bool) -> Column[Any]:
    link = ForeignKey("rooms.id", ondelete="CASCADE")
    return Column("room", Text, link, nullable=nullable, index=True)


devices = Table(
    "devices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    _caregiver(nullable=True),
    _room(nullable=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created", UtcTime, nullable=False),
    Column("last_seen", UtcTime),
    Column("address", Text, nullable=False),
    Column("revoked", Boolean, nullable=False, server_default=false()),
)

join_codes = Table(
    "join_codes",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("role", Text, nullable=False),
    _caregiver(nullable=True),
    _room(nullable=True),
    Column("children", Text, nullable=False),
    Column("expires", UtcTime, nullable=False),
    Column("used", UtcTime),
)

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column(
        "device", Text, ForeignKey("devices.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("endpoint", Text, nullable=False),
    Column("p256dh", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("failed_at", UtcTime),
)

channels = Table(
    "channels",
    metadata,
    Column("id", Text, primary_key=True),
    _caregiver(nullable=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("options", Text, nullable=False),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    _caregiver(nullable=True),
    _room(nullable=False),
    Column("waits", Text, nullable=False),
    Column("longer_each_night", Float, nullable=False),
    Column("most_dbfs", Float),
    Column("most_s", Float),
    Column("active_since", UtcTime),
)

duty = Table(
    "duty",
    metadata,
    Column("room", Text, ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("caregiver", Text, ForeignKey("caregivers.id", ondelete="CASCADE"), nullable=False),
    Column("order", Integer, nullable=False),
    Column("after_s", Float, nullable=False),
    Column("days", Text),
    Column("quiet_from", Text),
    Column("quiet_until", Text),
    Column("rotates", Boolean, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("what", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("room", Text),
    Column("child", Text),
)
"""What a sensor measures, and where or of whom."""

readings = Table(
    "readings",
    metadata,
    Column("series", Integer, ForeignKey("series.number", ondelete="CASCADE"), primary_key=True),
    # Milliseconds since 1970: there may be one a second for a year, and steps are sums of it.
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Float, nullable=False),
    sqlite_with_rowid=False,
)
"""The numbers of all series."""
