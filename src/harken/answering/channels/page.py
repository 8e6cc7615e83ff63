"""The open page: it sounds, vibrates and changes its title by itself once it is told."""

from collections.abc import Awaitable, Callable
from typing import Any

from harken.answering.message import Message

Publish = Callable[[dict[str, Any]], Awaitable[None]]
"""The hub's bus: takes `Message.as_dict` as the data of the event ``alert``."""


class PageChannel:
    """Hands messages to the pages that are open.

    Parameters
    ----------
    publish : callable
        The hub's bus. That it accepts a message says nothing of who sees it: pages
        report *received*, *shown* and *clicked* themselves.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    async def send(self, message: Message) -> None:
        """Hand a message to the bus.

        Parameters
        ----------
        message : Message
        """
        await self._publish(message.as_dict())

    async def aclose(self) -> None:
        """Do nothing: the bus is the hub's."""
