"""What went wrong, in words that name the host and nothing secret."""

import socket
import ssl

import pytest

from harken.answering.channels.failures import chain, explain, explain_status


def caused(outer, inner):
    try:
        try:
            raise inner
        except Exception as error:
            raise outer from error
    except Exception as error:
        return error


def verification(message):
    error = ssl.SSLCertVerificationError(message)
    error.verify_message = message
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (socket.gaierror(-2, "Name or service not known"), "cannot be found"),
        (ConnectionRefusedError(111, "refused"), "refused the connection"),
        (TimeoutError(), "in time"),
        (OSError("[Errno 110] timed out"), "in time"),
        (ConnectionResetError(104, "reset"), "closed the connection"),
        (OSError(113, "No route to host"), "cannot be reached"),
        (ssl.SSLError("wrong version number"), "does not speak TLS"),
        (verification("certificate has expired"), "has expired"),
        (verification("self-signed certificate"), "CA file"),
        (verification("Hostname mismatch, certificate is not valid"), "another name"),
        (verification("unable to get local issuer certificate"), "not trusted"),
        (ValueError("hunter2"), "could not be told (ValueError)"),
    ],
)
def test_every_cause_has_its_words_however_deep_it_lies(error, says):
    wrapped = caused(RuntimeError("hunter2"), caused(KeyError("hunter2"), error))
    grouped = ExceptionGroup("hunter2", [error])
    for one in (error, wrapped, grouped, RuntimeError(error)):
        told = explain(one, "example.org")
        if "could not" in says and one is not error:
            assert "could not be told" in told
        else:
            assert says in told
        assert told.startswith(("example.org", "The certificate of example.org"))
        assert "hunter2" not in told
        assert told.endswith(".")


def test_errors_that_go_in_circles_end():
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    assert list(chain(one)) == [one, other]


@pytest.mark.parametrize("status", range(300, 600, 7))
def test_every_status_has_a_sentence(status):
    told = explain_status(status, "example.org")
    assert told.startswith("example.org ")
    assert str(status) in told
    assert told.endswith(".")
