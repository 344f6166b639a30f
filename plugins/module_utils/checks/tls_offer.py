# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offer certain TLS versions to a server and see whether it takes them.

The handshake runs in memory, so that what this host sends and what the server answers can be told apart: an OpenSSL
that does not speak an old version itself must not look like a server that refuses it.
"""

from __future__ import annotations

import socket
import ssl
from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError
from ansible_collections.golive.delivery.plugins.module_utils.checks.sockets import connect, reason, start_tls

_VERSIONS = {
    "TLSv1": (ssl.TLSVersion.TLSv1, b"\x03\x01"),
    "TLSv1.1": (ssl.TLSVersion.TLSv1_1, b"\x03\x02"),
    "TLSv1.2": (ssl.TLSVersion.TLSv1_2, b"\x03\x03"),
    "TLSv1.3": (ssl.TLSVersion.TLSv1_3, b""),  # says 3.3 on the wire, for old middleboxes
}
PROTOCOLS = tuple(_VERSIONS)  # the oldest first
_RECORD_ALERT = b"\x15"
_RECORD_HANDSHAKE = b"\x16"
_SERVER_HELLO = b"\x02"
_ALERTS = {40: "handshake failure", 70: "protocol version", 71: "insufficient security", 80: "internal error"}


def offer(parameters: SimpleNamespace, versions: tuple[str, str], context: Context) -> tuple[bool, str]:
    """Return whether the server takes a version from the first to the last one, and how it answered.

    Raises CheckError when the server cannot be reached, or when the OpenSSL of this host cannot make the offer.
    """
    session, incoming, outgoing = _client(parameters.host, versions)
    wire = _VERSIONS[versions[0]][1] if versions[0] == versions[1] else b""
    received = b""
    try:
        with connect(parameters.host, parameters.port, context) as connection:
            start_tls(connection, parameters.starttls)
            while True:
                try:
                    session.do_handshake()
                    return True, f"handshake with {session.version()}"
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                except ssl.SSLError as exc:
                    if not received:
                        raise CheckError(f"the OpenSSL of this host cannot offer {versions[0]}: {reason(exc)}") from exc
                    return _answer(received, wire, reason(exc))
                connection.settimeout(context.remaining())
                data = _receive(connection)
                if not data:
                    return _answer(received, wire, "connection closed by the server")
                received += data
                incoming.write(data)
    except socket.timeout:
        raise context.expired() from None
    except OSError as exc:
        raise CheckError(f"{parameters.host}:{parameters.port}: {reason(exc)}") from exc


def _client(host: str, versions: tuple[str, str]) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent over this session: who the server is, is what tls_certificate verifies.
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    try:
        tls.set_ciphers("ALL:@SECLEVEL=0")  # above level 0 OpenSSL 3 cannot sign for TLS 1.0 and 1.1
        tls.minimum_version = _VERSIONS[versions[0]][0]
        tls.maximum_version = _VERSIONS[versions[1]][0]
    except (ValueError, ssl.SSLError) as exc:
        raise CheckError(f"the OpenSSL of this host cannot offer {versions[0]}: {reason(exc)}") from exc
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    return tls.wrap_bio(incoming, outgoing, server_hostname=host), incoming, outgoing


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(16384)
    except (ConnectionResetError, BrokenPipeError):
        return b""


def _answer(received: bytes, wire: bytes, how: str) -> tuple[bool, str]:
    """Judge a handshake that did not end well by the first record that the server sent."""
    # A record: type, version (2 bytes), length (2). An alert: level, code. A hello: type, length (3), version (2).
    if received[:1] == _RECORD_ALERT:
        code = int.from_bytes(received[6:7], "big")
        return False, f"alert {code} ({_ALERTS.get(code, 'another reason')})"
    if wire and received[:1] == _RECORD_HANDSHAKE and received[5:6] == _SERVER_HELLO and received[9:11] == wire:
        # It chose the version and failed later, for example for want of a client certificate.
        return True, f"chosen by the server, then: {how}"
    return False, how
