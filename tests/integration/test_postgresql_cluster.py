"""The cluster's tasks of the role postgresql on hosts that are only played: who begins the cluster, and who refuses.

What each host holds is given as the facts that the module patroni_info would return; systemctl is a program that writes
down how it is called. No host is contacted.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SYSTEMCTL = """#!/bin/sh
case "$*" in
  *show*) printf 'LoadState=loaded\\nActiveState=inactive\\nUnitFileState=disabled\\n' ;;
  *is-enabled*) echo disabled; exit 1 ;;
  *start*) echo "$*" >>"$(dirname "$0")/log" ;;
esac
"""
PLAY = """
- hosts: db1:db2
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        __postgresql_node: "{{ held[inventory_hostname] }}"
        __postgresql_patroni_configuration: {changed: true}
    - ansible.builtin.fail:
        msg: this host fails after it was looked at
      when: inventory_hostname == failing
    - ansible.builtin.include_role:
        name: golive.delivery.postgresql
        tasks_from: "cluster/{{ tasks }}.yml"
"""


class Hosts:
    """Two hosts that are this machine, with what they hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "systemctl").write_text(SYSTEMCTL, encoding="utf-8")
        (folder / "systemctl").chmod(0o755)
        (folder / "log").touch()
        (folder / "play").mkdir()
        (folder / "play" / "play.yml").write_text(PLAY, encoding="utf-8")
        # What run.yml imports from the folder above it; no run here comes so far.
        (folder / "roles.yml").write_text("- ansible.builtin.debug:\n", encoding="utf-8")
        self.held = {"db1": self.node(), "db2": self.node()}
        self.variables: dict = {"failing": "", "tasks": "run", "postgresql_change_timeout": 0}

    @staticmethod
    def node(identifier: str = "", managed: bool = False, **patroni: object) -> dict:
        return {
            "data": {"present": bool(identifier), "managed": managed, "system_identifier": identifier},
            "cluster": {"answers": [], "primary": ""},
            "patroni": {"running": False, "listening": False, "stale": False, "differs": [], **patroni},
            "problems": [],
        }

    def run(self) -> str:
        members = [{"name": name, "address": "127.9.9.9"} for name in self.held]
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "/usr/bin/python3",
            "postgresql_version": "15",
            "postgresql_cluster_members": members,
            "postgresql_patroni_port": 9,
            "postgresql_patroni_password": "secret",
            "postgresql_memory_mib": 1024,
            "postgresql_cores": 1,
            "held": self.held,
            **self.variables,
        }
        inventory = {"all": {"hosts": {"db1": None, "db2": None}, "vars": variables}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self.folder / "hosts.yml"), str(self.folder / "play" / "play.yml")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PATH": f"{self.folder}:{os.environ['PATH']}"},
        )
        return done.stdout + done.stderr

    @property
    def called(self) -> list[str]:
        return (self.folder / "log").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


def test_the_host_with_the_data_begins(hosts: Hosts) -> None:
    hosts.held["db2"] = hosts.node("7000000000000000001")
    output = hosts.run()
    assert hosts.called == ["start patroni"], output
    assert "changed: [db2]" in output


def test_nobody_begins_an_empty_cluster_when_the_host_with_the_data_fails(hosts: Hosts) -> None:
    hosts.held["db2"] = hosts.node("7000000000000000001")
    hosts.variables["failing"] = "db2"
    output = hosts.run()
    assert hosts.called == [], output
    assert "db2 cannot be looked at, and may hold the data" in output


@pytest.mark.parametrize(
    ("first", "second", "aside"),
    [(False, False, "all of them but the one with the newest rows"), (True, False, "db2"), (True, True, None)],
)
def test_a_clone_of_the_data_is_no_founder(hosts: Hosts, first: bool, second: bool, aside: str | None) -> None:
    hosts.held = {"db1": hosts.node("7", managed=first), "db2": hosts.node("7", managed=second)}
    output = hosts.run()
    assert len(hosts.called) == (2 if aside is None else 0), output
    if aside:
        assert json.dumps(f"move /var/lib/postgresql/15/main aside on {aside}")[1:-1] in output


@pytest.mark.parametrize(
    ("patroni", "primary", "expected"),
    [
        # No primary: reloaded, unless that changes nothing (etcd's members), or nothing is there that would read it.
        ({"running": True, "listening": True}, "", "reload"),
        ({"running": True, "listening": True, "differs": ["etcd_hosts"]}, "", "restart"),
        ({"running": True, "listening": True, "stale": True}, "", "restart"),
        ({"running": True}, "", "restart"),
        ({"running": True}, "db1", "restart"),
        # A primary: the rest can wait until the roles are there, but credentials cannot.
        ({"running": True, "listening": True}, "db1", ""),
        ({"running": True, "listening": True, "differs": ["etcd_hosts"]}, "db1", ""),
        ({"running": True, "listening": True, "differs": ["credentials"]}, "db1", "reload"),
        ({"running": False}, "db1", ""),
    ],
)
def test_a_patroni_that_is_stuck_reads_its_configuration(
    hosts: Hosts, patroni: dict, primary: str, expected: str
) -> None:
    program = (hosts.folder / "systemctl").read_text(encoding="utf-8")
    # Of a unit that runs.
    program = program.replace("ActiveState=inactive", "ActiveState=active").replace("*start*", "*start*|*reload*")
    (hosts.folder / "systemctl").write_text(program, encoding="utf-8")
    for name in hosts.held:
        hosts.held[name] = hosts.node("7", managed=True, **patroni)
        hosts.held[name]["cluster"] = {"answers": ["db1"], "primary": primary}
    output = hosts.run()
    calls = [call for call in hosts.called if "daemon-reload" not in call]
    assert calls == [f"{expected} patroni"] * 2 * bool(expected), output


DECLARED = {
    "tasks": "inspect",
    "postgresql_etcd_endpoints": ["127.9.9.9:9"],
    **{f"postgresql_{name}_password": "secret" for name in ("etcd", "replication", "rewind")},
}


def test_variables_that_fit_together_are_not_refused(hosts: Hosts) -> None:
    hosts.variables |= {**DECLARED, "postgresql_max_connections": 25}
    output = hosts.run()
    assert "TASK [golive.delivery.postgresql : See what this host holds" in output
    assert "expected at least" not in output


def test_what_patroni_would_ignore_is_refused_before_anything_is_looked_at(hosts: Hosts) -> None:
    hosts.variables |= {
        **DECLARED,
        "postgresql_loop_wait": 0,
        "postgresql_retry_timeout": "2",
        "postgresql_max_connections": 20,
        "postgresql_parameters": {"max_wal_senders": 2, "max_replication_slots": 4, "max_worker_processes": "1"},
    }
    output = hosts.run()
    assert (
        '"postgresql_loop_wait: expected at least 1, got 0; postgresql_retry_timeout: expected at least 3, got 2; '
        "max_connections: expected at least 25, got 20; max_wal_senders: expected at least 3, got 2; "
        'max_worker_processes: expected at least 2, got 1"'
    ) in output
