"""`harken care`, `harken series` and `harken babybuddy`, as they are typed."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

HUCKLEBERRY = "Type,Start,End,Duration,Start Condition,Start Location,End Condition,Notes\n"


def write(tmp_path, text, name="file.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_care_log_is_shown_first_and_then_brought_in(harken, tmp_path):
    file = write(tmp_path, f"{HUCKLEBERRY}Diaper,2026-01-13 10:02,,,Pee,,,\n"
                           "Pump,2026-01-13 10:02,,,20ml,,,\n")  # fmt: skip
    look = harken("care", "import", file, "--dry-run", "--zone", "Europe/Berlin")
    assert look.returncode == 0, look.stderr
    assert "It is a Huckleberry export. Times are read in Europe/Berlin." in look.stdout
    assert "Start → when it began" in look.stdout
    assert "line 3: 'Pump' is no kind of entry here" in look.stdout
    assert look.stdout.endswith("1 new, 0 would be corrected, 0 known already. "
                                "Nothing was written.\n")  # fmt: skip
    assert harken("care", "import", file).stdout.endswith("1 new, 0 corrected, 0 known already.\n")
    again = harken("care", "import", file)
    assert again.stdout.endswith("0 new, 0 corrected, 1 known already.\n")
    less = write(tmp_path, f"{HUCKLEBERRY}Diaper,2026-01-13 10:02,,,Poo,,,\n")
    assert "1 corrected" in harken("care", "import", less).stdout


def test_a_file_with_a_mistake_brings_nothing_unless_it_is_told_to(harken, tmp_path):
    file = write(tmp_path, f"{HUCKLEBERRY}Diaper,2026-01-13 10:02,,,Pee,,,\nSleep,soon,,,,,,\n")
    done = harken("care", "import", file)
    assert done.returncode == 1
    assert "line 3, column 'Start': 'soon' is no date with a time of day" in done.stdout
    assert done.stderr.startswith("harken: nothing was brought in: line 3, column 'Start'")
    assert done.stderr.count("\n") == 1
    taken = harken("care", "import", file, "--skip-unreadable")
    assert taken.returncode == 0
    assert "1 new" in taken.stdout


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["--map", "When"], "write COLUMN=FIELD"),
        (["--map", "Start=whenever"], "a column can be what"),
        (["--zone", "Mars"], "zone 'Mars' is not known"),
        (["--child", "ole"], "there is no such child"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(harken, tmp_path, typed, says):
    done = harken("care", "import", write(tmp_path, HUCKLEBERRY), *typed)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_numbers_of_a_sensor(harken, tmp_path):
    file = write(tmp_path, "Time,BPM\n2026-01-13 02:00:00,131\n2026-01-13 02:00:10,--\n")
    look = harken("series", "import", file, "--source", "sock", "--dry-run")
    assert look.stdout.endswith("1 reading, 1 gap. Nothing was written.\n")
    done = harken("series", "import", file, "--source", "sock")
    assert "BPM → heart_rate" in done.stdout
    assert done.stdout.endswith("1 new reading, 0 known already, 1 gap.\n")
    again = harken("series", "import", file, "--source", "sock")
    assert again.stdout.endswith("0 new readings, 1 known already, 1 gap.\n")
    listed = harken("series", "list").stdout
    assert "heart_rate  sock  –  1 reading  2026-01-13 02:00" in listed
    id = listed.split()[0]
    assert harken("series", "forget", "nothing").returncode == 2
    assert harken("series", "forget", id).stdout == "1 reading deleted\n"
    assert harken("series", "list").stdout == "No series.\n"


def test_baby_buddy_needs_an_address_and_a_token(harken):
    done = harken("babybuddy", "pull")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "where is Baby Buddy?" in done.stderr
    done = harken("babybuddy", "pull", "--url", "http://127.0.0.1:9", input="")
    assert "set HARKEN_BABYBUDDY_TOKEN" in done.stderr
    done = harken("babybuddy", "pull", "--child", "mia")
    assert done.returncode == 2


def test_baby_buddy_from_the_settings_file(harken, tmp_path):
    """A server of the plainest kind: one child, nothing else."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path.split("?")[0], self.headers["Authorization"]))
            child = '{"id": 1, "first_name": "Mia", "last_name": "Doe", "birth_date": "2026-01-10"}'
            some = f'"count": 1, "results": [{child}]' if "children" in self.path else (
                '"count": 0, "results": []')  # fmt: skip
            body = f"{{{some}}}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        (tmp_path / "harken.toml").write_text(
            f'babybuddy_url = "http://127.0.0.1:{server.server_port}"\nbabybuddy_token = "abc123"\n'
        )
        look = harken("babybuddy", "pull", "--dry-run")
        assert "Would be a new child: Mia" in look.stdout
        done = harken("babybuddy", "pull")
        assert "A new child: Mia" in done.stdout
        assert "0 feedings, 0 sleep" in done.stdout
        pushed = harken("babybuddy", "push")
        assert pushed.stdout == ("0 added, 0 brought up to date, 0 there already, 0 not taken.\n")
        assert {token for _, token in asked} == {"Token abc123"}
        assert "abc123" not in look.stdout + look.stderr + done.stdout + done.stderr
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_token_is_not_shown_even_where_it_is_wrong(harken, tmp_path):
    (tmp_path / "harken.toml").write_text("babybuddy_token = 123456789\n")
    done = harken("babybuddy", "pull", "--url", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "babybuddy_token" in done.stderr
    assert "123456789" not in done.stderr
