import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.e2e

FIELDS = {
    "bout_started": ["event", "onset", "detected_at"],
    "bout_ended": ["event", "onset", "offset", "mean_cry", "peak_dbfs"],
    "bout_withdrawn": ["event", "onset", "at"],
    "gap": ["event", "start", "end", "reason"],
    "silence": ["event", "start", "end", "kind"],
    "loud_started": ["event", "start", "detected_at"],
    "loud_ended": ["event", "start", "end", "peak_dbfs"],
    "error": ["event", "message"],
}


def listen(harken, model, source, *options):
    return harken("listen", source, "--format", "jsonl", "--model", model, *options)


def test_a_bout_is_told_when_it_begins_and_when_it_is_over(harken, night, loud_is_crying, events):
    done = listen(harken, loud_is_crying, night)
    assert (done.returncode, done.stderr) == (0, "")
    started, ended = events(done.stdout)
    assert list(started) == FIELDS["bout_started"]
    assert list(ended) == FIELDS["bout_ended"]
    assert started["event"] == "bout_started"
    assert started["onset"] == pytest.approx(10, abs=0.1)
    assert 10 < started["detected_at"] < 11.2
    assert ended["event"] == "bout_ended"
    assert ended["onset"] == started["onset"]
    assert ended["offset"] == pytest.approx(18, abs=0.1)
    assert 0.9 < ended["mean_cry"] <= 1
    assert ended["peak_dbfs"] == pytest.approx(-13.5, abs=0.3)


def test_a_start_that_does_not_last_is_withdrawn(
    harken, tmp_path, loud_is_crying, tone, write_wav, events
):
    path = write_wav(tmp_path / "blip.wav", tone((5, 6.5), seconds=20))
    started, withdrawn = events(listen(harken, loud_is_crying, path).stdout)
    assert started["event"] == "bout_started"
    assert list(withdrawn) == FIELDS["bout_withdrawn"]
    assert withdrawn["onset"] == started["onset"]


def test_the_rule_on_the_command_line_is_the_rule(
    harken, tmp_path, loud_is_crying, tone, write_wav, events
):
    path = write_wav(tmp_path / "blip.wav", tone((5, 6.5), seconds=20))
    done = listen(harken, loud_is_crying, path, "--rule", "min_duration=1")
    assert [event["event"] for event in events(done.stdout)] == ["bout_started", "bout_ended"]


def test_digital_silence_is_told_and_is_no_number_in_json(
    harken, tmp_path, loud_is_crying, tone, write_wav, events
):
    samples = tone((1, 6), seconds=40)
    samples[10 * 16_000 : 30 * 16_000] = 0
    path = write_wav(tmp_path / "dead.wav", samples)
    told = [
        e for e in events(listen(harken, loud_is_crying, path).stdout) if e["event"] == "silence"
    ]
    assert [list(event) for event in told] == [FIELDS["silence"]] * 2
    assert told[0]["end"] is None
    assert told[1]["start"] == pytest.approx(10, abs=0.1)
    assert told[1]["end"] == pytest.approx(30, abs=0.1)


def test_loudness_is_told_without_a_model_s_opinion(harken, night, loud_is_crying, events):
    done = listen(
        harken, loud_is_crying, night, "--loud=-20:2", "--rule", "min_duration=60,evidence=10"
    )
    began, over = events(done.stdout)
    assert list(began) == FIELDS["loud_started"]
    assert list(over) == FIELDS["loud_ended"]
    assert began["start"] == pytest.approx(10, abs=0.1)
    assert began["detected_at"] == pytest.approx(12, abs=0.1)
    assert over["end"] == pytest.approx(18, abs=0.1)


def test_an_error_is_an_event_as_well_as_a_line(harken, loud_is_crying, events):
    done = listen(harken, loud_is_crying, "absent.wav")
    assert done.returncode == 1
    (event,) = events(done.stdout)
    assert list(event) == FIELDS["error"]
    assert done.stderr == f"harken: {event['message']}\n"
    assert "absent.wav" in event["message"]


def test_text_ends_with_a_summary(harken, night, loud_is_crying):
    done = harken("listen", night, "--model", loud_is_crying)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("0:00:10  crying since 10.0 s")
    assert "8.0 s from 10.0 s on" in lines[1]
    assert lines[2] == "heard 0:00:40: 1 bout, 8 s of crying; 0 starts withdrawn"


def test_sound_comes_through_a_pipe(harken, night, loud_is_crying, events):
    with night.open("rb") as pipe:
        done = harken("listen", "-", "--format", "jsonl", "--model", loud_is_crying, stdin=pipe)
    assert done.returncode == 0
    assert [event["event"] for event in events(done.stdout)] == ["bout_started", "bout_ended"]


def test_ctrl_c_ends_the_sound_and_tells_what_was_heard(
    start, tmp_path, loud_is_crying, tone, write_wav, events
):
    path = write_wav(tmp_path / "long.wav", tone((0.5, 60), seconds=60))
    running = start("listen", path, "--realtime", "--format", "jsonl", "--model", loud_is_crying)
    first = running.stdout.readline()
    time.sleep(4)
    running.send_signal(signal.SIGINT)
    rest, complaint = running.communicate(timeout=20)
    told = events(first + rest)
    assert [event["event"] for event in told] == ["bout_started", "bout_ended"]
    assert 3 < told[1]["offset"] < 15
    assert complaint == "harken: stopped\n"
    assert running.returncode == 1


def test_events_leave_the_process_at_once(start, tmp_path, loud_is_crying, tone, write_wav):
    path = write_wav(tmp_path / "long.wav", tone((0.5, 60), seconds=60))
    begun = time.monotonic()
    running = start("listen", path, "--realtime", "--format", "jsonl", "--model", loud_is_crying)
    assert running.stdout.readline().startswith('{"event": "bout_started"')
    assert time.monotonic() - begun < 30


def test_a_reader_that_goes_away_is_no_trouble(start, tmp_path, loud_is_crying, tone, write_wav):
    spans = [(20 * k + 1, 20 * k + 6) for k in range(50)]
    path = write_wav(tmp_path / "many.wav", tone(*spans, seconds=1000))
    running = start("listen", path, "--model", loud_is_crying)
    running.stdout.close()
    running.stdout = None
    _, complaint = running.communicate(timeout=60)
    assert complaint == ""
    assert running.returncode == 1


def test_a_meter_is_shown_in_a_terminal_only(start, night, loud_is_crying):
    import os
    import pty

    main_end, terminal = pty.openpty()
    running = start(
        "listen", night, "--model", loud_is_crying, stderr=terminal, stdout=subprocess.PIPE
    )
    os.close(terminal)
    out, _ = running.communicate(timeout=60)
    shown = b""
    try:
        while part := os.read(main_end, 65536):
            shown += part
    except OSError:  # what Linux gives at the end of a terminal
        pass
    os.close(main_end)
    assert "dBFS   cry" in shown.decode()
    assert "heard 0:00:40: 1 bout" in out
    assert "\x1b" not in out
