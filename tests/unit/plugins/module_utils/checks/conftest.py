# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the check families share: a check run by the engine, fake programs, a CA, servers on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import threading

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import definition, engine


def raw_check(kind: str, parameters: dict, /, **fields) -> dict:
    """Return a definition as a role writes it."""
    return {
        "id": "demo.check",
        "title": {"en": "A check", "zh": "检查"},
        "area": "deployment",
        "severity": "P0",
        "type": kind,
        "timeout": 5,
        "parameters": parameters,
        **fields,
    }


@pytest.fixture(name="raw")
def _raw():
    return raw_check


@pytest.fixture
def check():
    """Run one check through the engine and return its result."""

    def run(kind: str, fields: dict | None = None, /, **parameters) -> dict:
        definitions = definition.load([raw_check(kind, parameters, **(fields or {}))], {}, "demo")
        return engine.run(definitions)[0]

    return run


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a shell script with this name in front of PATH."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")

    def create(name: str, script: str) -> None:
        path = directory / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    return create


class Authority:
    """A CA made by openssl in a directory."""

    def __init__(self, directory) -> None:
        self.directory = directory
        self.ca = str(directory / "ca.pem")
        self._openssl("ca", "/CN=Test CA", 3650, ["-addext", "keyUsage=critical,keyCertSign,cRLSign"], signed=False)

    def issue(self, name: str = "leaf", days: int = 365, names: str = "DNS:app.test,DNS:localhost,IP:127.0.0.1"):
        """Return the paths of a certificate and its key."""
        extensions = ["-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"]
        self._openssl(name, f"/CN={name}", days, extensions, signed=True)
        return str(self.directory / f"{name}.pem"), str(self.directory / f"{name}.key")

    def stranger(self):
        """Return another CA."""
        directory = self.directory / "stranger"
        directory.mkdir(exist_ok=True)
        return Authority(directory)

    def _openssl(self, name: str, subject: str, days: int, extensions: list[str], signed: bool) -> None:
        argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        argv += ["-subj", subject, "-days", str(days), "-out", f"{name}.pem", "-keyout", f"{name}.key", *extensions]
        if signed:
            argv += ["-CA", "ca.pem", "-CAkey", "ca.key"]
        subprocess.run(argv, cwd=self.directory, check=True, capture_output=True)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def leaf(authority):
    return authority.issue()


@pytest.fixture
def serve():
    """Listen on a free port of 127.0.0.1 and give each connection to a function; return the port."""
    with contextlib.ExitStack() as stack:

        def start(talk) -> int:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept() -> None:
                while True:
                    try:
                        connection = listener.accept()[0]
                    except OSError:
                        return
                    with connection, contextlib.suppress(OSError):
                        talk(connection)

            threading.Thread(target=accept, daemon=True).start()
            return listener.getsockname()[1]

        yield start


@pytest.fixture
def serve_tls(serve):
    """Serve TLS with a certificate and a key, and nothing else; return the port."""

    def start(pair, minimum=ssl.TLSVersion.TLSv1_2, maximum=ssl.TLSVersion.TLSv1_3, greet=None, client_ca=None) -> int:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.set_ciphers("ALL:@SECLEVEL=0")
        tls.load_cert_chain(*pair)
        tls.minimum_version, tls.maximum_version = minimum, maximum
        if client_ca:
            tls.verify_mode = ssl.CERT_REQUIRED
            tls.load_verify_locations(client_ca)

        def talk(connection: socket.socket) -> None:
            if greet:
                greet(connection)
            with tls.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.recv(1)

        return serve(talk)

    return start
