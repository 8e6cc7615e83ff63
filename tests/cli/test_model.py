import os

import pytest

pytestmark = pytest.mark.e2e


def test_a_network_of_one_s_own_is_added_listed_and_used(harken, loud_is_crying, night):
    done = harken("model", "add", loud_is_crying)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "loud is added; use it with --model loud\n"
    listed = harken("model", "list")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["builtin", "loud"]
    heard = harken("listen", night, "--model", "loud")
    assert (heard.returncode, heard.stderr) == (0, "")
    assert "1 bout" in heard.stdout


def test_yamnet_is_added_and_taken_by_doctor(harken, require):
    done = harken("model", "add", require("../shared/peers/yamnet.tflite"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "yamnet" in harken("model", "list").stdout
    (line,) = [x for x in harken("doctor").stdout.splitlines() if "yamnet.tflite" in x]
    assert line.startswith("ok")


@pytest.mark.parametrize("name", ["absent.onnx", "text.onnx", "text.tflite", "text.txt"])
def test_what_is_no_model_is_refused_in_one_line(harken, tmp_path, name):
    if name != "absent.onnx":
        (tmp_path / name).write_text("no model")
    done = harken("model", "add", name)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert name in done.stderr
    assert harken("model", "list").stdout.count("\n") == 1


def test_without_a_network_yamnet_is_not_fetched_and_the_way_out_is_told(harken, tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "HARKEN_DATA": str(tmp_path / "data"),
        "https_proxy": "http://127.0.0.1:9",
    }
    done = harken("model", "get", "yamnet", env=environment)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "harken model add FILE" in done.stderr


def test_a_model_that_is_not_there_is_one_line(harken, night):
    for model in ("nonsense", "absent.onnx", "yamnet"):
        done = harken("listen", night, "--model", model)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
