# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A certificate chain and its private key: do they belong together, in the right order, and are they valid now."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    CRYPTOGRAPHY_ERROR = None
except ImportError as error:
    CRYPTOGRAPHY_ERROR = str(error)

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"


def _blocks(pem: str) -> list[bytes]:
    """Return the certificates of a PEM text one by one; load_pem_x509_certificates does not exist everywhere."""
    return [(_BEGIN + part.split(_END, 1)[0] + _END).encode() for part in pem.split(_BEGIN)[1:] if _END in part]


def _subject(certificate: Any) -> str:
    return certificate.subject.rfc4514_string() or "(no subject)"


def _valid(certificate: Any, which: str) -> datetime:
    """Return not_valid_before or not_valid_after with its time zone; older releases of the library have no _utc."""
    aware = getattr(certificate, f"{which}_utc", None)
    return aware or getattr(certificate, which).replace(tzinfo=timezone.utc)


def _public_bytes(public_key: Any) -> bytes:
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _issued_by(certificate: Any, issuer: Any) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    except AttributeError:
        return True  # a library older than 40 cannot verify; the names agree
    return True


def _check_dates(certificate: Any, now: datetime, days: int) -> list[str]:
    starts, ends = _valid(certificate, "not_valid_before"), _valid(certificate, "not_valid_after")
    if ends <= now:
        return [f"{_subject(certificate)} expired on {ends:%Y-%m-%d %H:%M} UTC"]
    if starts > now:
        return [f"{_subject(certificate)} is not valid before {starts:%Y-%m-%d %H:%M} UTC"]
    if ends < now + timedelta(days=days):
        return [f"{_subject(certificate)} expires on {ends:%Y-%m-%d}, expected at least {days} more days"]
    return []


def _check_key(chain: list[Any], private_key: str) -> list[str]:
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except TypeError:
        return ["the private key has a passphrase, expected one without: a service starts unattended"]
    except ValueError:
        return ["the private key cannot be read, expected PEM (PKCS8 or traditional)"]
    except UnsupportedAlgorithm:
        return ["the private key is of a kind that cannot be checked here"]
    ours = _public_bytes(key.public_key())
    matching = [number for number, item in enumerate(chain) if _public_bytes(item.public_key()) == ours]
    if not matching:
        return [f"the private key does not belong to the certificate {_subject(chain[0])}"]
    if matching[0] != 0:
        return [f"the private key belongs to certificate {matching[0] + 1}, expected the leaf to come first"]
    return []


def check_certificate(certificate: str, private_key: str, days: int = 0, now: datetime | None = None) -> list[str]:
    """Return what is wrong with a PEM chain (leaf first) and its PEM private key, without a word of the key.

    ``days`` is how long every certificate has to be valid still.
    """
    if CRYPTOGRAPHY_ERROR:
        return [f"cannot be checked: the Python package cryptography is missing here ({CRYPTOGRAPHY_ERROR})"]
    blocks = _blocks(certificate)
    if not blocks:
        return ["expected a certificate in PEM, given a text without one"]
    chain = []
    for number, block in enumerate(blocks, start=1):
        try:
            chain.append(x509.load_pem_x509_certificate(block))
        except ValueError:
            return [f"certificate {number} cannot be read, expected PEM"]
    now = now or datetime.now(timezone.utc)
    problems = [text for item in chain for text in _check_dates(item, now, days)]
    for number, issuer in enumerate(chain[1:], start=1):
        item = chain[number - 1]
        if not _issued_by(item, issuer):
            problems.append(
                f"certificate {number} ({_subject(item)}) was not issued by certificate {number + 1} "
                f"({_subject(issuer)}), expected leaf, intermediates, root"
            )
    return problems + _check_key(chain, private_key)
