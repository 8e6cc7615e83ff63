"""Secrets, and what is checked of a request before anything of it is believed.

A token is 256 random bits; only its SHA-256 is kept. A join code is short enough
to read aloud, so it is guarded by what a guess costs: it lives 15 minutes, works
once, and wrong ones are counted per address and in all.
"""

import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from harken.errors import ParameterError
from harken.web.contract import WebSettings

CODE_LENGTH = 8
CODE_LIVES_S = 15 * 60.0
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0, 1, I, L and O, which are mistaken for each other."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "manifest-src 'self'",
        "worker-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)

HEADERS: Mapping[str, str] = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": (
        "microphone=(self), screen-wake-lock=(self), autoplay=(self), camera=(), geolocation=(), "
        "payment=(), usb=()"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Sent with every answer."""


def new_token() -> str:
    """Make a secret that a device is known by.

    Returns
    -------
    str
        256 random bits, base64url.

    Examples
    --------
    >>> len(new_token())
    43
    """
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Make a join code that can be read aloud.

    Returns
    -------
    str
        Eight characters, about 40 bits.

    Examples
    --------
    >>> len(new_code()), read_code(new_code().lower()) is not None
    (8, True)
    """
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))


def read_code(text: str) -> str | None:
    """Give a join code as it is kept, from how somebody typed it.

    Parameters
    ----------
    text : str
        Small letters, spaces and hyphens do not matter.

    Returns
    -------
    str or None
        None if it can't be one.

    Examples
    --------
    >>> read_code(" abcd-2345 ")
    'ABCD2345'
    >>> read_code("ABCD2340") is None
    True
    """
    code = "".join(text.upper().replace("-", "").split())
    return code if len(code) == CODE_LENGTH and set(code) <= set(_ALPHABET) else None


def same_secret(one: str, other: str) -> bool:
    """Compare in a time that doesn't tell how much is right.

    Examples
    --------
    >>> same_secret("ä", "ä"), same_secret("a", "b")
    (True, False)
    """
    return hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )


class RateLimit:
    """How many failures an address, and everybody together, may have.

    A bucket of `burst` drains by one with each failure and fills again over
    `window_s`. Addresses are forgotten, the longest unseen first, beyond 10 000.

    Parameters
    ----------
    burst : int
        Failures that an address may have at once.
    everybody : int
        Failures that all addresses together may have at once.
    window_s : float
        Time after which an empty bucket is full again, in seconds.
    clock : callable
        Gives a time that never goes back, in seconds.

    Examples
    --------
    >>> limit = RateLimit(1, everybody=10, window_s=60.0, clock=lambda: 0.0)
    >>> limit.wait_s("a")
    0.0
    >>> limit.fail("a")
    >>> limit.wait_s("a"), limit.wait_s("b")
    (60.0, 0.0)
    """

    _MOST = 10_000

    def __init__(
        self,
        burst: int,
        *,
        everybody: int,
        window_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if burst < 1 or everybody < 1 or window_s <= 0:
            raise ParameterError("rate limit: burst, everybody and window_s must be above 0")
        self._sizes = (float(burst), float(everybody))
        self._window_s = window_s
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._all = (float(everybody), clock())

    def wait_s(self, address: str) -> float:
        """Say how long an address must wait before it may try again.

        Returns
        -------
        float
            In seconds; 0 if it may try now.
        """
        now = self._clock()
        own = self._left(self._buckets.get(address, (self._sizes[0], now)), self._sizes[0], now)
        shared = self._left(self._all, self._sizes[1], now)
        waits = [
            (1.0 - left) * self._window_s / size
            for left, size in zip((own, shared), self._sizes, strict=True)
        ]
        return max(0.0, *waits)

    def fail(self, address: str) -> None:
        """Count a failure."""
        now = self._clock()
        own = self._left(self._buckets.pop(address, (self._sizes[0], now)), self._sizes[0], now)
        self._buckets[address] = (max(0.0, own - 1.0), now)
        while len(self._buckets) > self._MOST:
            self._buckets.popitem(last=False)
        shared = self._left(self._all, self._sizes[1], now)
        self._all = (max(0.0, shared - 1.0), now)

    def forgive(self, address: str) -> None:
        """Take a failure back that was counted before the outcome was known.

        Whoever asks before counting lets a hundred tries at once through.
        """
        now = self._clock()
        if address in self._buckets:
            own = self._left(self._buckets[address], self._sizes[0], now)
            self._buckets[address] = (min(self._sizes[0], own + 1.0), now)
        self._all = (min(self._sizes[1], self._left(self._all, self._sizes[1], now) + 1.0), now)

    def _left(self, bucket: tuple[float, float], size: float, now: float) -> float:
        left, at = bucket
        return min(size, left + (now - at) * size / self._window_s)


def host_of(header: str | None) -> str | None:
    """Give the host name of a Host header, without port, in small letters.

    Returns
    -------
    str or None
        None if it is missing or malformed.

    Examples
    --------
    >>> host_of("Hub.Local:8765"), host_of("[::1]:80"), host_of("a@b"), host_of("")
    ('hub.local', '::1', None, None)
    """
    netloc = _netloc(header)
    return netloc[0] if netloc else None


def allowed_host(header: str | None, settings: WebSettings) -> bool:
    """Say whether the hub may be asked under this Host header.

    A name that somebody else controls can be made to point at the hub (DNS
    rebinding); an address can't, and stays right when the router gives another one.

    Parameters
    ----------
    header : str, optional
        The Host header.
    settings : WebSettings

    Examples
    --------
    >>> settings = WebSettings("http://hub.local:8765")
    >>> [allowed_host(h, settings) for h in ("hub.local:8765", "10.0.0.2", "evil.example")]
    [True, True, False]
    """
    host = host_of(header)
    if host is None:
        return False
    own = urlsplit(settings.base_url).hostname or ""
    names = {name.lower() for name in settings.allowed_hosts}
    if host == own.lower() or host in names or is_loopback(host):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Say whether a host name or address is this very machine.

    Examples
    --------
    >>> [is_loopback(h) for h in ("localhost", "127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1")]
    [True, True, True, True, False]
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool(address.is_loopback or (mapped is not None and mapped.is_loopback))


def same_origin(headers: Mapping[str, str], settings: WebSettings) -> bool:
    """Say whether a browser made this request from one of the hub's own pages.

    Parameters
    ----------
    headers : mapping
        With names in small letters. A client that sends neither Origin nor
        Sec-Fetch-Site is no browser that could be tricked.
    settings : WebSettings

    Examples
    --------
    >>> settings = WebSettings("http://hub.local:8765")
    >>> same_origin({"host": "hub.local:8765", "origin": "http://hub.local:8765"}, settings)
    True
    >>> same_origin({"host": "hub.local:8765", "origin": "http://evil.example"}, settings)
    False
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    parts = urlsplit(origin)
    if parts.scheme not in (("https",) if settings.https else ("http", "https")):
        return False
    own = urlsplit(settings.base_url)
    port = {"http": 80, "https": 443}
    asked = _netloc(headers.get("host"))
    given = _netloc(parts.netloc)
    if asked is None or given is None:
        return False
    if (parts.scheme, given[0], given[1] or port[parts.scheme]) == (
        own.scheme,
        own.hostname,
        own.port or port.get(own.scheme),
    ):
        return True
    standard = port[parts.scheme]
    return given[0] == asked[0] and (given[1] or standard) == (asked[1] or standard)


def _netloc(text: str | None) -> tuple[str, int | None] | None:
    if not text or any(sign in text for sign in "@/\\?# \t\r\n,"):
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (host.lower().removesuffix("."), port) if host else None
