"""Sensors' numbers that come one by one, written some at a time so that the disk is left alone."""

import asyncio
import logging
from datetime import datetime, timedelta

from harken.errors import HarkenError
from harken.journal import Journal, Reading, Series

WRITE_EVERY_S = 5.0
"""What came later than this before a crash may be lost."""

EVERY = timedelta(seconds=1)
"""A series keeps one reading in this time: nothing that is drawn needs more."""

MOST_WAITING = 20_000
"""Readings held while the disk refuses; then the oldest go."""

_log = logging.getLogger(__name__)


class Inbox:
    """Takes readings in an event loop and writes them to the journal.

    Parameters
    ----------
    journal : Journal
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: dict[Series, list[Reading]] = {}
        self._last: dict[Series, datetime] = {}
        self._failing = False

    def take(self, series: Series, reading: Reading) -> None:
        """Take a reading; at once, without the disk.

        Parameters
        ----------
        series : Series
        reading : Reading
            One that comes less than a second after the last of its series is
            passed over.
        """
        last = self._last.get(series)
        if last is not None and abs(reading.at - last) < EVERY:
            return
        self._last[series] = reading.at
        self._waiting.setdefault(series, []).append(reading)

    async def run(self) -> None:
        """Write every few seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what has come; where that fails it is kept for the next time."""
        waiting, self._waiting = self._waiting, {}
        for series, readings in waiting.items():
            try:
                await asyncio.to_thread(self._journal.add_readings, series, readings)
            except HarkenError as error:
                if not self._failing:
                    _log.error("readings cannot be written: %s", error)
                self._failing = True
                share = max(1, MOST_WAITING // len(waiting))
                kept = [*readings, *self._waiting.get(series, [])]
                self._waiting[series] = kept[-share:]
            else:
                self._failing = False
