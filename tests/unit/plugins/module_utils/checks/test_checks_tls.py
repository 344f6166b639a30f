# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tls_certificate, tls_protocol and tls_key_match against servers with certificates of a CA made here."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

# Old versions are what these tests are about.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
V1, V2, V3 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(params=["port", "path"])
def source(request, serve_tls):
    """Give the parameters for a certificate on a port or in a file: the same answers are expected."""

    def parameters(pair):
        return {"path": pair[0]} if request.param == "path" else {"host": "127.0.0.1", "port": serve_tls(pair)}

    return parameters


def test_certificate_is_good(check, source, authority, leaf):
    result = check("tls_certificate", **source(leaf), names=["app.test", "127.0.0.1"], ca_path=authority.ca)
    assert result["status"] == "pass"
    assert "days left" in result["observed"]
    assert "leaf" in result["evidence"]
    assert "Test CA" in result["evidence"]


def test_certificate_with_ca_directory(check, source, authority, leaf, tmp_path):
    # openssl and Python look a CA up by its hash here; an empty directory trusts nobody.
    result = check("tls_certificate", **source(leaf), ca_path=str(tmp_path))
    assert result["status"] == "fail"


def test_certificate_for_another_name(check, source, authority, leaf):
    result = check("tls_certificate", **source(leaf), names=["app.test", "other.test"], ca_path=authority.ca)
    assert result["status"] == "fail"
    assert "mismatch" in result["observed"].lower()


@pytest.mark.parametrize("other", [True, False])
def test_certificate_of_an_unknown_ca(check, source, authority, leaf, other):
    parameters = {"ca_path": authority.stranger().ca} if other else {}
    result = check("tls_certificate", **source(leaf), **parameters)
    assert result["status"] == "fail"
    assert "certificate not accepted" in result["observed"]


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ((20, {}), "warn"),
        ((3, {}), "fail"),
        ((3, {"warn_days": 2, "fail_days": 1}), "pass"),
        ((400, {"warn_days": 500}), "warn"),
    ],
)
def test_certificate_that_ends(check, source, authority, case, status):
    days, parameters = case
    pair = authority.issue(f"days{days}", days)
    result = check("tls_certificate", **source(pair), ca_path=authority.ca, names=["app.test"], **parameters)
    assert result["status"] == status
    assert f"{days - 0.1:.1f} days left" in result["observed"] or f"{days:.1f} days left" in result["observed"]


def test_certificate_in_a_chain_that_ends_first(check, authority, leaf, tmp_path):
    chain = tmp_path / "chain.pem"
    soon = Path(authority.issue("soon", 2)[0])
    chain.write_bytes(Path(leaf[0]).read_bytes() + soon.read_bytes())
    result = check("tls_certificate", path=str(chain), ca_path=authority.ca)
    assert result["status"] == "fail"
    assert "days left" in result["observed"]


def test_certificate_file_that_is_none(check, tmp_path):
    assert check("tls_certificate", path=str(tmp_path / "none.pem"))["observed"].endswith("no such file or directory")
    (tmp_path / "none.pem").write_text("nothing", encoding="utf-8")
    assert check("tls_certificate", path=str(tmp_path / "none.pem"))["status"] == "fail"


def greet_as_postgresql(answer: bytes):
    def greet(connection):
        assert connection.recv(8) == bytes.fromhex("0000000804d2162f")
        connection.sendall(answer)

    return greet


def test_starttls_of_postgresql(check, serve_tls, authority, leaf):
    port = serve_tls(leaf, greet=greet_as_postgresql(b"S"))
    parameters = {"host": "127.0.0.1", "port": port, "starttls": "postgresql"}
    assert check("tls_certificate", **parameters, ca_path=authority.ca)["status"] == "pass"
    assert check("tls_protocol", **parameters)["status"] == "pass"


def test_starttls_declined_is_an_error(check, serve_tls, leaf):
    port = serve_tls(leaf, greet=greet_as_postgresql(b"N"))
    result = check("tls_protocol", host="127.0.0.1", port=port, starttls="postgresql")
    assert (result["status"], result["observed"]) == ("error", "the server does not offer TLS (it answered b'N')")


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (((V2, V3), {}), ("pass", "TLSv1.2 accepted; TLSv1 refused; TLSv1.1 refused")),
        (((V1, V3), {}), ("fail", "TLSv1.2 accepted; TLSv1 accepted; TLSv1.1 accepted")),
        (((V3, V3), {}), ("fail", "TLSv1.2 refused; TLSv1 refused; TLSv1.1 refused")),
        (((V2, V2), {"required": ["TLSv1.3"]}), ("fail", "TLSv1.3 refused; TLSv1 refused; TLSv1.1 refused")),
        (((V3, V3), {"required": ["TLSv1.3"], "refused": ["TLSv1.2"]}), ("pass", "TLSv1.3 accepted; TLSv1.2 refused")),
    ],
)
def test_protocol(check, serve_tls, leaf, case, verdict):
    versions, parameters = case
    port = serve_tls(leaf, *versions)
    result = check("tls_protocol", host="127.0.0.1", port=port, **parameters)
    assert (result["status"], result["observed"]) == verdict


def test_protocol_with_client_certificates(check, serve_tls, authority, leaf):
    port = serve_tls(leaf, V2, V2, client_ca=authority.ca)
    result = check("tls_protocol", host="127.0.0.1", port=port)
    assert result["status"] == "pass"
    assert "TLSv1.2: chosen by the server, then" in result["evidence"]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_protocol_port_without_tls_proves_nothing(check, serve, answer):
    def talk(connection):
        connection.recv(4096)
        connection.sendall(answer)

    result = check("tls_protocol", host="127.0.0.1", port=serve(talk))
    assert result["status"] == "error"
    assert "takes no TLS at all" in result["observed"]


def test_protocol_that_this_host_cannot_offer_is_an_error(check, serve_tls, leaf, monkeypatch):
    port, set_ciphers = serve_tls(leaf), ssl.SSLContext.set_ciphers
    # As the policy of a strict distribution does.
    monkeypatch.setattr(ssl.SSLContext, "set_ciphers", lambda tls, text: set_ciphers(tls, "ALL:@SECLEVEL=4"))
    result = check("tls_protocol", host="127.0.0.1", port=port, required=["TLSv1.3"])
    assert result["status"] == "error"
    assert "the OpenSSL of this host cannot offer TLSv1" in result["observed"]


def test_key_match(check, authority, leaf, tmp_path):
    other = authority.issue("other")
    certificate, key = leaf
    assert check("tls_key_match", certificate=certificate, private_key=key)["status"] == "pass"
    assert check("tls_key_match", certificate=certificate, private_key=other[1])["status"] == "fail"
    missing = check("tls_key_match", certificate=certificate, private_key=str(tmp_path / "none"))
    assert missing["status"] == "error"
    assert check("tls_key_match", certificate=certificate, private_key=certificate)["status"] == "error"
