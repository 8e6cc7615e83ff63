"""Web Push to a phone's browser (RFC 8030, 8291, 8292): encrypted for the phone alone.

The push service of the browser's maker carries it, so this needs the internet.
That the service accepts a message does not say that the phone shows it.
"""

import base64
import binascii
import hashlib
import ipaddress
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02  # type: ignore[import-untyped]
from pywebpush import WebPusher, WebPushException  # type: ignore[import-untyped]

from harken.answering.channels.failures import explain, explain_status
from harken.answering.message import GOING, GoneError, Message
from harken.errors import ChannelError
from harken.journal.household import PushSubscription

TTL_S = 90
"""How long a push service keeps a message for a phone that is off; a cry is old after that."""

CONTACT = "mailto:harken@example.com"
"""Whom a push service may write to about this sender, where the household gives nobody."""

SETTING = "secret.vapid"
"""The household's setting that holds the private key; the prefix keeps it out of exports."""

_MOST_BYTES = 3900
"""Of the payload before encryption; every service takes 4096 bytes after it."""

_TOKEN_S = 6 * 3600
_TITLES = {GOING: "I'm going"}


class Settings(Protocol):
    """Where the key is kept; the household has this shape."""

    def get_setting(self, key: str, default: Any = None) -> Any:
        """Give a setting."""

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a setting."""


class VapidKeys:
    """The key pair by which push services know this hub.

    Parameters
    ----------
    private : str
        The secret number, 32 bytes in base64url.

    Raises
    ------
    ChannelError
        If it is no key.

    Examples
    --------
    >>> keys = VapidKeys.new()
    >>> len(keys.public), VapidKeys(keys.private).public == keys.public
    (87, True)
    """

    def __init__(self, private: str) -> None:
        try:
            number = int.from_bytes(_unpack(private), "big")
            key = ec.derive_private_key(number, ec.SECP256R1())
        except (ValueError, TypeError, binascii.Error):
            raise ChannelError(
                "The key for push in the settings is damaged: remove it there, and turn push on "
                "again on every phone."
            ) from None
        self.private = private
        self._vapid = Vapid02(key)
        self.public = _pack(
            key.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
        )
        """The application server key that a browser subscribes with, base64url."""

    def __repr__(self) -> str:
        return f"VapidKeys(public={self.public!r})"

    @classmethod
    def new(cls) -> "VapidKeys":
        """Make a new pair.

        Returns
        -------
        VapidKeys
        """
        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        return cls(_pack(number.to_bytes(32, "big")))

    @classmethod
    def load(cls, settings: Settings) -> "VapidKeys":
        """Give the household's pair; the first time it is made and kept.

        Parameters
        ----------
        settings : Settings

        Returns
        -------
        VapidKeys

        Raises
        ------
        ChannelError
            If what is kept is no key.
        """
        kept = settings.get_setting(SETTING, None)
        if kept is None:
            keys = cls.new()
            settings.set_setting(SETTING, keys.private)
            return keys
        return cls(kept)

    def authorization(self, endpoint: str, *, contact: str = CONTACT) -> str:
        """Sign for a push service.

        Parameters
        ----------
        endpoint : str
            Address of the subscription; only its origin is used.
        contact : str
            ``mailto:`` or ``https:`` address of who runs this hub.

        Returns
        -------
        str
            Value of the header ``Authorization``.
        """
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(time.time()) + _TOKEN_S,
            "sub": contact,
        }
        value: str = self._vapid.sign(claims)["Authorization"]
        return value


OnGone = Callable[[PushSubscription], Awaitable[None]]


class PushChannel:
    """One phone's subscription.

    Parameters
    ----------
    subscription : PushSubscription
    keys : VapidKeys
    on_gone : callable
        Called when the push service says that the subscription is gone, so that
        it can be marked and ``push_lost`` recorded.
    contact : str
        As in `VapidKeys.authorization`.
    timeout_s : float [s]

    Raises
    ------
    ChannelError
        If the subscription's address cannot be used.
    """

    def __init__(
        self,
        subscription: PushSubscription,
        *,
        keys: VapidKeys,
        on_gone: OnGone,
        contact: str = CONTACT,
        timeout_s: float = 10.0,
    ) -> None:
        self._host = _host_of(subscription.endpoint)
        self._subscription = subscription
        self._keys, self._on_gone, self._contact = keys, on_gone, contact
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False)

    async def send(self, message: Message) -> None:
        """Hand a message to the push service.

        Parameters
        ----------
        message : Message

        Raises
        ------
        GoneError
            If the phone has no such subscription any more; `on_gone` was called.
        ChannelError
            If the service did not accept it.
        """
        try:
            body = WebPusher({
                "endpoint": self._subscription.endpoint,
                "keys": {"p256dh": self._subscription.p256dh, "auth": self._subscription.auth},
            }).encode(payload_of(message))["body"]  # fmt: skip
        except (WebPushException, ValueError, TypeError, IndexError):
            raise ChannelError(
                "This phone's push subscription is damaged: turn push off and on again on it."
            ) from None
        headers = {
            "Authorization": self._keys.authorization(
                self._subscription.endpoint, contact=self._contact
            ),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S),
            "Urgency": "high" if message.urgent else "normal",
            "Topic": topic_of(message),
        }
        try:
            async with self._client.stream(
                "POST", self._subscription.endpoint, content=body, headers=headers
            ) as answer:
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise ChannelError(explain(error, self._host)) from None
        if status in (404, 410):
            await self._on_gone(self._subscription)
            raise GoneError(
                "This phone can't be reached by push any more: open Harken on it and turn push on "
                "again."
            )
        if status in (401, 403):
            raise ChannelError(
                f"{self._host} refused this hub's key ({status}): turn push off and on again on "
                "this phone."
            )
        if not 200 <= status < 300:
            raise ChannelError(explain_status(status, self._host))

    async def aclose(self) -> None:
        """Close connections that are kept open."""
        await self._client.aclose()


def payload_of(message: Message) -> bytes:
    """Give what the service worker gets, before encryption.

    Parameters
    ----------
    message : Message

    Returns
    -------
    bytes
        UTF-8 JSON: `Message.as_dict`, but `actions` as browsers take them, and
        ``"push": true``.
    """
    plain = message.as_dict()
    plain["actions"] = [{"action": one, "title": _TITLES.get(one, one)} for one in message.actions]
    plain["push"] = True
    packed = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
    if len(packed) > _MOST_BYTES:
        keep = len(message.body.encode()) - (len(packed) - _MOST_BYTES) - 3
        cut = message.body.encode()[: max(0, keep)].decode(errors="ignore")
        plain["body"] = f"{cut}…"
        packed = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
    return packed


def topic_of(message: Message) -> str:
    """Give the topic under which a newer message replaces one that is still waiting.

    Parameters
    ----------
    message : Message

    Returns
    -------
    str
        32 characters of base64url, the most that is allowed; it tells the push
        service nothing.
    """
    about = message.episode or f"{message.about}\n{message.room}"
    return _pack(hashlib.sha256(about.encode()).digest())[:32]


def _host_of(endpoint: str) -> str:
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname
    except ValueError:
        host = None
    if host and (parts.scheme == "https" or (parts.scheme == "http" and _loopback(host))):
        return host
    raise ChannelError("The address of a push subscription must begin with https://.")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pack(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
