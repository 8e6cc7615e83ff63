"""MQTT, with Home Assistant's discovery: rooms as devices, buttons, and a siren.

The connection is kept; when the hub dies, the broker says so by itself (last
will). States are retained and repeated, events and presses are not.
"""

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt

from harken.answering.channels.failures import explain
from harken.answering.channels.homeassistant import (
    GOING,
    HERE,
    OFFLINE,
    ONLINE,
    RoomCard,
    RoomState,
    Topics,
    check_topic,
    discovery,
    events_between,
    forgetting,
    state_payload,
)
from harken.answering.channels.sensors import Sensor, read_payload, sensors_of
from harken.answering.message import Message
from harken.errors import ChannelError
from harken.journal import Reading, Series

OnPress = Callable[[str, str], Awaitable[None]]
"""Called with the room's id and ``"going"`` or ``"here"``."""

OnReading = Callable[[Series, Reading], None]
"""Called with what a sensor gave; must not block."""

KEEPALIVE_S = 15
"""After one and a half times this the broker knows that the hub is dead."""

REPEAT_S = 60.0
LEVEL_EVERY_S = 5.0
"""A level alone is sent no more often than this."""

_RECONNECT_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_PATIENCE_S = 5.0
_ALARMS = ("cry", "drill", "unheard")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Room:
    card: RoomCard
    state: RoomState | None = None
    sent: RoomState | None = None
    sent_at: float = float("-inf")
    announced: bool = False
    happened: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Siren:
    topic: str
    on: str
    off: str
    for_s: float


class MqttChannel:
    """One broker.

    Parameters
    ----------
    url : str
        ``mqtt://USER:PASSWORD@HOST:1883`` or ``mqtts://…:8883``.
    options : mapping
        ``discovery_prefix`` (text, default ``homeassistant``), ``base`` (text,
        default ``harken``): first parts of topics. ``form`` (``device`` or
        ``single``): of the discovery. ``siren_topic`` (text): command topic of a
        siren that is to sound with an urgent alert, with ``siren_on`` and
        ``siren_off`` (text, defaults as Home Assistant's own) and ``siren_for_s``
        (number, 1 to 600, default 30). ``ca`` (text): file with the authority of
        the broker's certificate. ``series`` (list): sensors to listen to, see
        `harken.answering.channels.sensors.sensors_of`.
    on_press : callable
        Called when a button is pressed, or a command arrives.
    on_reading : callable, optional
        Called with what a sensor gave.

    Raises
    ------
    ChannelError
        If the address or an option cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        options: Mapping[str, Any] | None = None,
        on_press: OnPress,
        on_reading: OnReading | None = None,
    ) -> None:
        options = options or {}
        self._connect = _address(url, options.get("ca"))
        self._host = str(self._connect["hostname"])
        self.topics = Topics(
            options.get("base") or "harken", options.get("discovery_prefix") or "homeassistant"
        )
        self._form = options.get("form") or "device"
        discovery(self.topics, RoomCard("room", "Room"), form=self._form)
        self._siren = _siren(options)
        self._sensors = sensors_of(options.get("series"))
        self._on_press, self._on_reading = on_press, on_reading
        self._rooms: dict[str, _Room] = {}
        self._forgotten: set[str] = set()
        self._client: aiomqtt.Client | None = None
        self._ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._problem = f"{self._host} is not connected yet. It will be tried again."
        self._running: asyncio.Task[None] | None = None
        self._sounding: asyncio.Task[None] | None = None
        self._alarmed: set[str] = set()

    def start(self) -> None:
        """Begin to connect, and keep connecting, in the running event loop."""
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name=f"mqtt {self._host}")

    @property
    def connected(self) -> bool:
        """Whether the broker has everything."""
        return self._ready.is_set()

    @property
    def problem(self) -> str | None:
        """What is wrong with the connection, in plain words."""
        return None if self.connected else self._problem

    def announce(self, rooms: Iterable[RoomCard]) -> None:
        """Say which rooms there are; those that are no longer named are removed.

        Parameters
        ----------
        rooms : iterable of RoomCard
        """
        named = {card.id: card for card in rooms}
        for gone in self._rooms.keys() - named.keys():
            del self._rooms[gone]
            self._forgotten.add(gone)
        for room, card in named.items():
            self._forgotten.discard(room)
            known = self._rooms.get(room)
            if known is None:
                self._rooms[room] = _Room(card)
            elif known.card != card:
                known.card, known.announced = card, False
        self._changed.set()

    def update(self, room: str, state: RoomState) -> None:
        """Say how a room is; only what changed is sent.

        Parameters
        ----------
        room : str
            One that was announced; others are passed over.
        state : RoomState
        """
        known = self._rooms.get(room)
        if known is None:
            return
        if known.state is not None:
            known.happened += events_between(known.state, state)
        known.state = state
        if state.episode is None or state.acknowledged_by is not None or state.there:
            self._alarmed.discard(room)
            if not self._alarmed:
                self._silence()
        self._changed.set()

    async def send(self, message: Message) -> None:
        """Publish an alert, and sound the siren where there is one.

        Parameters
        ----------
        message : Message

        Raises
        ------
        ChannelError
            If the broker is not connected or does not take it.
        """
        self.start()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._ready.wait()
        except TimeoutError:
            raise ChannelError(self._problem) from None
        client, topics = self._client, self.topics
        if client is None:
            raise ChannelError(self._problem)
        room = message.room
        payload = json.dumps(message.as_dict(), ensure_ascii=False, separators=(",", ":"))
        try:
            await client.publish(
                topics.alerts if room is None else topics.alert(room), payload, qos=1
            )
            if room is not None and message.about in ("cry", "drill") and (message.step or 1) > 1:
                plain = message.as_dict()
                happened = {
                    "event_type": "escalated", "episode_id": message.episode,
                    "onset": plain["onset"], "step": message.step, "caregiver": message.caregiver,
                }  # fmt: skip
                await client.publish(topics.event(room), json.dumps(happened), qos=1)
            if self._siren is not None and (message.about == "test" or (
                message.urgent and message.about in _ALARMS
            )):  # fmt: skip
                await client.publish(self._siren.topic, self._siren.on, qos=1)
                self._sound(room)
        except aiomqtt.MqttError as error:
            raise ChannelError(_why(error, self._host)) from None

    async def aclose(self) -> None:
        """Say good-bye: everything is *unavailable* from now on."""
        self._silence()
        if self._sounding is not None:
            await asyncio.wait([self._sounding], timeout=_PATIENCE_S)
        if self._client is not None and self.connected:
            with suppress(aiomqtt.MqttError):
                for room in self._rooms:
                    await self._client.publish(
                        self.topics.listening(room), OFFLINE, qos=1, retain=True
                    )
                await self._client.publish(self.topics.status, OFFLINE, qos=1, retain=True)
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            self._running = None

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                await self._live()
            except aiomqtt.MqttError as error:
                self._problem = _why(error, self._host)
            except ExceptionGroup as group:
                lost, rest = group.split(aiomqtt.MqttError)
                if rest is not None:
                    raise rest from None
                self._problem = _why(lost or group, self._host)
            finally:
                tries = 0 if self.connected else tries + 1
                self._client = None
                self._ready.clear()
            await asyncio.sleep(_RECONNECT_S[min(tries, len(_RECONNECT_S) - 1)])

    async def _live(self) -> None:
        """Connect, tell everything, and go on until the connection is lost."""
        will = aiomqtt.Will(self.topics.status, OFFLINE, qos=1, retain=True)
        async with aiomqtt.Client(**self._connect, will=will, keepalive=KEEPALIVE_S) as client:
            self._client = client
            await client.subscribe(self.topics.birth, qos=1)
            await client.subscribe(self.topics.command("+"), qos=1)
            for topic in self._sensors if self._on_reading is not None else ():
                await client.subscribe(topic)
            self._forget_what_was_sent()
            await self._flush(client)
            await client.publish(self.topics.status, ONLINE, qos=1, retain=True)
            self._ready.set()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_telling(client))
                async for message in client.messages:
                    await self._take(message)

    async def _keep_telling(self, client: aiomqtt.Client) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEVEL_EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            await self._flush(client)

    async def _flush(self, client: aiomqtt.Client) -> None:
        """Send what has changed, or is due to be repeated."""
        topics = self.topics
        while self._forgotten:
            room = next(iter(self._forgotten))
            for topic in forgetting(topics, room):
                await client.publish(topic, "", qos=1, retain=True)
            self._forgotten.discard(room)
        for room, known in list(self._rooms.items()):
            if not known.announced:
                made = discovery(topics, known.card, form=self._form)
                known.announced = True
                for topic, payload in made.items():
                    await client.publish(topic, payload, qos=1, retain=True)
            await self._tell_state(client, room, known)
            while known.happened:
                happened = known.happened.pop(0)
                await client.publish(topics.event(room), json.dumps(happened), qos=1)

    async def _tell_state(self, client: aiomqtt.Client, room: str, known: _Room) -> None:
        state, sent, now = known.state, known.sent, time.monotonic()
        if state is None:
            if sent is None and known.sent_at == float("-inf"):
                # Until its first sound a room is unavailable, whatever was retained before.
                known.sent_at = now
                await client.publish(self.topics.listening(room), OFFLINE, qos=1, retain=True)
            return
        old = now - known.sent_at
        changed = sent is None or state.quiet() != sent.quiet()
        if not changed and old < (LEVEL_EVERY_S if state != sent else REPEAT_S):
            return
        known.sent, known.sent_at = state, now
        if not state.heard:
            await client.publish(self.topics.listening(room), OFFLINE, qos=1, retain=True)
        await client.publish(self.topics.state(room), state_payload(state), qos=1, retain=True)
        if state.heard and (sent is None or not sent.heard):
            await client.publish(self.topics.listening(room), ONLINE, qos=1, retain=True)

    def _forget_what_was_sent(self) -> None:
        for known in self._rooms.values():
            known.announced, known.sent, known.sent_at = False, None, float("-inf")

    async def _take(self, message: aiomqtt.Message) -> None:
        topic = str(message.topic)
        payload = message.payload if isinstance(message.payload, bytes) else b""
        for sensor in self._sensors.get(topic, ()):
            # What was retained is of an unknown time.
            if not message.retain:
                self._hear(sensor, payload)
        if topic == self.topics.birth:
            if payload == ONLINE.encode():
                self._forget_what_was_sent()
                self._changed.set()
            return
        room = topic.removeprefix(f"{self.topics.base}/").removesuffix("/command")
        # A command that was retained is an old one, and not meant for now.
        if message.retain or room not in self._rooms:
            return
        press = payload.decode(errors="replace")
        if press not in (GOING, HERE):
            return
        try:
            await self._on_press(room, press)
        except Exception:
            # A press that fails must not take the connection with it.
            _log.exception("a button of room %s was pressed, and that failed", room)

    def _hear(self, sensor: Sensor, payload: bytes) -> None:
        reading = read_payload(sensor, payload, datetime.now(UTC))
        if reading is not None and self._on_reading is not None:
            self._on_reading(sensor.series, reading)

    def _sound(self, room: str | None) -> None:
        self._silence()
        if room is not None:
            self._alarmed.add(room)
        self._sounding = asyncio.create_task(self._stop_later())

    def _silence(self) -> None:
        if self._sounding is not None:
            self._sounding.cancel()

    async def _stop_later(self) -> None:
        siren = self._siren
        assert siren is not None
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(siren.for_s)
        # One that was sounded anew meanwhile is left on.
        if self._sounding is asyncio.current_task() and self._client is not None:
            with suppress(aiomqtt.MqttError):
                await self._client.publish(siren.topic, siren.off, qos=1)


def _address(url: str, ca: object) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("mqtt", "mqtts"):
        raise ChannelError("The address of a broker must be like mqtt://user:password@host:1883.")
    secure = parts.scheme == "mqtts"
    found: dict[str, Any] = {"hostname": host, "port": port or (8883 if secure else 1883)}
    if parts.username:
        found["username"] = unquote(parts.username)
        found["password"] = unquote(parts.password or "")
    if secure:
        try:
            found["tls_context"] = ssl.create_default_context(
                cafile=str(Path(str(ca))) if ca else None
            )
        except (OSError, ValueError):
            raise ChannelError("The CA file of the channel cannot be read.") from None
    return found


def _siren(options: Mapping[str, Any]) -> _Siren | None:
    topic = options.get("siren_topic")
    if not topic:
        return None
    on, off = options.get("siren_on") or '{"state":"ON"}', options.get("siren_off")
    off = off or '{"state":"OFF"}'
    for_s = options.get("siren_for_s", 30.0)
    if not isinstance(on, str) or not isinstance(off, str):
        raise ChannelError("What switches the siren on and off must be text.")
    if isinstance(for_s, bool) or not isinstance(for_s, int | float) or not 1 <= for_s <= 600:
        raise ChannelError("The siren must sound for 1 to 600 seconds.")
    return _Siren(check_topic(topic), on, off, float(for_s))


_REFUSED = {
    4: "refused the user or password: check them in the channel's address.",
    5: "does not allow this user: check the user and the broker's rights.",
    134: "refused the user or password: check them in the channel's address.",
    135: "does not allow this user: check the user and the broker's rights.",
}


def _why(error: BaseException, host: str) -> str:
    code = getattr(error, "rc", None)
    number = getattr(code, "value", code)
    if isinstance(number, int) and number in _REFUSED:
        return f"{host} {_REFUSED[number]}"
    return explain(error, host)
