# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of TLS: tls_certificate, tls_protocol, tls_key_match."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
import time
from types import SimpleNamespace
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import (
    WARNED,
    CheckError,
    Outcome,
    Verdict,
    judge,
)
from ansible_collections.golive.delivery.plugins.module_utils.checks.sockets import (
    client_tls,
    connect,
    reason,
    start_tls,
)
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type
from ansible_collections.golive.delivery.plugins.module_utils.checks.tls_offer import PROTOCOLS, offer

_DAY = 86400.0  # seconds
_PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def _source_rule(parameters: SimpleNamespace) -> Problem | None:
    if (parameters.path is None) == (parameters.host is None):
        return Problem("parameters", "expected either path, or host and port")
    if parameters.host is not None and parameters.port is None:
        return Problem("parameters.port", "required with host, expected a port from 1 to 65535")
    if parameters.fail_days > parameters.warn_days:
        return Problem("parameters.fail_days", f"expected at most warn_days ({parameters.warn_days:g})")
    return None


@check_type(
    "tls_certificate",
    Parameter("host", "text"),
    Parameter("port", "port"),
    Parameter("path", "path"),
    Parameter("names", "texts"),
    Parameter("ca_path", "path"),
    Parameter("warn_days", "number", default=30),
    Parameter("fail_days", "number", default=7),
    Parameter("starttls", "text", choices=("postgresql",)),
    rule=_source_rule,
)
def tls_certificate(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Verify chain, names and remaining days of a certificate, on a port or in a file."""
    verdict = Verdict()
    if parameters.path:
        source, names = parameters.path, parameters.names or [None]
        verify = _verify_file
    else:
        source, names = f"{parameters.host}:{parameters.port}", parameters.names or [parameters.host]
        verify = _verify_port
    ends: list[float] = []
    notes: list[str] = []
    for name in names:
        expected = f"{source} has a trusted certificate" + (f" for {name}" if name else "")
        refused, end, note = verify(parameters, name, context)
        if verdict.demand(not refused, expected, refused or "trusted"):
            ends.append(end)
            notes.extend([note] if note not in notes else [])
    if ends:
        days = (min(ends) - time.time()) / _DAY
        observed = f"{days:.1f} days left"
        if verdict.demand(days >= parameters.fail_days, f"at least {parameters.fail_days:g} days left", observed):
            verdict.demand(days >= parameters.warn_days, f"better {parameters.warn_days:g} days", observed, WARNED)
    return verdict.outcome("; ".join(notes))


def _verify_port(parameters: SimpleNamespace, name: str, context: Context) -> tuple[str, float, str]:
    """Return why a client that asks for this name refuses the server (or ""), the end in Unix time, and a note."""
    tls = client_tls(parameters.ca_path)
    try:
        with connect(parameters.host, parameters.port, context) as raw:
            start_tls(raw, parameters.starttls)
            with tls.wrap_socket(raw, server_hostname=name) as connection:
                certificate: dict[str, Any] = connection.getpeercert() or {}
    except socket.timeout:
        raise context.expired() from None
    except OSError as exc:
        return reason(exc), 0.0, ""
    subject, issuer = _name(certificate.get("subject")), _name(certificate.get("issuer"))
    names = ", ".join(value for unused, value in certificate.get("subjectAltName", ()))
    note = f"subject {subject}, names {names}, issuer {issuer}, ends {certificate['notAfter']}"
    return "", ssl.cert_time_to_seconds(certificate["notAfter"]), note


def _name(parts: Any) -> str:
    return ", ".join(f"{key}={value}" for part in parts or () for key, value in part) or "none"


def _verify_file(parameters: SimpleNamespace, name: str | None, context: Context) -> tuple[str, float, str]:
    """The same for a file with a certificate and its chain; the first end of all of them counts."""
    path, ca_path = parameters.path, parameters.ca_path
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            certificates = _PEM.findall(file.read())
    except OSError as exc:
        return f"cannot be read: {reason(exc)}", 0.0, ""
    if not certificates:
        return "holds no PEM certificate", 0.0, ""
    client_tls(ca_path)  # openssl verify would take a bad path for an empty one
    argv = ["openssl", "verify", "-purpose", "sslserver", "-untrusted", path]
    environment = {}
    if ca_path:
        # -CAfile would trust the system's certificates as well; these variables replace them.
        directory = os.path.isdir(ca_path)
        environment = {
            "SSL_CERT_FILE": "/dev/null" if directory else ca_path,
            "SSL_CERT_DIR": ca_path if directory else "/dev/null",
        }
    if name:
        argv += ["-verify_ip" if _is_address(name) else "-verify_hostname", name]
    done = context.run([*argv, path], environment)
    if done.rc != 0:
        found = re.search(r"depth lookup: *(.+)", done.output) or re.search(r"[Ee]rror:? *(.+)", done.output)
        return f"certificate not accepted: {found.group(1) if found else done.output[:200]}", 0.0, ""
    ends, note = [], ""
    for certificate in certificates:
        told = context.run(["openssl", "x509", "-noout", "-enddate", "-subject", "-issuer"], stdin=certificate)
        end = re.search("^notAfter=(.+)$", told.stdout, re.MULTILINE)
        if told.rc != 0 or not end:
            raise CheckError(f"openssl cannot read a certificate of {path}: {told.output[:200]}")
        ends.append(ssl.cert_time_to_seconds(end.group(1)))
        note = note or "; ".join(told.stdout.split("\n")).strip("; ")
    return "", min(ends), note


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@check_type(
    "tls_protocol",
    Parameter("host", "text", required=True),
    Parameter("port", "port", required=True),
    Parameter("refused", "texts", default=["TLSv1", "TLSv1.1"], choices=PROTOCOLS),
    Parameter("required", "texts", default=["TLSv1.2"], choices=PROTOCOLS),
    Parameter("starttls", "text", choices=("postgresql",)),
)
def tls_protocol(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Offer one TLS version at a time and compare which ones the server takes."""
    verdict = Verdict()
    notes, spoken = [], False
    for name in [*parameters.required, *parameters.refused]:
        accepted, how = offer(parameters, (name, name), context)
        spoken = spoken or accepted
        notes.append(f"{name}: {how}")
        if name in parameters.required:
            verdict.demand(accepted, f"{name} accepted", f"{name} {'accepted' if accepted else 'refused'}")
        if name in parameters.refused:
            verdict.demand(not accepted, f"{name} refused", f"{name} {'accepted' if accepted else 'refused'}")
    if not spoken:
        # A port that speaks no TLS at all refuses everything, which proves nothing.
        accepted, how = offer(parameters, (PROTOCOLS[0], PROTOCOLS[-1]), context)
        if not accepted:
            raise CheckError(f"{parameters.host}:{parameters.port} takes no TLS at all: {how}")
    return verdict.outcome("; ".join(notes))


@check_type(
    "tls_key_match",
    Parameter("certificate", "path", required=True),
    Parameter("private_key", "path", required=True),
)
def tls_key_match(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare whether a private key belongs to a certificate."""
    expected = f"{parameters.private_key} belongs to {parameters.certificate}"
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.set_ciphers("ALL:@SECLEVEL=0")  # whether a key is long enough is another question
    for path in (parameters.certificate, parameters.private_key):
        try:
            with open(path, "rb"):
                pass
        except OSError as exc:
            raise CheckError(f"{path} cannot be read: {reason(exc)}") from exc
    try:
        # Without a password function an encrypted key would ask at the terminal.
        tls.load_cert_chain(parameters.certificate, parameters.private_key, password=lambda: "")
    except ssl.SSLError as exc:
        if exc.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
            return judge(False, expected, "the key belongs to another certificate")
        raise CheckError(f"certificate or key cannot be loaded: {reason(exc)}") from exc
    return judge(True, expected, "the key belongs to the certificate")
