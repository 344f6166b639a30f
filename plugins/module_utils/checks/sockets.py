# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections for the checks that speak to a port: within the time of the check, and with verified TLS."""

from __future__ import annotations

import os
import socket
import ssl
import struct

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError

_POSTGRESQL_TLS_REQUEST = struct.pack("!ii", 8, 80877103)


def addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a name in the order of the host's resolver; raise CheckError when there are none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        raise CheckError(f"the name {host} does not resolve: {getattr(exc, 'strerror', None) or exc}") from exc
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect(host: str, port: int, context: Context) -> socket.socket:
    """Return a connection whose timeout is the time left; raise CheckError for a name, OSError for a connection."""
    failure = OSError()
    for address in addresses(host, port):
        try:
            return socket.create_connection((address, port), timeout=context.remaining())
        except OSError as exc:
            failure = exc
    raise failure


def client_tls(ca_path: str | None) -> ssl.SSLContext:
    """Return a verifying client: with the certificates of ca_path (file or directory) only, or the system's."""
    if ca_path and not os.path.exists(ca_path):
        raise CheckError(f"ca_path {ca_path} does not exist")
    directory = bool(ca_path) and os.path.isdir(str(ca_path))
    try:
        tls = ssl.create_default_context(cafile=None if directory else ca_path, capath=ca_path if directory else None)
    except (ssl.SSLError, OSError) as exc:
        raise CheckError(f"ca_path {ca_path} cannot be read: {reason(exc)}") from exc
    # The same answer from every Python: 3.13 alone would add the strict rules, which no other client applies.
    tls.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST
    return tls


def start_tls(connection: socket.socket, protocol: str | None) -> None:
    """Ask a server that begins in clear text for TLS; raise CheckError when it declines."""
    if protocol == "postgresql":
        connection.sendall(_POSTGRESQL_TLS_REQUEST)
        answer = connection.recv(1)
        if answer != b"S":
            raise CheckError(f"the server does not offer TLS (it answered {answer!r})")


def reason(exc: BaseException) -> str:
    """Return what went wrong with a connection in a few words."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {exc.verify_message}"
    if isinstance(exc, ssl.SSLError):
        return f"TLS failed: {(exc.reason or str(exc)).replace('_', ' ').lower()}"
    if isinstance(exc, OSError) and exc.errno and exc.errno > 0:
        return os.strerror(exc.errno).lower()
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
