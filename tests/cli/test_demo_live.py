"""`harken demo --headless`: the main job of the hub, from a cry to calm, by itself."""

import json
import time
from datetime import datetime

import pytest


@pytest.mark.e2e
@pytest.mark.slow
def test_the_headless_demo_ends_soothed_in_under_two_minutes(harken, tmp_path):
    begun = time.monotonic()
    done = harken("demo", "--headless", "--format", "json", "--model", "builtin")
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - begun < 120
    episode = json.loads(done.stdout)
    assert set(episode) >= {
        "onset", "detected_at", "alerts", "first_response", "latency_s", "outcome",
    }  # fmt: skip
    assert episode["outcome"] == "soothed"
    onset = datetime.fromisoformat(episode["onset"])
    detected = datetime.fromisoformat(episode["detected_at"])
    assert 0 < (detected - onset).total_seconds() < 3
    first = episode["alerts"][0]
    for before, after in (("due", "sent"), ("sent", "received"), ("received", "shown")):
        assert datetime.fromisoformat(first[before]) <= datetime.fromisoformat(first[after])
    response = datetime.fromisoformat(episode["first_response"]["at"])
    assert (response - onset).total_seconds() == pytest.approx(episode["latency_s"], abs=0.01)
    assert episode["first_response"]["manner"] == "arrived"
    # Nothing of it is kept.
    assert not list((tmp_path / "data").rglob("*.sqlite"))
