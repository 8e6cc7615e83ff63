"""A webhook: JSON by HTTP POST, signed so that the receiver knows that it came from this hub."""

import hashlib
import hmac
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from harken.answering.channels.failures import explain, explain_status
from harken.answering.message import Message
from harken.errors import ChannelError

SIGNATURE = "Harken-Signature"
TIMESTAMP = "Harken-Timestamp"
VERSION = 1
"""Of the body; a field is only ever added within a version."""

TIMEOUT_S = 10.0
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Give the value of the signature header.

    Parameters
    ----------
    secret : str
        Shared with the receiver.
    timestamp : str
        Value of the timestamp header: seconds since 1970.
    body : bytes
        As it is sent.

    Returns
    -------
    str
        ``"sha256="`` and HMAC-SHA256 of timestamp, a dot, and body, in hexadecimal.

    Examples
    --------
    >>> sign("secret", "1767225600", b"{}")[:17]
    'sha256=fa7eaa06bf'
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def body_of(message: Message) -> bytes:
    """Give the body that is posted for a message.

    Parameters
    ----------
    message : Message

    Returns
    -------
    bytes
        UTF-8 JSON; `docs/reference/webhook.md` lists its keys.
    """
    plain = {"version": VERSION, **message.as_dict()}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()


class WebhookChannel:
    """Posts messages to one address.

    Parameters
    ----------
    url : str
        ``https://`` or ``http://``. May hold secrets; it is never repeated.
    options : mapping
        ``secret`` (text): key of the signature; without it nothing is signed.
        ``headers`` (object): more headers, e.g. an authorization.
        ``ca`` (text): file with the authority of the receiver's certificate.
    timeout_s : float [s]
        For connecting, and again for each step after it.
    clock : callable
        Gives seconds since 1970.

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
        timeout_s: float = TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        options = options or {}
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or urlsplit(url).scheme not in ("http", "https"):
            raise ChannelError("The address of a webhook must begin with https:// or http://.")
        self._url, self._host, self._clock = url, host, clock
        self._secret = options.get("secret") or None
        if not isinstance(self._secret, str | None):
            raise ChannelError("The secret of a webhook must be text.")
        self._headers = _headers(options.get("headers") or {})
        self._client = httpx.AsyncClient(
            timeout=timeout_s, follow_redirects=False, verify=_trust(options.get("ca"))
        )

    async def send(self, message: Message) -> None:
        """Post a message; any 2xx answer means that it was accepted.

        Parameters
        ----------
        message : Message

        Raises
        ------
        ChannelError
            If it was not accepted.
        """
        body, timestamp = body_of(message), str(int(self._clock()))
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            "User-Agent": "harken",
            "Idempotency-Key": message.alert,
            TIMESTAMP: timestamp,
        }
        if self._secret is not None:
            headers[SIGNATURE] = sign(self._secret, timestamp, body)
        try:
            # The answer's body is of no interest, and could be endless.
            async with self._client.stream(
                "POST", self._url, content=body, headers=headers
            ) as answer:
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise ChannelError(explain(error, self._host)) from None
        if not 200 <= status < 300:
            raise ChannelError(explain_status(status, self._host))

    async def aclose(self) -> None:
        """Close connections that are kept open."""
        await self._client.aclose()


def _headers(given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        raise ChannelError("The headers of a webhook must be names with values.")
    for name, value in given.items():
        if not isinstance(name, str) or not _HEADER.fullmatch(name):
            raise ChannelError("A header's name may have letters, digits and hyphens only.")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ChannelError(f"The value of the header {name} must be plain text on one line.")
    return dict(given)


def _trust(ca: object) -> ssl.SSLContext | bool:
    if ca is None or ca == "":
        return True
    try:
        return ssl.create_default_context(cafile=str(Path(str(ca))))
    except (OSError, ValueError):
        raise ChannelError("The CA file of the channel cannot be read.") from None
