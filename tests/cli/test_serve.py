"""`harken serve`, `invite` and `drill`: the installed command as a real process on a free port."""

import json
import re
import signal
import socket
import ssl
import threading
import time
from contextlib import closing
from dataclasses import replace

import httpx
import numpy as np
import pytest

from harken.journal import Journal, Room

pytestmark = pytest.mark.e2e

HEADERS = {"X-Harken": "1"}
HTML = {"Accept": "text/html"}
WELCOME = {"household": "The Bergs", "name": "Anna", "child": "Ida", "zone": "Europe/Berlin"}


@pytest.fixture
def port(free_port):
    return free_port()


@pytest.fixture
def home(tmp_path):
    """The environment of a hub whose data is in a folder of its own."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "HARKEN_DATA": str(tmp_path / "data"),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


class Hub:
    """A hub that runs, and what it has printed."""

    def __init__(self, process, port, *, https=False, verify=True):
        self.process = process
        self.url = f"{'https' if https else 'http'}://localhost:{port}"
        self.printed = []
        # Read all the time: whoever prints into a full pipe stands still.
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (process.stdout, process.stderr)
        ]
        for reader in self._readers:
            reader.start()
        self.verify = verify

    def _read(self, stream):
        for line in stream:
            self.printed.append(line.rstrip())

    @property
    def text(self):
        return "\n".join(self.printed)

    def client(self, **more):
        return httpx.Client(base_url=self.url, headers=HEADERS | {"Origin": self.url},
                            verify=self.verify, timeout=10, **more)  # fmt: skip

    def wait(self):
        end = time.monotonic() + 60
        while "Stop with Ctrl-C." not in self.text:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < end, self.text
            time.sleep(0.05)
        return self

    def stop(self, how=signal.SIGTERM):
        """End it; give its exit code and how long that took."""
        begun = time.monotonic()
        self.process.send_signal(how)
        code = self.process.wait(10)
        for reader in self._readers:
            reader.join(5)
        return code, time.monotonic() - begun


@pytest.fixture
def serve(start, home, port):
    def begin(*arguments, https=False, verify=True, env=None):
        process = start("serve", "--port", port, "--model", "builtin", *arguments,
                        env=home | (env or {}))  # fmt: skip
        return Hub(process, port, https=https, verify=verify).wait()

    return begin


def welcome(client):
    made = client.post("/api/welcome", json=WELCOME)
    assert made.status_code == 200, made.text
    return made.json()


def test_the_first_run_needs_no_configuration(serve, home):
    hub = serve()
    assert f"Open {hub.url}/welcome to make your household." in hub.text
    assert re.search(r"asks for this code: \S+", hub.text)
    with hub.client() as phone:
        # Nothing is set up yet, and nothing is wrong.
        assert phone.get("/healthz").json()["ok"] is True
        assert phone.get("/", headers=HTML).headers["location"].endswith("/welcome")
        assert phone.get("/welcome").status_code == 200
        assert phone.get("/api/state").status_code == 401
        welcome(phone)
        state = phone.get("/api/state").json()
        assert state["me"]["name"] == "Anna"
        assert state["me"]["role"] == "owner"
        assert [room["id"] for room in state["rooms"]] == ["nursery"]
        assert state["rooms"][0]["children"][0]["name"] == "Ida"
        assert phone.get("/", headers=HTML).status_code == 200
        assert phone.post("/api/welcome", json=WELCOME).status_code == 409
        with phone.stream("GET", "/api/live") as live:
            assert next(live.iter_lines()) is not None
            # A page that is open must not keep the hub from ending.
            code, took_s = hub.stop()
    assert code == 0, hub.text
    assert took_s < 5
    assert hub.printed[-1] == "harken: stopped"
    assert "Traceback" not in hub.text


def test_it_goes_on_where_it_was(serve, harken, home, port):
    hub = serve()
    with hub.client() as phone:
        welcome(phone)
        cookies = dict(phone.cookies)
    assert hub.stop(signal.SIGINT)[0] == 0
    hub = serve()
    assert f"Harken is at {hub.url}" in hub.text
    assert "welcome" not in hub.text
    with hub.client(cookies=cookies) as phone:
        assert phone.get("/api/state").json()["me"]["name"] == "Anna"
    invited = harken("invite", "--role", "caregiver", "--name", "Ben",
                     env=home | {"HARKEN_PORT": str(port)})  # fmt: skip
    assert (invited.returncode, invited.stderr) == (0, "")
    code = re.search(r"Code: (\S+)", invited.stdout)[1]
    assert f"Link: {hub.url}/join#{code}" in invited.stdout
    with hub.client() as phone:
        joined = phone.post("/api/join", json={"code": code, "name": "Ben's phone"})
        assert joined.status_code == 200, joined.text
        assert joined.json()["role"] == "caregiver"
        assert phone.get("/api/state").json()["me"]["name"] == "Ben"
        again = phone.post("/api/join", json={"code": code, "name": "another"})
        assert again.status_code in (401, 403, 404)
    missing = harken("invite", "--role", "nursery", "--room", "attic", env=home)
    assert missing.returncode == 2
    assert missing.stderr == "harken: --room: there are the rooms nursery; name one\n"
    assert hub.stop()[0] == 0


def test_a_port_that_is_taken_is_one_line(harken, home, port):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = harken("serve", "--port", port, env=home)
    assert done.returncode == 1
    assert done.stderr == (
        f"harken: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another with --host and --port\n"
    )


def test_a_second_hub_on_the_same_data_is_one_line(serve, harken, home, tmp_path, free_port):
    hub = serve()
    done = harken("serve", "--port", free_port(), env=home)
    assert done.returncode == 1
    assert done.stderr.startswith(f"harken: another hub runs with the data in {tmp_path}/data; ")
    assert done.stderr.count("\n") == 1
    assert hub.stop()[0] == 0


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"HARKEN_PORT": "many"}, "setting port='many': "),
        ({"HARKEN_PORT": "70000"}, "setting port='70000': "),
        ({"HARKEN_HTTPS": "perhaps"}, "setting https='perhaps': "),
        ({"HARKEN_CONFIG": "nowhere.toml"}, "HARKEN_CONFIG names 'nowhere.toml', which is not"),
    ],
)
def test_a_bad_setting_is_one_line(harken, home, setting, says):
    done = harken("serve", env=home | setting)
    assert done.returncode == 2
    assert done.stderr.startswith(f"harken: {says}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("prot = 8437\n", "setting 'prot' is not known; there are host, port"),
        ("port = \n", "harken.toml: "),
    ],
)
def test_a_bad_file_is_one_line(harken, home, tmp_path, file, says):
    (tmp_path / "harken.toml").write_text(file)
    done = harken("serve", env=home)
    assert done.returncode == 2
    assert done.stderr.startswith(f"harken: {says}")
    assert done.stderr.count("\n") == 1


def test_data_that_cannot_be_written_is_one_line(harken, home, tmp_path):
    (tmp_path / "data").write_text("a file where a folder should be")
    done = harken("serve", env=home)
    assert done.returncode == 1
    assert done.stderr.startswith(f"harken: cannot write in {tmp_path}/data: ")
    assert done.stderr.count("\n") == 1


def test_https_has_an_authority_that_phones_can_trust(serve, tmp_path):
    authority = tmp_path / "data/tls/harken-authority.pem"
    hub = serve("--https", https=True, verify=False)
    hub.verify = ssl.create_default_context(cafile=str(authority))
    with hub.client() as phone:
        welcome(phone)
        assert phone.get("/api/state").json()["me"]["name"] == "Anna"
        assert "__Host-harken" in phone.cookies
        offered = phone.get("/authority")
        assert offered.status_code == 200
        assert authority.read_bytes().strip() in offered.content.strip()
    with pytest.raises(httpx.ConnectError), httpx.Client() as stranger:
        stranger.get(hub.url)
    key = tmp_path / "data/tls/authority.key"
    assert key.stat().st_mode & 0o077 == 0
    assert hub.stop()[0] == 0


def test_a_drill_says_who_rang(serve, harken, home, port, tmp_path, write_wav):
    alone = harken("drill", "--port", port, env=home)
    assert alone.returncode == 1
    assert "there is no household yet" in alone.stderr
    quiet = 1e-3 * np.random.default_rng(1).standard_normal(120 * 16_000)
    write_wav(tmp_path / "room.wav", quiet.astype(np.float32))
    hub = serve()
    with hub.client() as phone:
        welcome(phone)
        cookies = dict(phone.cookies)
    assert hub.stop()[0] == 0
    # A file as an ear is for rehearsals and cannot be chosen over the network.
    with Journal.open(tmp_path / "data/journal.sqlite") as journal:
        room = journal.household.get(Room, "nursery")
        sound = str(tmp_path / "room.wav")
        journal.household.update(replace(room, ear="file", source=sound, ring_after=0.5))
    hub = serve()
    with hub.client(cookies=cookies) as phone:
        end = time.monotonic() + 30
        while not phone.get("/api/state").json()["rooms"][0]["heard"]:
            assert time.monotonic() < end
            time.sleep(0.1)
        showing = threading.Thread(target=show_alerts, args=(hub, dict(phone.cookies)))
        showing.start()
        drill = harken("drill", "--port", port, "--wait", "20", env=home)
        assert (drill.returncode, drill.stderr) == (0, "")
        assert "A test cry sounds in Nursery" in drill.stdout
        assert re.search(r"Heard after \d\.\d s", drill.stdout)
        line = next(one for one in drill.stdout.splitlines() if "page" in one)
        assert "Anna" in line or "everybody" in line
        assert len(re.findall(r"\d\.\d s", line)) == 4
        # Whoever drilled leaves no device behind.
        assert [one["name"] for one in phone.get("/api/devices").json()].count("harken drill") == 0
        episodes = phone.get("/api/episodes").json()
        episodes = episodes["episodes"] if isinstance(episodes, dict) else episodes
        assert [one["drill"] for one in episodes] == [True]
    unknown = harken("drill", "attic", "--port", port, env=home)
    assert unknown.returncode == 2
    assert unknown.stderr == "harken: name one room; there are: nursery\n"
    assert hub.stop()[0] == 0
    showing.join(10)
    gone = harken("drill", "--port", port, env=home)
    assert gone.returncode == 1
    assert "no hub answers at" in gone.stderr


def show_alerts(hub, cookies):
    """Be an open page: say of each alert that it was received and shown."""
    with (
        hub.client(cookies=cookies) as phone,
        phone.stream("GET", "/api/live") as live,
    ):
        name = ""
        try:
            for line in live.iter_lines():
                if line.startswith("event:"):
                    name = line.partition(":")[2].strip()
                elif line.startswith("data:") and name == "alert":
                    alert = json.loads(line.partition(":")[2])["alert"]
                    for stage in ("received", "shown"):
                        phone.post(f"/api/alerts/{alert}/{stage}")
        except httpx.TransportError:
            pass  # the hub has ended
