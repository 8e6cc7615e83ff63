"""A local authority and a certificate for the LAN: phones give no microphone without HTTPS.

The authority is made once and kept in the data folder; its key never leaves
it. A phone that trusts the authority trusts the hub under all its names.
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import trustme
from cryptography import x509

from harken.errors import HarkenError

_RENEW = timedelta(days=30)
_LASTS = timedelta(days=396)
"""Phones accept no certificate that lasts longer than 398 days (Apple, 2020)."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where the files are that a server needs.

    Parameters
    ----------
    chain, key : Path
        PEM files of the server.
    authority : Path
        PEM file of the authority, for phones to trust.
    """

    chain: Path
    key: Path
    authority: Path


def lan_address() -> str | None:
    """Give this machine's address in the home network; None where there is none.

    Nothing is sent: the system is only asked which address it would send from.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") or address == "0.0.0.0" else address


def host_names() -> list[str]:
    """Give the names and addresses under which this machine may be reached at home.

    Returns
    -------
    list of str
        At least localhost and 127.0.0.1.
    """
    host = socket.gethostname().split(".")[0].lower()
    names = ["localhost", "127.0.0.1", "::1", host, f"{host}.local"]
    address = lan_address()
    return list(dict.fromkeys([*names, *([address] if address else [])]))


def make_certificate(folder: Path, names: Sequence[str]) -> Certificate:
    """Make or renew the hub's certificate; the authority is made on first use.

    Parameters
    ----------
    folder : Path
        Made if it is not there, for its owner alone.
    names : sequence of str
        Host names and addresses that it is to hold for.

    Returns
    -------
    Certificate
        Kept as it is while it holds for all names and for another month.

    Raises
    ------
    HarkenError
        If the folder cannot be written.
    """
    made = Certificate(folder / "hub.pem", folder / "hub.key", folder / "harken-authority.pem")
    authority_key = folder / "authority.key"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if authority_key.exists() and made.authority.exists():
            authority = trustme.CA.from_pem(made.authority.read_bytes(), authority_key.read_bytes())
        else:
            authority = trustme.CA(
                organization_name="Harken", organization_unit_name="authority of this home"
            )
            _write(authority_key, authority.private_key_pem.bytes())
            made.authority.write_bytes(authority.cert_pem.bytes())
            made.chain.unlink(missing_ok=True)
        if not _holds(made.chain, names):
            now = datetime.now(UTC)
            issued = authority.issue_cert(
                *names,
                common_name="Harken",
                organization_name="Harken",
                not_before=now - timedelta(days=1),  # for phones whose clock is behind
                not_after=now + _LASTS,
            )
            _write(made.key, issued.private_key_pem.bytes())
            made.chain.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    except OSError as error:
        raise HarkenError(
            f"cannot keep the certificate in {folder}: {error.strerror}; "
            "make the folder writable or start without --https"
        ) from error
    return made


def _write(path: Path, content: bytes) -> None:
    """Write a secret so that nobody else can read it, not even for a moment."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _holds(chain: Path, names: Sequence[str]) -> bool:
    if not chain.exists():
        return False
    certificate = x509.load_pem_x509_certificates(chain.read_bytes())[0]
    if certificate.not_valid_after_utc < datetime.now(UTC) + _RENEW:
        return False
    known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    have = set(known.get_values_for_type(x509.DNSName))
    have |= {str(one) for one in known.get_values_for_type(x509.IPAddress)}
    return all(_plain(name) in have for name in names)


def _plain(name: str) -> str:
    try:
        return str(ip_address(name))
    except ValueError:
        return name
