"""The local authority: made once, kept secret, renewed when names change."""

import ssl
import stat

import pytest
from cryptography import x509

from harken.certificates import host_names, lan_address, make_certificate
from harken.errors import HarkenError


def test_the_authority_stays_and_the_certificate_follows_the_names(tmp_path):
    first = make_certificate(tmp_path / "tls", ["localhost", "127.0.0.1"])
    authority, chain = first.authority.read_bytes(), first.chain.read_bytes()
    again = make_certificate(tmp_path / "tls", ["localhost"])
    assert again.chain.read_bytes() == chain
    more = make_certificate(tmp_path / "tls", ["localhost", "harken.local", "192.168.1.9"])
    assert more.authority.read_bytes() == authority
    names = x509.load_pem_x509_certificates(more.chain.read_bytes())[0].extensions
    held = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "harken.local" in held.get_values_for_type(x509.DNSName)


def test_keys_are_for_their_owner_alone_and_a_server_can_use_them(tmp_path):
    made = make_certificate(tmp_path / "tls", ["localhost"])
    for key in (tmp_path / "tls").glob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)


def test_phones_would_accept_how_long_it_lasts(tmp_path):
    made = make_certificate(tmp_path / "tls", ["localhost"])
    one = x509.load_pem_x509_certificates(made.chain.read_bytes())[0]
    assert (one.not_valid_after_utc - one.not_valid_before_utc).days < 398


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarkenError, match="cannot keep the certificate"):
        make_certificate(tmp_path / "file" / "tls", ["localhost"])


def test_names_hold_this_machine():
    assert {"localhost", "127.0.0.1"} <= set(host_names())
    assert lan_address() is None or "." in lan_address()
