# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When HAProxy is told the responder's answer, when it has to reload, and when neither helps."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess

import pytest

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "roles" / "haproxy" / "files" / "haproxy_ocsp.py"
_spec = importlib.util.spec_from_file_location("haproxy_ocsp", PROGRAM)
assert _spec and _spec.loader
haproxy_ocsp = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(haproxy_ocsp)

BLOCK = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
UNKNOWN = "OCSP single response: Certificate ID does not match any certificate or issuer."


@pytest.fixture(name="host")
def _host(monkeypatch, tmp_path):
    """Return a host where the responder says good; `said` is HAProxy's word, `reload` what becomes of a reload."""
    (tmp_path / "erp.pem").write_text(BLOCK * 2, encoding="ascii")
    (tmp_path / "loaded").touch()
    found = {"said": "OCSP Response updated!", "reload": 0, "done": [], "path": str(tmp_path / "erp.pem")}
    found["answer"] = tmp_path / "erp.pem.ocsp"
    monkeypatch.setattr(haproxy_ocsp, "LOADED", str(tmp_path / "loaded"))

    def openssl(*arguments):
        if arguments[0] == "x509":
            return "http://responder.example.test\n"
        pathlib.Path(arguments[arguments.index("-respout") + 1]).write_bytes(b"fresh")
        return f"{arguments[arguments.index('-cert') + 1]}: good\n"

    def run(command, check):
        found["done"].append("reload")
        return subprocess.run(["/bin/sh", "-c", f"exit {found['reload']}"], check=check)

    def tell(response):
        found["done"].append(f"tell {response.decode()}")
        return found["said"]

    class Processes:
        """The module subprocess, with another run()."""

        SubprocessError = subprocess.SubprocessError

    Processes.run = staticmethod(run)
    monkeypatch.setattr(haproxy_ocsp, "openssl", openssl)
    monkeypatch.setattr(haproxy_ocsp, "tell_haproxy", tell)
    monkeypatch.setattr(haproxy_ocsp, "subprocess", Processes)
    return found


def staple(host, tmp_path):
    haproxy_ocsp.staple(host["path"], str(tmp_path))
    return host["done"], host["answer"].read_bytes()


def test_one_that_is_known_is_told_although_the_file_is_the_same(host, tmp_path):
    host["answer"].write_bytes(b"fresh")
    assert staple(host, tmp_path) == (["tell fresh"], b"fresh")


def test_the_first_answer_needs_a_reload(host, tmp_path):
    host["said"] = UNKNOWN
    assert staple(host, tmp_path) == (["tell fresh", "reload"], b"fresh")


def test_a_file_that_haproxy_has_not_read_yet_needs_one_too(host, tmp_path):
    host["said"] = UNKNOWN
    host["answer"].write_bytes(b"kept")
    os.utime(tmp_path / "loaded", (1000, 1000))
    assert staple(host, tmp_path) == (["tell fresh", "reload"], b"fresh")


def test_an_answer_of_the_certificate_before_was_none(host, tmp_path):
    host["said"] = UNKNOWN
    host["answer"].write_bytes(b"kept")
    os.utime(host["answer"], (1000, 1000))
    assert staple(host, tmp_path) == (["tell fresh", "reload"], b"fresh")


def test_where_a_reload_did_not_help_none_follows(host, tmp_path):
    host["said"] = UNKNOWN
    host["answer"].write_bytes(b"kept")
    for path in (host["path"], host["answer"]):
        os.utime(path, (1000, 1000))
    with pytest.raises(haproxy_ocsp.StaplingError, match="did not take the answer: OCSP single response"):
        staple(host, tmp_path)
    assert host["done"] == ["tell fresh"]


def test_a_reload_that_fails_leaves_no_file(host, tmp_path):
    host.update(said=UNKNOWN, reload=1)
    with pytest.raises(subprocess.SubprocessError):
        staple(host, tmp_path)
    assert not host["answer"].exists()


def test_an_answer_that_haproxy_did_not_hear_is_not_kept(host, tmp_path, monkeypatch):
    def refuse(_response):
        raise ConnectionRefusedError

    monkeypatch.setattr(haproxy_ocsp, "tell_haproxy", refuse)
    with pytest.raises(OSError):
        staple(host, tmp_path)
    assert not host["answer"].exists()
