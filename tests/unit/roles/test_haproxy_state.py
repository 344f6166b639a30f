# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state that HAProxy's next process reads: never against the configuration that it starts with."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[3] / "roles" / "haproxy" / "files" / "haproxy_state.py"
_spec = importlib.util.spec_from_file_location("haproxy_state", PROGRAM)
assert _spec and _spec.loader
haproxy_state = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(haproxy_state)

CONFIGURATION = """\
defaults
    server-like line
backend erp
    default-server check inter 1s
    server app1 192.0.2.21:8001 cookie abc
    server app2 192.0.2.22:8000
listen database_primary from database
    server db1 192.0.2.31:5432 check port 8008
frontend statistics
    bind 127.0.0.1:8404
"""
HEAD = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"
TAIL = "1 1 12 6 3 7 6 0 0 0 - {} - 1 8008 192.0.2.9 - 0"


def row(backend: str, server: str, orders: int, port: int) -> str:
    return f"3 {backend} 1 {server} 192.0.2.21 2 {orders} {TAIL.format(port)}\n"


def rewritten(*rows: str, drained: bool = False) -> list[list[str]]:
    ports = haproxy_state.configured_ports(CONFIGURATION)
    lines = haproxy_state.rewrite(HEAD + "".join(rows), ports, drained).splitlines()
    assert lines[0] == "1"
    return [line.split() for line in lines[1:]]


def test_the_ports_of_the_configuration():
    found = haproxy_state.configured_ports(CONFIGURATION)
    assert found == {("erp", "app1"): "8001", ("erp", "app2"): "8000", ("database_primary", "db1"): "5432"}


def test_a_port_that_was_changed_is_taken_and_what_is_no_state_is_left_out():
    (kept,) = rewritten(row("erp", "app1", 8, 8000))
    assert (len(kept), kept[6], kept[18]) == (20, "8", "8001")


def test_a_server_that_is_no_longer_configured_is_left_out():
    assert rewritten(row("erp", "app3", 0, 8000), row("portal", "app1", 0, 8000)) == []


def test_maintenance_and_drain_at_once_would_be_refused():
    assert [kept[6] for kept in rewritten(row("erp", "app1", 9, 8001), row("erp", "app2", 1, 8000))] == ["1", "1"]


def test_for_a_restart_only_what_was_ordered():
    kept = rewritten(row("erp", "app1", 8, 8001), row("erp", "app2", 0, 8000), drained=True)
    assert [line[3] for line in kept] == ["app1"]
