"""From what the household has set up to channels that can send, kept while nothing changes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from harken.answering.channels.page import PageChannel, Publish
from harken.answering.ladder import PAGE
from harken.answering.message import Message, Sender
from harken.errors import ChannelError
from harken.journal.household import Channel, Device, PushSubscription

if TYPE_CHECKING:
    from harken.answering.channels.mqtt import MqttChannel, OnPress, OnReading
    from harken.answering.channels.push import OnGone, VapidKeys

_PUSH = "push-"


def push_channel(subscription: PushSubscription) -> str:
    """Give the id of the channel that a phone's subscription is.

    Returns
    -------
    str
    """
    return f"{_PUSH}{subscription.id}"


def channels_of(
    channels: Sequence[Channel],
    subscriptions: Iterable[PushSubscription] = (),
    devices: Iterable[Device] = (),
) -> list[Channel]:
    """List the channels that the ladder can use: those set up, and one for each phone.

    Parameters
    ----------
    channels : sequence of Channel
        The household's. One of the kind ``push`` only switches: disabled, it
        turns push off for its caregiver (or for everybody).
    subscriptions : iterable of PushSubscription
        Those that failed for good are left out.
    devices : iterable of Device
        Whose the subscriptions are; revoked ones are left out.

    Returns
    -------
    list of Channel
    """
    known = {device.id: device for device in devices if not device.revoked}
    off = {one.caregiver for one in channels if one.kind == "push" and not one.enabled}
    found = [one for one in channels if one.kind != "push"]
    for one in subscriptions:
        device = known.get(one.device)
        if device is None or one.failed_at is not None or off & {None, device.caregiver}:
            continue
        found.append(
            Channel(id=push_channel(one), caregiver=device.caregiver, kind="push", name=device.name)
        )
    return found


class Senders:
    """All channels of a running hub, by id.

    Parameters
    ----------
    publish : callable
        The bus of the open pages.
    on_press : callable
        Called with a room and ``"going"`` or ``"here"`` when a button is pressed.
    on_gone : callable
        Called with a subscription that is gone.
    keys : VapidKeys
    contact : str, optional
        Whom a push service may write to: ``mailto:`` or ``https://``.
    on_reading : callable, optional
        Called with what a sensor gave over MQTT.
    """

    def __init__(
        self,
        *,
        publish: Publish,
        on_press: "OnPress",
        on_gone: "OnGone",
        keys: "VapidKeys",
        contact: str | None = None,
        on_reading: "OnReading | None" = None,
    ) -> None:
        self._publish, self._on_press, self._on_reading = publish, on_press, on_reading
        self._on_gone, self._keys, self._contact = on_gone, keys, contact
        self._made: dict[str, tuple[object, Sender]] = {PAGE: (None, PageChannel(publish))}

    async def update(
        self, channels: Iterable[Channel], subscriptions: Iterable[PushSubscription] = ()
    ) -> None:
        """Take over what the household has set up; what has not changed stays connected.

        Parameters
        ----------
        channels : iterable of Channel
            Disabled ones are closed. A channel that cannot be used says why when
            it is sent to.
        subscriptions : iterable of PushSubscription
        """
        wanted: dict[str, Channel | PushSubscription | None] = {PAGE: None}
        wanted |= {one.id: one for one in channels if one.enabled and one.kind != "push"}
        wanted |= {push_channel(one): one for one in subscriptions if one.failed_at is None}
        for key in [key for key, (source, _) in self._made.items() if wanted.get(key) != source]:
            _, sender = self._made.pop(key)
            await sender.aclose()
        for key, source in wanted.items():
            if key not in self._made:
                self._made[key] = (source, self.make(source))

    def make(self, source: Channel | PushSubscription | None) -> Sender:
        """Make a channel that can send, e.g. to test one before it is kept.

        Parameters
        ----------
        source : Channel, PushSubscription or None
            None: the open page.

        Returns
        -------
        Sender
            To be closed. One that cannot be used raises its reason when sent to.
        """
        try:
            return self._open(source)
        except ChannelError as error:
            return _Broken(error)

    def get(self, channel: str) -> Sender | None:
        """Give a channel by its id.

        Returns
        -------
        Sender or None
            None where it is not there any more, or disabled.
        """
        found = self._made.get(channel)
        return None if found is None else found[1]

    @property
    def mqtt(self) -> "list[MqttChannel]":
        """The brokers, which are to be told of rooms and their states as well."""
        from harken.answering.channels.mqtt import MqttChannel

        return [one for _, one in self._made.values() if isinstance(one, MqttChannel)]

    async def aclose(self) -> None:
        """Close all of them."""
        for _, sender in self._made.values():
            await sender.aclose()
        self._made.clear()

    def _open(self, source: Channel | PushSubscription | None) -> Sender:
        # Each kind is loaded when it is first used: most hubs use few of them.
        if isinstance(source, PushSubscription):
            from harken.answering.channels.push import CONTACT, PushChannel

            return PushChannel(
                source,
                keys=self._keys,
                on_gone=self._on_gone,
                contact=self._contact or CONTACT,
            )
        if source is None or source.kind == "page":
            return PageChannel(self._publish)
        options: Mapping[str, object] = source.options
        if source.kind == "speaker":
            from harken.answering.channels.speaker import SpeakerChannel

            return SpeakerChannel(options)
        if source.kind == "webhook":
            from harken.answering.channels.webhook import WebhookChannel

            return WebhookChannel(source.url, options=options)
        if source.kind == "mqtt":
            from harken.answering.channels.mqtt import MqttChannel

            channel = MqttChannel(
                source.url,
                options=options,
                on_press=self._on_press,
                on_reading=self._on_reading,
            )
            channel.start()
            return channel
        if source.kind == "apprise":
            from harken.answering.channels.apprise import AppriseChannel

            return AppriseChannel(source.url, options=options)
        raise ChannelError("Push is turned on at each phone, in Settings.")


class _Broken:
    """A channel that was set up wrongly; it says so whenever it is used."""

    def __init__(self, error: ChannelError) -> None:
        self._says = str(error)

    async def send(self, message: Message) -> None:
        raise ChannelError(self._says)

    async def aclose(self) -> None:
        pass
