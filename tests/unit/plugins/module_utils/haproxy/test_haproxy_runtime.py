# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions and orders to HAProxy's processes while reloads replace them, and the lists that its rules look into."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.haproxy.listed import Listed, cookie
from ansible_collections.golive.delivery.plugins.module_utils.haproxy.runtime import (
    DRAIN,
    Runtime,
    RuntimeApiError,
    Server,
)
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.haproxy.fake_haproxy import FakeHaproxy


@pytest.fixture
def haproxy(tmp_path):
    return FakeHaproxy(str(tmp_path / "master.sock"))


@pytest.fixture
def runtime(haproxy, monkeypatch):
    monkeypatch.setattr(Runtime, "patience", 2.0)
    return Runtime(haproxy.path)


def test_the_processes(runtime):
    assert runtime.processes() == (102, [101])


def test_a_process_that_is_not_there_yet_is_waited_for(runtime, haproxy):
    haproxy.current = None
    threading.Timer(0.3, setattr, [haproxy, "current", 103]).start()
    assert runtime.processes() == (103, [101])


def test_a_master_without_a_process_is_named(runtime, haproxy, monkeypatch):
    monkeypatch.setattr(Runtime, "patience", 0.2)
    haproxy.current = None
    with pytest.raises(RuntimeApiError, match="names no process that serves"):
        runtime.processes()


def test_an_order_reaches_the_process_that_took_over_in_the_meantime(runtime, haproxy):
    haproxy.reload_at = "set server"
    runtime.order("set server erp/app1 state drain")
    assert haproxy.orders == [
        "102 set server erp/app1 state drain",
        "103 set server erp/app1 state drain",
        "102 set server erp/app1 state drain",
        "101 set server erp/app1 state drain",
    ]


def test_a_process_that_ended_at_the_reload_answers_no_question(runtime, haproxy):
    haproxy.reload_at = "show stat"
    haproxy.gone.add(102)
    assert "portal" in runtime.backends()


def test_sessions_of_the_process_that_is_replaced_while_they_are_counted(runtime, haproxy):
    haproxy.sessions[102, "erp", "app1"] = 2
    haproxy.reload_at = "show stat"
    assert runtime.sessions("erp", "app1") == 2


def test_sessions_of_a_server_and_of_a_backend(runtime, haproxy):
    haproxy.sessions.update({(102, "erp", "app1"): 1, (101, "erp", "app2"): 2, (101, "portal", "app1"): 4})
    assert [runtime.sessions("erp", "app1"), runtime.sessions("erp"), runtime.sessions("portal")] == [1, 3, 4]
    haproxy.gone.add(101)
    assert runtime.sessions("erp") == 1


def test_a_refused_order_says_why(runtime):
    with pytest.raises(RuntimeApiError, match="refused 'set server erp/app9 state drain': No such server"):
        runtime.order("set server erp/app9 state drain")


def test_what_was_ordered(runtime):
    runtime.order("set server erp/app2 state drain")
    assert runtime.orders() == {("erp", "app1"): 0, ("erp", "app2"): DRAIN, ("portal", "app1"): 0}


@pytest.mark.parametrize(
    ("status", "up"),
    [("UP", True), ("no check", True), ("UP (via erp/app1)", True), ("UP 1/2", False), ("DOWN", False)],
)
def test_who_gets_requests(status, up):
    assert Server("erp", "app1", status, 0, "").up is up


def test_a_list_is_kept_on_disk_and_in_every_process(runtime, haproxy, tmp_path):
    path = str(tmp_path / "list")
    haproxy.lists[path] = []
    listed = Listed(path, runtime)
    assert listed.holds("b") == (False, False)
    for value in ("b", "a", "b"):
        listed.put(value, True)
    assert (haproxy.lists[path], (tmp_path / "list").read_text(encoding="utf-8")) == (["b", "a"], "a\nb\n")
    assert haproxy.orders.count(f"102 add acl {path} b") == 1
    listed.put("b", False)
    assert (haproxy.lists[path], (tmp_path / "list").read_text(encoding="utf-8")) == (["a"], "a\n")


def test_a_list_that_no_rule_looks_into_is_kept_for_the_configuration_that_will(runtime, haproxy, tmp_path):
    listed = Listed(str(tmp_path / "list"), runtime)
    listed.put("a", True)
    assert listed.holds("a") == (True, None)
    assert haproxy.orders == []


def test_two_at_the_same_time_lose_nothing(runtime, haproxy, tmp_path):
    path = str(tmp_path / "list")
    haproxy.lists[path] = []
    values = [f"value{number}" for number in range(8)]
    threads = [threading.Thread(target=Listed(path, runtime).put, args=(value, True)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "list").read_text(encoding="utf-8").split() == values
    assert sorted(haproxy.lists[path]) == values


def test_a_cookie_names_no_server():
    assert cookie("erp", "app1") != cookie("portal", "app1")
    assert len(cookie("erp", "app1")) == 16
    assert "app1" not in cookie("erp", "app1")
