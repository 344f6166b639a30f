# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for Patroni: what they change, say in check mode, and refuse."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.golive.delivery.plugins.modules import (
    patroni_config,
    patroni_info,
    patroni_restart,
    patroni_switchover,
)

MEMBERS = [{"name": name, "address": "192.0.2.1"} for name in ("db1", "db2", "db3")]
CREDENTIALS = {"username": "admin", "password": "secret"}


@pytest.fixture
def call(capsys):
    """Run a module with arguments and return what it prints."""

    def run(module, **arguments) -> dict:
        credentials = {} if module is patroni_info else CREDENTIALS
        with patch_module_args({"members": MEMBERS, **credentials, **arguments}), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return run


def test_the_configuration_is_set_once(played, call):
    cluster = played()
    wanted = {"ttl": "12", "loop_wait": 2, "postgresql": {"parameters": {"max_connections": 150, "wal_level": None}}}
    first = call(patroni_config, config=wanted)
    assert first["changed"]
    assert first["leader"] == "db1"
    assert first["diff"]["after"] == {"loop_wait": 2, "postgresql": {"parameters": {"max_connections": 150}}}
    assert first["previous"] == {"loop_wait": None, "postgresql": {"parameters": {"max_connections": 100}}}
    assert cluster.config["postgresql"]["parameters"]["max_connections"] == 150
    assert cluster.loops >= 2
    second = call(patroni_config, config=wanted)
    assert not second["changed"]
    assert cluster.log == ["patch"]


def test_check_mode_of_the_configuration(played, call):
    cluster = played()
    result = call(patroni_config, config={"ttl": 20}, _ansible_check_mode=True)
    assert result["changed"]
    assert result["config"]["ttl"] == 20
    assert (cluster.config["ttl"], cluster.log) == (12, [])


def test_a_cluster_without_a_primary_is_waited_for(played, call):
    played().leader = None
    result = call(patroni_config, config={}, timeout=0)
    assert result["failed"]
    assert "waited 0 s for the cluster to have a primary" in result["msg"]
    assert "now: db1 replica" in result["msg"]


def test_restarts_are_counted(played, call):
    cluster = played()
    cluster.config["postgresql"]["parameters"]["max_connections"] = 200
    planned = call(patroni_restart, _ansible_check_mode=True)
    assert (planned["changed"], planned["restarted"], cluster.log) == (True, ["db2", "db3", "db1"], [])
    made = call(patroni_restart, settle=True)
    assert made["restarted"] == ["db2", "db3", "db1"]
    assert made["leader"] == cluster.leader != "db1"
    assert not call(patroni_restart)["changed"]


def test_a_restart_that_failed_says_how_far_it_came(played, call):
    cluster = played()
    cluster.local["db3"] = {"shared_preload_libraries": "none"}
    cluster.broken = {"db3"}
    result = call(patroni_restart)
    assert result["failed"]
    assert result["restarted"] == ["db3"]


def test_a_switchover(played, call):
    cluster = played()
    planned = call(patroni_switchover, _ansible_check_mode=True)
    assert (planned["old"], planned["new"], cluster.log) == ("db1", "db2", [])
    made = call(patroni_switchover, to="db2")
    assert (made["changed"], made["old"], made["new"]) == (True, "db1", "db2")
    assert made["seconds"] >= 0
    again = call(patroni_switchover, to="db2")
    assert (again["changed"], again["new"]) == (False, "db2")


def test_a_switchover_that_cannot_be(played, call):
    cluster = played()
    cluster.synchronous = None
    result = call(patroni_switchover)
    assert result["msg"].startswith("No switchover: no healthy candidate: db2 is no synchronous standby")


def test_a_wrong_password_is_named(played, call, monkeypatch):
    cluster = played()
    monkeypatch.setattr(cluster, "_post_switchover", lambda name, body: (401, "not authenticated"))
    assert "db2 refuses the user and password of the REST API" in call(patroni_switchover)["msg"]


def test_what_a_host_holds(played, call, tmp_path):
    played()
    result = call(
        patroni_info,
        name="db2",
        scope="main",
        version="15",
        data_directory=str(tmp_path / "data"),
        configuration_directory=str(tmp_path),
        files=[str(tmp_path), str(tmp_path / "none")],
    )
    assert result["data"]["empty"]
    assert result["cluster"]["leader"] == "db1"
    assert result["missing"] == [str(tmp_path / "none")]
    assert result["problems"] == []
