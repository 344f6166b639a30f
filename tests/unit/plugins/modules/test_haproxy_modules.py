# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""haproxy_server and haproxy_maintenance against an HAProxy in memory, which has a process left over from a reload."""

from __future__ import annotations

import json
import threading
import time

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.golive.delivery.plugins.module_utils.haproxy.listed import cookie
from ansible_collections.golive.delivery.plugins.module_utils.haproxy.runtime import Runtime, RuntimeApiError
from ansible_collections.golive.delivery.plugins.modules import haproxy_maintenance, haproxy_server
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.haproxy.fake_haproxy import FakeHaproxy

APP1 = {"server": "app1", "backend": "erp", "timeout": 0.1}


@pytest.fixture
def haproxy(tmp_path):
    return FakeHaproxy(str(tmp_path / "master.sock"))


@pytest.fixture
def run(haproxy, tmp_path, capsys):
    def run_module(module, **parameters):
        name = "drained_list" if module is haproxy_server else "maintenance_list"
        fixed = {"socket": haproxy.path, name: str(tmp_path / "list")}
        with patch_module_args({**fixed, **parameters}), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return run_module


def test_drain_tells_all_processes_and_the_list(run, haproxy, tmp_path):
    haproxy.lists[str(tmp_path / "list")] = []
    result = run(haproxy_server, **APP1, state="drain")
    assert (result["changed"], result["sessions"]) == (True, 0)
    assert result["servers"] == [
        {"backend": "erp", "server": "app1", "old": "ready", "new": "drain", "up": True, "others_up": 1}
    ]
    orders = [order for order in haproxy.orders if "state drain" in order]
    assert orders == ["102 set server erp/app1 state drain", "101 set server erp/app1 state drain"]
    assert haproxy.lists[str(tmp_path / "list")] == [cookie("erp", "app1")]
    assert (tmp_path / "list").read_text(encoding="utf-8").split() == [cookie("erp", "app1")]
    again = run(haproxy_server, **APP1, state="drain")
    assert (again["changed"], again["servers"][0]["old"]) == (False, "drain")


def test_a_session_of_the_process_before_the_reload_counts(run, haproxy):
    haproxy.sessions[101, "erp", "app1"] = 2
    result = run(haproxy_server, **APP1, state="drain")
    assert (result.get("failed", False), result["sessions"]) == (False, 2)


def test_drain_ends_when_the_last_session_does(run, haproxy):
    haproxy.sessions[101, "erp", "app1"] = 1
    threading.Timer(0.5, haproxy.gone.add, [101]).start()
    result = run(haproxy_server, **{**APP1, "timeout": 10}, state="drain")
    assert result["sessions"] == 0
    assert 0.4 < result["seconds"] < 5


def test_an_order_that_a_reload_forgot_is_given_again(run, haproxy):
    haproxy.sessions[101, "erp", "app1"] = 1
    threading.Timer(0.3, haproxy.states.clear).start()
    threading.Timer(1, haproxy.gone.add, [101]).start()
    result = run(haproxy_server, **{**APP1, "timeout": 10}, state="drain")
    assert (result["sessions"], haproxy.state("erp", "app1")) == (0, "drain")


def test_check_mode_predicts_and_changes_nothing(run, haproxy, tmp_path):
    result = run(haproxy_server, **APP1, state="drain", _ansible_check_mode=True)
    assert (result["changed"], haproxy.orders, (tmp_path / "list").exists()) == (True, [], False)


def test_every_http_backend_that_has_the_server(run, haproxy):
    result = run(haproxy_server, server="app1", state="drain", timeout=0.1)
    assert [(row["backend"], row["others_up"]) for row in result["servers"]] == [("erp", 1), ("portal", 0)]
    assert not [order for order in haproxy.orders if "database" in order]


def test_ready_takes_it_off_the_list_and_waits_until_it_is_up(run, haproxy, tmp_path):
    haproxy.lists[str(tmp_path / "list")] = []
    run(haproxy_server, **APP1, state="drain")
    result = run(haproxy_server, **APP1, state="ready")
    assert (result["changed"], haproxy.state("erp", "app1")) == (True, "ready")
    assert haproxy.lists[str(tmp_path / "list")] == []
    assert (tmp_path / "list").read_text(encoding="utf-8") == ""
    assert run(haproxy_server, **APP1, state="ready")["changed"] is False


def test_ready_but_not_up_fails_with_what_its_check_said(run, haproxy):
    haproxy.down.add(("erp", "app1"))
    result = run(haproxy_server, **APP1, state="ready")
    assert result["msg"] == "not UP within 0.1 s: erp/app1 is DOWN (its check: L7STS 503 Service Unavailable)"


def test_a_server_that_is_gone_is_not_up(run, haproxy):
    threading.Timer(0.3, haproxy.servers.remove, [("erp", "app1")]).start()
    haproxy.down.add(("erp", "app1"))
    result = run(haproxy_server, **{**APP1, "timeout": 1}, state="ready")
    assert result["msg"] == "not UP within 1 s: erp/app1 is no longer there"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"server": "app3"}, "no HTTP backend has a server app3; servers: erp/app1, erp/app2, portal/app1"),
        ({"server": "app2", "backend": "portal"}, "backend portal has no server app2; servers: "),
    ],
)
def test_unknown_names_are_refused_with_those_that_exist(run, haproxy, parameters, message):
    assert message in run(haproxy_server, state="drain", **parameters)["msg"]


def test_nobody_answers(run, tmp_path, monkeypatch):
    monkeypatch.setattr(Runtime, "patience", 0.2)
    result = run(haproxy_server, **APP1, state="drain", socket=str(tmp_path / "none.sock"))
    assert "HAProxy does not answer on" in result["msg"]


def test_maintenance_on_and_off(run, haproxy, tmp_path):
    path = str(tmp_path / "list")
    haproxy.lists[path] = []
    assert run(haproxy_maintenance, backend="erp", state="on", _ansible_check_mode=True)["changed"] is True
    assert haproxy.orders == []
    result = run(haproxy_maintenance, backend="erp", state="on", timeout=0.1)
    assert (result["changed"], result["old"], result["sessions"]) == (True, "off", 0)
    assert haproxy.orders == [f"102 add acl {path} erp", f"101 add acl {path} erp"]
    assert (tmp_path / "list").read_text(encoding="utf-8") == "erp\n"
    assert run(haproxy_maintenance, backend="erp", state="on")["changed"] is False
    assert run(haproxy_maintenance, backend="erp", state="off")["old"] == "on"
    assert (haproxy.lists[path], (tmp_path / "list").read_text(encoding="utf-8")) == ([], "")


def test_maintenance_says_how_many_requests_are_left(run, haproxy, tmp_path):
    haproxy.lists[str(tmp_path / "list")] = []
    haproxy.sessions[102, "erp", "app2"] = 3
    assert run(haproxy_maintenance, backend="erp", state="on", timeout=0.1)["sessions"] == 3


def test_maintenance_of_an_unknown_backend_or_configuration(run, haproxy):
    assert (
        run(haproxy_maintenance, backend="erq", state="on")["msg"] == "there is no backend erq; backends: erp, portal"
    )
    assert "converge the role first" in run(haproxy_maintenance, backend="erp", state="on")["msg"]


def test_what_a_restart_needs_is_kept_also_for_a_run_that_was_killed_before_it(run, tmp_path):
    program = tmp_path / "save"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/saved\n', encoding="utf-8")
    program.chmod(0o755)
    parameters = {**APP1, "save_program": str(program)}
    for state in ("drain", "drain", "ready", "ready"):
        run(haproxy_server, **parameters, state=state)
        run(haproxy_server, **parameters, state=state, _ansible_check_mode=True)
    assert (tmp_path / "saved").read_text(encoding="utf-8").splitlines() == ["--drained --patient"] * 4


def test_what_a_restart_needs_could_not_be_kept(run, tmp_path):
    program = tmp_path / "save"
    program.write_text("#!/bin/sh\necho no space left >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    result = run(haproxy_server, **APP1, state="drain", save_program=str(program))
    assert (result["failed"], "no space left" in result["msg"]) == (True, True)


def test_check_mode_of_ready_waits_for_nothing(run, haproxy):
    haproxy.states["erp", "app1"] = "drain"
    haproxy.down.add(("erp", "app1"))
    result = run(haproxy_server, **{**APP1, "timeout": 30}, state="ready", _ansible_check_mode=True)
    assert (result["changed"], haproxy.orders, result["seconds"] < 5) == (True, [], True)


def test_sticky_users_leave_before_the_server_closes_and_come_back_after_it_opened(run, haproxy, tmp_path):
    path = str(tmp_path / "list")
    haproxy.lists[path] = []
    run(haproxy_server, **APP1, state="drain")
    run(haproxy_server, **APP1, state="ready")
    value = cookie("erp", "app1")
    assert [order for order in haproxy.orders if order.startswith("102 ")] == [
        f"102 add acl {path} {value}",
        "102 set server erp/app1 state drain",
        "102 set server erp/app1 state ready",
        f"102 del acl {path} {value}",
    ]


def test_a_list_that_lost_the_server_is_mended(run, haproxy, tmp_path):
    path = str(tmp_path / "list")
    haproxy.lists[path] = []
    haproxy.states["erp", "app1"] = "drain"
    assert run(haproxy_server, **APP1, state="drain")["changed"] is True
    assert haproxy.lists[path] == [cookie("erp", "app1")]
    haproxy.states["erp", "app1"] = "ready"
    assert run(haproxy_server, **APP1, state="ready")["changed"] is True
    assert haproxy.lists[path] == []


def test_maintenance_waits_for_the_requests_that_came_before(run, haproxy, tmp_path):
    haproxy.lists[str(tmp_path / "list")] = []
    haproxy.sessions[101, "erp", "app2"] = 1
    threading.Timer(0.5, haproxy.gone.add, [101]).start()
    result = run(haproxy_maintenance, backend="erp", state="on", timeout=10)
    assert result["sessions"] == 0
    assert 0.4 < result["seconds"] < 5


def test_drain_is_refused_where_nobody_else_is_up(run, haproxy):
    result = run(haproxy_server, server="app1", state="drain", timeout=0.1, others_up=1)
    assert result["failed"]
    assert "portal/app1 is not drained: 0 other servers of the backend are UP, at least 1 have to be" in result["msg"]
    assert haproxy.orders == []
    assert haproxy.state("erp", "app1") == "ready"


def test_of_two_that_drain_at_the_same_time_the_second_sees_the_first(haproxy, tmp_path, monkeypatch):
    class Module:
        """What run() needs of a module."""

        check_mode = False

        def __init__(self, server):
            self.params = {"socket": haproxy.path, "drained_list": str(tmp_path / "list"), "save_program": None}
            self.params.update(server=server, backend="erp", state="drain", timeout=0.1, others_up=1)

    refuse = haproxy_server.refuse_too_few

    def refuse_and_ponder(*arguments):
        refuse(*arguments)
        time.sleep(0.3)

    monkeypatch.setattr(haproxy_server, "refuse_too_few", refuse_and_ponder)
    refused = []

    def drain(server):
        try:
            haproxy_server.run(Module(server), {"changed": False, "servers": []})
        except RuntimeApiError as exc:
            refused.append(str(exc))

    threads = [threading.Thread(target=drain, args=[server]) for server in ("app1", "app2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert sorted(haproxy.state("erp", server) for server in ("app1", "app2")) == ["drain", "ready"]
    assert (tmp_path / "drain.lock").stat().st_mode & 0o777 == 0o600


def test_what_is_drained_already_is_not_asked_about(run, haproxy):
    run(haproxy_server, server="app1", state="drain", timeout=0.1)
    again = run(haproxy_server, server="app1", state="drain", timeout=0.1, others_up=1)
    assert (again.get("failed", False), again["changed"]) == (False, False)


def test_a_backend_where_it_gets_no_requests_does_not_keep_it(run, haproxy):
    haproxy.down.add(("portal", "app1"))
    result = run(haproxy_server, server="app1", state="drain", timeout=0.1, others_up=1)
    assert [(row["backend"], row["up"], row["old"]) for row in result["servers"]] == [
        ("erp", True, "ready"),
        ("portal", False, "ready"),
    ]
    assert haproxy.state("portal", "app1") == "drain"
