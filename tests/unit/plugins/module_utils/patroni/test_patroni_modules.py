# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for Patroni: what they change, say in check mode, and refuse."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.golive.delivery.plugins.module_utils.patroni import host
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import PatroniError
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


def test_a_switchover_whose_old_primary_stays_away_is_no_failure_to_switch(played, call, monkeypatch):
    cluster = played()
    switch = cluster._post_switchover

    def switch_and_break(name, body):
        cluster.states["db1"] = "start failed"
        return switch(name, body)

    monkeypatch.setattr(cluster, "_post_switchover", switch_and_break)
    result = call(patroni_switchover, timeout=0)
    assert (result["failed"], result["changed"], result["old"], result["new"]) == (True, True, "db1", "db2")
    assert result["msg"].startswith(
        "db2 is the primary instead of db1, but not all is well: waited 0 s for db1 to take part"
    )


@pytest.mark.parametrize(
    ("leader", "words"), [("db2", "db2 is the primary instead of db1"), (None, "db1 stepped down")]
)
def test_a_switchover_without_an_answer_is_judged_by_who_leads(played, call, monkeypatch, leader, words):
    cluster = played()

    def silent(_name, _body):
        cluster.leader = leader
        raise PatroniError("db2 does not answer: timed out")

    monkeypatch.setattr(cluster, "_post_switchover", silent)
    result = call(patroni_switchover)
    assert result["changed"]
    assert result["msg"] == f"{words}, but not all is well: db2 does not answer: timed out"


def test_a_leader_that_is_not_declared_is_no_crash(played, call):
    cluster = played("db9", "db1", "db2")
    cluster.synchronous = "db1"
    for module in (patroni_switchover, patroni_restart):
        result = call(module, members=MEMBERS[:2])
        assert not result.get("changed"), result
    assert (
        "db9 is a member of the cluster, but not declared; declared are db1, db2"
        in call(patroni_switchover, members=MEMBERS[:2])["msg"]
    )


def test_new_credentials_are_known_a_loop_later(played, call):
    cluster = played()
    cluster.refuses_for = 3
    assert call(patroni_config, config={"ttl": 20})["changed"]
    cluster.refuses_for = 10**9
    result = call(patroni_config, config={"ttl": 30}, timeout=0)
    assert "waited 0 s for db1 to take the configuration; now: db1 refuses the user and password" in result["msg"]


def test_a_wrong_password_is_named(played, call, monkeypatch):
    cluster = played()
    monkeypatch.setattr(cluster, "_post_switchover", lambda name, body: (401, "not authenticated"))
    assert "db2 refuses the user and password of the REST API" in call(patroni_switchover)["msg"]


@pytest.fixture
def look(call, tmp_path):
    """Ask for a host with data below tmp_path and Patroni's configuration beside it."""

    def run(**arguments) -> dict:
        return call(
            patroni_info,
            name="db2",
            scope="main",
            version="15",
            data_directory=str(tmp_path / "data"),
            configuration_directory=str(tmp_path / "etc"),
            configuration_file=str(tmp_path / "config.yml"),
            **arguments,
        )

    return run


def test_what_a_host_holds(played, look, tmp_path):
    played()
    result = look(files=[str(tmp_path), str(tmp_path / "none")])
    assert result["data"]["empty"]
    assert (result["cluster"]["leader"], result["cluster"]["primary"]) == ("db1", "db1")
    assert result["missing"] == [str(tmp_path / "none")]
    # In the list on which every host refuses: none may go on without this one.
    assert result["problems"] == [f"db2: {tmp_path}/none missing (role certificates makes the TLS files)"]
    assert look(files=[str(tmp_path / "none")], _ansible_check_mode=True)["problems"] == []


def test_data_that_are_just_copied_are_left_alone(played, look, tmp_path):
    cluster = played()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("15\n", encoding="utf-8")
    assert "move it away" in look()["problems"][0]
    cluster.states["db2"] = "creating replica"
    result = look()
    assert result["problems"] == []
    assert (result["data"]["present"], result["data"]["empty"]) == (False, False)
    # Its own Patroni is silent, the others know of it.
    cluster.silent = {"db2"}
    assert look()["problems"] == []


CONFIGURATION = """
scope: main
namespace: golive
restapi: {listen: "[2001:db8::2]:8008", authentication: {username: admin, password: 7}}
etcd3: {hosts: ["a:2379"], username: patroni, password: old}
postgresql: {listen: "*:5432"}
"""
DECLARED = {
    "namespace": "/golive/",
    "server_port": 5432,
    "etcd_hosts": ["a:2379"],
    "etcd_username": "patroni",
    "etcd_password": "old",
    "username": "admin",
    "password": "7",
}


@pytest.fixture
def managed(tmp_path, monkeypatch):
    """The data of a member, and its configuration."""
    monkeypatch.setattr(
        host, "read_data", lambda *_arguments, **_options: host.Data(False, "15", "7000000000000000001", True, "")
    )
    (tmp_path / "config.yml").write_text(CONFIGURATION, encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "differs"),
    [({}, []), ({"etcd_password": "new"}, ["credentials"]), ({"etcd_hosts": ["b:2379"]}, ["etcd_hosts"])],
)
def test_what_the_running_patroni_has_to_read_first(played, look, managed, change, differs):
    played()
    result = look(declared={**DECLARED, **change})
    assert result["patroni"]["differs"] == differs
    assert result["problems"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"namespace": "/other/"}, "postgresql_etcd_namespace is /other/, but this member runs with golive"),
        ({"server_port": 5433}, "postgresql_port is 5433, but this member runs with 5432"),
    ],
)
def test_what_cannot_be_changed_where_there_are_data(played, look, managed, change, words):
    played()
    assert words in look(declared={**DECLARED, **change})["problems"][0]


def test_another_port_of_the_api_is_no_cluster_that_is_down(played, look, managed):
    played().silent = {"db1", "db2", "db3"}
    assert "postgresql_patroni_port is 8009, but this member runs with 8008" in look(port=8009)["problems"][0]


def test_before_patroni_ran_everything_can_be_changed(played, look, tmp_path):
    played().silent = {"db1", "db2", "db3"}
    (tmp_path / "config.yml").write_text(CONFIGURATION, encoding="utf-8")
    assert look(declared={"namespace": "/other/"})["problems"] == []


def test_copies_of_the_configuration_are_found(played, look, tmp_path):
    played()
    (tmp_path / "config.yml.123.2026-01-01@10:00:00~").touch()
    (tmp_path / "other.yml.123~").touch()
    assert look()["patroni"]["copies"] == [str(tmp_path / "config.yml.123.2026-01-01@10:00:00~")]
