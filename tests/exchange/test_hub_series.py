"""From a sensor's topic on a real Mosquitto, through a running hub, into the journal."""

import asyncio
import socket
import subprocess
import time

import aiomqtt
import pytest

from harken.hub import Hub
from harken.journal import Channel, Room, Series


@pytest.fixture
def broker(require, free_port, tmp_path):
    """The port of a Mosquitto."""
    program = require("mosquitto")
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(
        [str(program), "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield port
    process.kill()
    process.wait()


def test_what_a_sock_says_is_in_the_journal(journal, broker):
    household = journal.household
    for room in household.list(Room):
        household.remove(Room, room.id)
    sock = {"topic": "sock", "what": "heart_rate", "key": "bpm", "child": "mia"}
    household.add(
        Channel(id="m", kind="mqtt", name="Broker", url=f"mqtt://127.0.0.1:{broker}",
                options={"series": [sock]})
    )  # fmt: skip
    pulse = Series("heart_rate", "sock", child="mia")

    async def play():
        hub = Hub(journal, sounder=False)
        await hub.start()
        try:
            async with aiomqtt.Client("127.0.0.1", broker) as other, asyncio.timeout(20):
                # Until the hub listens, what is said is heard by nobody.
                while not hub._inbox._waiting:
                    await other.publish("sock", '{"bpm": 131}', qos=1)
                    await asyncio.sleep(0.1)
                # No more than one a second is kept.
                for _ in range(5):
                    await other.publish("sock", '{"bpm": 140}', qos=1)
        finally:
            await hub.close()

    asyncio.run(play())
    # What had not been written when the hub stopped was written then.
    kept = journal.readings(pulse)
    assert kept[0].value == 131.0
    assert len(kept) <= 2
