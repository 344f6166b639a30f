"""The action validate_inventory through ansible-playbook, with roles and inventories of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

ROLES = {
    "db": {
        "db_port": {"type": "int", "default": 5432},
        "db_path": {"type": "path", "required": True, "description": "Where the data is kept."},
        "db_memory": {"type": "str"},
        "db_password": {"type": "str", "no_log": True},
        "db_users": {
            "type": "list",
            "elements": "dict",
            "options": {"name": {"type": "str", "required": True}, "password": {"type": "str", "no_log": True}},
        },
    },
    "db_exporter": {"db_exporter_port": {"type": "int"}},
    "base": {"base_timezone": {"type": "str"}},
}

HOSTS = {
    "all": {
        "children": {
            "database": {"hosts": {"db1": {"ansible_host": "192.0.2.1"}, "db2": {"ansible_host": "192.0.2.2"}}},
            "app": {"hosts": {"app1": {"ansible_host": "192.0.2.3"}}},
        }
    }
}

OPTIONS = {"roles": {"database": ["golive.delivery.db"], "all": ["base"]}, "required_groups": {"database": 1}}


class Site:
    """An inventory with roles, to be judged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: dict[str, Any] = json.loads(json.dumps(HOSTS))
        self.options: dict[str, Any] = {**OPTIONS, "roles_path": str(folder / "roles")}
        self.variables: dict[str, Any] = {"db_path": "/srv"}
        for role, options in ROLES.items():
            self.write(f"roles/{role}/meta/argument_specs.yml", {"argument_specs": {"main": {"options": options}}})
        self.write("roles/db/defaults/main.yml", {"db_name": "main", "db_folder": "/srv/{{ db_name }}"})

    def write(self, name: str, data: object) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(data), encoding="utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        self.write("inventory/hosts.yml", self.hosts)
        self.write("inventory/group_vars/database.yml", self.variables)
        tasks = [
            {"golive.delivery.validate_inventory": self.options, "register": "judged", "ignore_errors": True},
            {"ansible.builtin.copy": {"content": "{{ judged | to_json }}", "dest": str(self.folder / "result.json")}},
        ]
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
        self.write("site.yml", [play])
        return subprocess.run(
            [ANSIBLE_PLAYBOOK, "-i", "inventory", "site.yml", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_STDOUT_CALLBACK": "default"},
        )

    def judge(self, *arguments: str) -> dict[str, Any]:
        run = self.run(*arguments)
        assert run.returncode == 0, run.stdout + run.stderr
        return json.loads((self.folder / "result.json").read_text(encoding="utf-8"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_fit(site: Site) -> None:
    site.variables.update(
        db_path="{{ db_folder }}/x",
        db_memory="{{ ansible_facts.memtotal_mb // 4 }}MB",
        db_port="{{ undefined_elsewhere | default(omit) }}",
        db_users=[{"name": "erp", "password": "{{ hostvars['app1'].inventory_hostname }}-Zw3"}],
        other_variable="{{ nowhere }}",
    )
    result = site.judge()
    assert result["problems"] == []
    assert result["changed"] is False
    assert result["hosts"] == 3
    assert result["unchecked"] == ["variable db_memory of hosts db1, db2: depends on facts of the host"]
    assert result["msg"] == "The inventory is fit: 3 hosts"


def test_every_problem_in_one_message(site: Site) -> None:
    del site.variables["db_path"]
    site.variables.update(
        db_port="abc",
        db_portt=1,
        db_exporter_prt=2,
        db_memory="{{ nowhere }}",
        db_users=[{"nam": "x"}],
        db_password="{{ vault_password }}",
        vault_password="CHANGE_ME",
        empty_secret="",
    )
    site.hosts["all"]["children"]["database"]["hosts"]["db2"]["ansible_host"] = "db2.golive.invalid"
    site.hosts["all"]["children"]["app"]["hosts"]["db1"] = None
    site.options.update(
        required_groups={"database": 1, "load_balancer": 1},
        maximum={"database": {"hosts": 1, "reason": "it is not a cluster"}},
        exclusive_groups=[["database", "app"]],
        required_secrets=[
            {"variable": "vault_password", "group": "database"},
            {"variable": "empty_secret", "group": "database"},
            {"variable": "no_secret", "group": "app"},
        ],
        certificates=[{"name": "www", "certificate": "x", "private_key": "y"}, {"name": "own"}],
        resolve=["time.golive.invalid", "192.0.2.9"],
    )
    result = site.judge()
    assert result["failed"] is True
    where = "(inventory/group_vars/database.yml:"
    problems = [line.split(f" {where}")[0] for line in result["problems"]]
    unresolved = [line for line in problems if "does not resolve" in line]
    assert sorted(line for line in problems if line not in unresolved) == sorted(
        [
            "group load_balancer: expected at least 1 host, but there is no such group",
            "group database: expected at most 1 host, given 2 (db1, db2): it is not a cluster",
            "host db1: is in the groups database and app, which must not share a host",
            "variable db_portt of hosts db1, db2: role db has no such option; did you mean db_port?",
            "variable db_exporter_prt of hosts db1, db2: role db_exporter has no such option; "
            "did you mean db_exporter_port?",
            "variable db_port of hosts db1, db2: expected a whole number, given 'abc'",
            "variable db_path is required by role db on hosts db1, db2: Where the data is kept",
            "variable db_memory of hosts db1, db2: 'nowhere' is undefined",
            "variable db_users[0] of hosts db1, db2: there is no option nam; did you mean name?",
            "variable db_users[0] of hosts db1, db2: name is required",
            "variable db_password of hosts db1, db2: expected a secret, given a placeholder such as changeme",
            "secret vault_password of hosts db1, db2: expected a secret, given a placeholder such as changeme",
            "secret empty_secret of hosts db1, db2: expected a text, given an empty one",
            "secret no_secret of hosts app1, db1: expected a text, but it is not defined",
            "certificate www: expected a certificate in PEM, given a text without one",
        ]
    )
    assert [line.split(" does not")[0] for line in unresolved] == [
        "host db2: address db2.golive.invalid",
        "address time.golive.invalid",
    ]
    assert f"given 'abc' {where}" in result["msg"]
    assert result["msg"].startswith(f"The inventory is not fit: {len(problems)} problems\n  1. ")


@pytest.mark.parametrize(
    "value",
    [["hunter2"], {"a": "hunter2"}, "{{ 'hunter2' / 2 }}", "{{ 'hunter2' | ansible.builtin.from_json }}"],
)
def test_no_secret_is_shown(site: Site, value: object) -> None:
    site.variables.update(db_password=value, db_users=["hunter2"], db_port="{{ vault_port }}", vault_port="hunter2")
    site.run()
    text = (site.folder / "result.json").read_text(encoding="utf-8")
    assert "variable db_password of" in text
    assert "hunter2" not in text


def test_vault_without_its_password(site: Site) -> None:
    secret = "$ANSIBLE_VAULT;1.1;AES256\n3336\n"
    site.write("inventory/group_vars/app.yml", {})
    path = site.folder / "inventory/group_vars/all.yml"
    path.write_text(f"db_password: !vault |\n  {secret.splitlines()[0]}\n  3336\n", encoding="utf-8")
    (problem,) = site.judge()["problems"]
    assert "no vault secrets found" in problem


def test_empty_group_is_one_problem(site: Site) -> None:
    """What is derived from a group without hosts is no problem of its own."""
    site.hosts["all"]["children"]["load_balancer"] = {"hosts": {}}
    site.options["required_groups"] = {"load_balancer": 1}
    site.variables.update(db_path="/srv/{{ first }}", first="{{ groups['load_balancer'][0] }}")
    result = site.judge()
    assert result["problems"] == ["group load_balancer: expected at least 1 host, given none"]
    assert "depends on group load_balancer" in result["unchecked"][0]


def test_what_the_playbook_passes_is_not_missed(site: Site) -> None:
    del site.variables["db_path"]
    assert len(site.judge()["problems"]) == 1
    site.options["provided"] = {"db": ["db_path"]}
    assert site.judge()["problems"] == []


def test_names_to_ignore(site: Site) -> None:
    site.variables["db_site_note"] = "mine"
    assert len(site.judge()["problems"]) == 1
    site.options["ignore_variables"] = ["db_site_*"]
    assert site.judge()["problems"] == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"roles": {"database": ["nowhere"]}}, "role nowhere has no meta/argument_specs.yml"),
        ({"roles": {"database": "db"}}, "expected a list of role names"),
        ({"roles_path": "/nowhere"}, "there is no such folder"),
        ({"role": {}}, "Unsupported parameters"),
    ],
)
def test_wrong_call(site: Site, options: dict[str, Any], expected: str) -> None:
    site.options.update(options)
    assert expected in site.judge()["msg"]


def test_one_readable_message_on_the_screen(site: Site) -> None:
    site.variables["db_port"] = "abc"
    run = site.run()
    assert "The inventory is not fit: 1 problem\n 1. variable db_port of hosts db1, db2: " in run.stdout + run.stderr


def test_check_mode_and_limit(site: Site) -> None:
    """A limit takes hosts out of the run, not out of the inventory."""
    site.variables["db_port"] = "abc"
    run = site.run("--check", "--limit", "localhost,app1")
    assert "variable db_port of hosts db1, db2" in run.stdout + run.stderr
