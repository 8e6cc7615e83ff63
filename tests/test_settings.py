"""Settings: options before variables before the file, and one clear line where one is wrong."""

import pytest

from harken.errors import ParameterError
from harken.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HARKEN_{name.upper()}", raising=False)
    monkeypatch.delenv("HARKEN_CONFIG", raising=False)
    return tmp_path


def test_without_anything_the_hub_is_for_this_machine_alone():
    found = load_settings()
    assert (found.host, found.https, found.database) == ("127.0.0.1", False, None)


def test_options_go_before_variables_and_those_before_the_file(alone, monkeypatch):
    (alone / "harken.toml").write_text('port = 1001\nmodel = "builtin"\nnames = ["a.example"]\n')
    monkeypatch.setenv("HARKEN_PORT", "1002")
    assert load_settings().port == 1002
    assert load_settings(port=1003).port == 1003
    assert load_settings(port=None).port == 1002
    assert load_settings().model == "builtin"
    assert load_settings().names == ["a.example"]


def test_another_file_can_be_named(alone, monkeypatch):
    (alone / "mine.toml").write_text("https = true\n")
    monkeypatch.setenv("HARKEN_CONFIG", str(alone / "mine.toml"))
    assert load_settings().https


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = 0", "setting port=0"),
        ('port = "x"', "setting port='x'"),
        ("prt = 1", "setting 'prt' is not known; there are host, port"),
        ("https = 3", "setting https=3"),
        ("names = 3", "setting names=3"),
        ('contact = "anna"', "must be like mailto:you@your.example"),
        ("port = [", "harken.toml"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_it(alone, text, says):
    (alone / "harken.toml").write_text(text)
    with pytest.raises(ParameterError) as error:
        load_settings()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setenv("HARKEN_CONFIG", "/nowhere/harken.toml")
    with pytest.raises(ParameterError, match="which is not there"):
        load_settings()


def test_contacts_that_push_services_take():
    for contact in ("mailto:anna@home.example", "https://home.example/harken"):
        assert load_settings(contact=contact).contact == contact
