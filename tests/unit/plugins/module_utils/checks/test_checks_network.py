# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tcp, listen and resolve against sockets of this machine."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import network


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_tcp_open(check, serve):
    port = serve(lambda connection: None)
    result = check("tcp", host="127.0.0.1", port=port)
    assert (result["status"], result["observed"]) == ("pass", f"127.0.0.1:{port} is open")
    assert check("tcp", host="127.0.0.1", port=port, open=False)["status"] == "fail"


def test_tcp_closed(check, closed_port):
    result = check("tcp", host="127.0.0.1", port=closed_port)
    assert (result["status"], result["observed"]) == ("fail", "127.0.0.1: connection refused")
    assert check("tcp", host="127.0.0.1", port=closed_port, open=False)["status"] == "pass"


def test_tcp_without_answer_counts_as_closed(check, monkeypatch):
    def filtered(address, timeout):
        raise socket.timeout("timed out")

    monkeypatch.setattr(network.socket, "create_connection", filtered)
    result = check("tcp", host="127.0.0.1", port=9, open=False)
    assert (result["status"], result["observed"]) == ("pass", "127.0.0.1: no answer within 3 s")


@pytest.mark.parametrize("opened", [True, False])
def test_tcp_name_that_does_not_resolve_is_no_proof(check, opened):
    result = check("tcp", host="no-such-host.invalid", port=9, open=opened)
    assert result["status"] == "error"
    assert "no-such-host.invalid does not resolve" in result["observed"]


@pytest.mark.parametrize(
    ("bound", "allowed", "status"),
    [
        ("127.0.0.1", None, "pass"),
        ("127.0.0.1", ["127.0.0.1"], "pass"),
        ("127.0.0.1", ["127.0.0.0/8", "::1"], "pass"),
        ("127.0.0.1", ["192.0.2.1"], "fail"),
        ("0.0.0.0", ["127.0.0.1"], "fail"),
        ("0.0.0.0", ["10.0.0.0/8"], "fail"),
        ("0.0.0.0", ["0.0.0.0"], "pass"),
        ("::ffff:127.0.0.1", ["127.0.0.1"], "pass"),
        ("::1", ["::1"], "pass"),
        ("::", ["0.0.0.0"], "fail"),
        ("::", ["::"], "pass"),
    ],
)
def test_listen(check, bound, allowed, status):
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((bound, 0))
        listener.listen()
        result = check("listen", port=listener.getsockname()[1], addresses=allowed)
    assert result["status"] == status
    assert result["observed"] == f"listens on {bound.replace('::ffff:', '')}"


def test_listen_on_several_addresses_names_the_wrong_one(check):
    with socket.create_server(("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with socket.create_server(("127.0.0.2", port)):
            result = check("listen", port=port, addresses=["127.0.0.1"])
    assert (result["status"], result["evidence"]) == ("fail", "not allowed: 127.0.0.2")


@pytest.mark.parametrize(
    ("bound", "includes", "missing"),
    [
        ("0.0.0.0", ["192.0.2.10"], ""),
        ("0.0.0.0", ["192.0.2.10", "2001:db8::10"], "2001:db8::10"),
        ("::", ["192.0.2.10", "2001:db8::10"], ""),
        ("127.0.0.1", ["127.0.0.1"], ""),
        ("127.0.0.1", ["127.0.0.1", "192.0.2.10"], "192.0.2.10"),
    ],
)
def test_listen_at_these_addresses_at_least(check, bound, includes, missing):
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((bound, 0))
        listener.listen()
        result = check("listen", port=listener.getsockname()[1], includes=includes)
    assert result["status"] == ("fail" if missing else "pass")
    assert result.get("evidence", "") == (f"not taken: {missing}" if missing else "")


def test_listen_a_connection_is_no_listener(check, closed_port):
    result = check("listen", port=closed_port)
    assert (result["status"], result["observed"]) == ("fail", "nothing listens")


def test_listen_without_ipv6(check, monkeypatch):
    monkeypatch.setattr(network, "_PROC_FILES", ("/proc/net/tcp", "/proc/net/no-such-file"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert check("listen", port=listener.getsockname()[1])["status"] == "pass"


def test_resolve(check):
    assert check("resolve", name="localhost")["status"] == "pass"
    assert check("resolve", name="localhost", addresses=["127.0.0.0/8", "::1"])["status"] == "pass"
    assert check("resolve", name="127.0.0.1", addresses=["192.0.2.1"])["status"] == "fail"
    assert check("resolve", name="no-such-host.invalid")["status"] in ("fail", "error")
