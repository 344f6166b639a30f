# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.inventory import certificates
from ansible_collections.golive.delivery.plugins.module_utils.inventory.certificates import check_certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)


class Authority:
    """A key with its certificate, issued by another one or by itself."""

    def __init__(self, name: str, issuer: Authority | None = None, days: tuple[int, int] = (-1, 90)) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signer = issuer or self
        builder = x509.CertificateBuilder().subject_name(self.name).issuer_name(signer.name)
        builder = builder.public_key(self.key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(NOW + timedelta(days[0])).not_valid_after(NOW + timedelta(days[1]))
        self.pem = builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def key_pem(self, encryption: Any = None) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            encryption or serialization.NoEncryption(),
        ).decode()


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority("root")


@pytest.fixture(scope="module")
def middle(root: Authority) -> Authority:
    return Authority("middle", root)


@pytest.fixture(scope="module")
def leaf(middle: Authority) -> Authority:
    return Authority("www", middle)


def check(certificate: str, key: str, days: int = 0) -> list[str]:
    return check_certificate(certificate, key, days, NOW)


def test_good_chain(leaf: Authority, middle: Authority, root: Authority) -> None:
    assert check(leaf.pem + middle.pem + root.pem, leaf.key_pem()) == []
    assert check("a comment\n" + leaf.pem, leaf.key_pem()) == []


def test_wrong_key(leaf: Authority, root: Authority) -> None:
    assert check(leaf.pem, root.key_pem()) == ["the private key does not belong to the certificate CN=www"]


def test_wrong_order(leaf: Authority, middle: Authority) -> None:
    problems = check(middle.pem + leaf.pem, leaf.key_pem())
    assert problems[0].startswith("certificate 1 (CN=middle) was not issued by certificate 2 (CN=www)")
    assert problems[1] == "the private key belongs to certificate 2, expected the leaf to come first"


def test_forged_issuer(leaf: Authority) -> None:
    """An issuer of the right name whose key did not sign."""
    assert "was not issued by" in check(leaf.pem + Authority("middle").pem, leaf.key_pem())[0]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((-9, -1), "CN=www expired on 2026-05-31 00:00 UTC"),
        ((1, 9), "CN=www is not valid before 2026-06-02 00:00 UTC"),
        ((-1, 9), "CN=www expires on 2026-06-10, expected at least 30 more days"),
    ],
)
def test_dates(days: tuple[int, int], expected: str) -> None:
    old = Authority("www", days=days)
    assert check(old.pem, old.key_pem(), 30) == [expected]


def test_key_with_passphrase(leaf: Authority) -> None:
    key = leaf.key_pem(serialization.BestAvailableEncryption(b"hunter2"))
    assert "passphrase" in check(leaf.pem, key)[0]


def test_garbage(leaf: Authority) -> None:
    assert check("hello", leaf.key_pem()) == ["expected a certificate in PEM, given a text without one"]
    broken = leaf.pem.replace("MI", "XX", 1)
    assert check(broken, leaf.key_pem()) == ["certificate 1 cannot be read, expected PEM"]
    assert check(leaf.pem, "hunter2") == ["the private key cannot be read, expected PEM (PKCS8 or traditional)"]


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "CRYPTOGRAPHY_ERROR", "No module named 'cryptography'")
    assert "cryptography is missing" in check("x", "y")[0]
