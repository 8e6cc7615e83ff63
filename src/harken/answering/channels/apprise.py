"""A hundred services through Apprise: messengers, mail, and apps that can break through silence.

Apprise is an optional extra. Its addresses hold secrets and its log repeats
them, so the log is kept from everybody.
"""

import logging
import re
import warnings
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from harken.answering.message import Message
from harken.errors import ChannelError

_TYPES = {"cry": "warning", "drill": "warning", "unheard": "failure", "push_lost": "warning"}
_LINE = re.compile(r"(?:(?P<tags>[\w, -]+)=)?(?P<url>(?P<scheme>[a-z0-9]{1,20})://\S.*)")
_STATUS = re.compile(r"(?:error=|status[ _]code[ :=]+|HTTP )(\d{3})\b")


class AppriseChannel:
    """One Apprise address, or several under tags.

    Parameters
    ----------
    url : str
        One address a line, as Apprise documents it, e.g.
        ``ntfys://host/topic?priority=max``; before it there can be tags:
        ``night,loud=ntfys://…``.
    options : mapping
        ``tags`` (text): which of the addresses are told, parted by commas;
        without it all.

    Raises
    ------
    ChannelError
        If Apprise is not installed, or knows no such address.
    """

    def __init__(self, url: str, *, options: Mapping[str, Any] | None = None) -> None:
        apprise = _load()
        tags = (options or {}).get("tags")
        if not isinstance(tags, str | None):
            raise ChannelError("The tags of an Apprise channel must be text.")
        self._tags = _split(tags) if tags else apprise.common.MATCH_ALL_TAG
        self._apprise, self._capture = apprise.Apprise(), apprise.LogCapture
        lines = [line.strip() for line in url.splitlines() if line.strip()]
        if not lines:
            raise ChannelError("Enter an Apprise address, e.g. ntfys://ntfy.sh/a-secret-topic.")
        for line in lines:
            found = _LINE.fullmatch(line)
            if found is None:
                raise ChannelError("An Apprise address must be like service://…, one a line.")
            try:
                added = self._apprise.add(found["url"], tag=_split(found["tags"] or ""))
            except Exception:  # plug-ins raise what they like
                added = False
            if not added:
                raise ChannelError(
                    f"Apprise cannot use the address that begins with {found['scheme']}://. Check "
                    "it against the documentation of Apprise."
                )

    async def send(self, message: Message) -> None:
        """Give a message to every address that the tags choose.

        Parameters
        ----------
        message : Message

        Raises
        ------
        ChannelError
            If one of them did not take it, or none was chosen.
        """
        with self._capture(level=logging.DEBUG) as said:
            try:
                done = await self._apprise.async_notify(
                    title=message.title,
                    body=message.body,
                    notify_type=_TYPES.get(message.about, "info"),
                    body_format="text",
                    tag=self._tags,
                )
            except Exception as error:
                raise ChannelError(
                    f"The service could not be told ({type(error).__name__}): check the address."
                ) from None
            if done is None or getattr(getattr(done, "status", None), "name", "") == "NOMATCH":
                raise ChannelError("No address has these tags: check the tags of the channel.")
            if not done:
                raise ChannelError(_why(said.getvalue()))

    async def aclose(self) -> None:
        """Do nothing: Apprise keeps nothing open."""


@cache
def _load() -> ModuleType:
    """Load Apprise with all its plug-ins, and keep what it logs to ourselves."""
    with warnings.catch_warnings():
        # What its plug-ins find outdated is nothing that a reader here can mend.
        warnings.simplefilter("ignore")
        try:
            import apprise
        except ImportError:
            raise ChannelError(
                "Apprise is not installed: install harken[notify] on this computer."
            ) from None
        apprise.Apprise.instantiate("json://localhost")
    log = logging.getLogger("apprise")
    log.propagate = False
    log.addHandler(logging.NullHandler())
    return apprise


def _split(tags: str) -> list[str]:
    return [tag.strip() for tag in tags.split(",") if tag.strip()]


def _why(said: str) -> str:
    """Say why from the log, which itself may hold secrets and is not passed on."""
    found = _STATUS.search(said)
    if found:
        status = int(found[1])
        if status in (401, 403):
            return f"The service refused the sign-in ({status}): check the user, password or token."
        if status == 404:
            return "The service knows no such address (404): check the address."
        if status == 429:
            return "The service is asked too often (429). It will be tried again."
        return f"The service did not take the message ({status})."
    low = said.lower()
    if "name or service not known" in low or "name resolution" in low or "resolve" in low:
        return "The service cannot be found: check the address, and that this hub has a network."
    if "refused" in low:
        return "The service refused the connection: check that it runs, and the address."
    if "certificate" in low:
        return "The certificate of the service is not trusted here: check the address."
    if "timed out" in low or "timeout" in low:
        return "The service did not answer in time: check that it runs."
    return "The service did not take the message: check the address, and that it can be reached."
