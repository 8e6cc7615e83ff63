"""What went wrong, in words for somebody who set a channel up and is not an engineer.

Addresses of channels hold secrets in any part of them, so nothing but a host
name is ever repeated, and what a library says of itself is not passed on.
"""

import socket
import ssl
from collections.abc import Iterator

_MOST = 40
"""Errors looked at in a chain; libraries wrap one another three or four deep."""

_STATUS = {
    400: "did not understand the message (400). Check the address and the settings",
    401: "refused the sign-in (401). Check the user, password or token",
    403: "does not allow this (403). Check the token and its rights",
    404: "knows no such address (404). Check the path",
    405: "takes no messages at this address (405). Check the path",
    410: "says that this address is gone (410). Set the channel up again",
    413: "finds the message too large (413)",
    429: "is asked too often (429). It will be tried again",
}


def chain(error: BaseException) -> Iterator[BaseException]:
    """Go through an error and everything it came from.

    Parameters
    ----------
    error : BaseException

    Yields
    ------
    BaseException
        Causes, contexts, members of groups, and errors carried as arguments.
    """
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _MOST:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        near: list[object] = [one.__cause__, one.__context__, getattr(one, "reason", None)]
        near += [*one.args, *getattr(one, "exceptions", ())]
        waiting += [found for found in near if isinstance(found, BaseException)]


def explain(error: BaseException, host: str) -> str:
    """Say in one plain sentence why something could not be reached.

    Parameters
    ----------
    error : BaseException
        What a network library raised.
    host : str
        Its name, without anything secret.

    Returns
    -------
    str

    Examples
    --------
    >>> explain(ConnectionRefusedError(), "broker.lan")
    'broker.lan refused the connection: check that it runs there, and the port.'
    """
    found = list(chain(error))
    for one in found:
        if isinstance(one, ssl.SSLCertVerificationError):
            why = (one.verify_message or "").lower()
            if "self" in why and "signed" in why:
                return (
                    f"{host} has a certificate that it made itself: give its CA file in the "
                    "channel's settings, or use a certificate that is trusted here."
                )
            if "expired" in why:
                return f"The certificate of {host} has expired: renew it there."
            if "hostname" in why or "ip address" in why:
                return f"The certificate of {host} is for another name: check the address."
            return (
                f"The certificate of {host} is not trusted here: check the address, or give its "
                "CA file."
            )
    for one in found:
        if isinstance(one, ssl.SSLError):
            return f"{host} does not speak TLS there: check the port and whether it is secure."
        if isinstance(one, socket.gaierror):
            return f"{host} cannot be found: check the name, and that this hub has a network."
        if isinstance(one, ConnectionRefusedError):
            return f"{host} refused the connection: check that it runs there, and the port."
    for one in found:
        named = type(one).__name__.lower()
        if isinstance(one, TimeoutError) or "timeout" in named or "timed out" in str(one).lower():
            return f"{host} did not answer in time: check that it runs, and the address."
    for one in found:
        if isinstance(one, ConnectionResetError | BrokenPipeError):
            return f"{host} closed the connection: check the address, and whether it is secure."
        if type(one).__name__ in ("RemoteProtocolError", "BadStatusLine", "RemoteDisconnected"):
            return f"{host} closed the connection: check the address, and whether it is secure."
    for one in found:
        if isinstance(one, OSError) and one.errno is not None:
            return f"{host} cannot be reached: check the network and the address."
    return f"{host} could not be told ({type(error).__name__}): check the address."


def explain_status(status: int, host: str) -> str:
    """Say in one plain sentence what an HTTP status means for whoever set the channel up.

    Parameters
    ----------
    status : int
    host : str

    Returns
    -------
    str

    Examples
    --------
    >>> explain_status(401, "example.org")
    'example.org refused the sign-in (401). Check the user, password or token.'
    """
    if 300 <= status < 400:
        return (
            f"{host} sends on to another address ({status}), which Harken does not follow: enter "
            "the final address."
        )
    if status >= 500:
        return f"{host} has trouble of its own ({status}). It will be tried again."
    return f"{host} {_STATUS.get(status, f'answered {status}. Check the address')}."
