# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for etcd: arguments, check mode, differences, failures."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.golive.delivery.plugins.module_utils.etcd import arguments, view
from ansible_collections.golive.delivery.plugins.modules import etcd_access, etcd_member, etcd_member_info
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd, cluster

CONNECTION = {
    "members": [{"name": name, "address": name} for name in "abc"],
    "certificate": "/root.pem",
    "key": "/root.key",
    "ca": "/ca.pem",
}
MEMBER = {"name": "a", "data_directory": "/no/data", "configuration": "/no/etcd.yml"}
USERS = [{"name": "patroni", "password": "s3cret-word", "prefixes": ["/golive/"]}]


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs a module against an etcd in memory and returns its result."""

    def run_module(module, etcd, **parameters):
        endpoints = [f"https://{name}:2379" for name in "abc"]
        monkeypatch.setattr(arguments, "etcdctl", lambda *_: etcd.etcdctl(endpoints))
        monkeypatch.setattr(view, "listening", lambda listed: listed)
        with patch_module_args({**CONNECTION, **parameters}), pytest.raises(SystemExit):
            module.main()
        text = capsys.readouterr().out
        assert "s3cret-word" not in text
        return json.loads(text)

    return run_module


def test_access_in_check_mode_predicts_what_happens(run):
    etcd = FakeEtcd()
    predicted = run(etcd_access, etcd, users=USERS, _ansible_check_mode=True, _ansible_diff=True)
    assert (predicted["changed"], etcd.changes()) == (True, [])
    done = run(etcd_access, etcd, users=USERS, _ansible_diff=True)
    assert done["diff"] == predicted["diff"]
    assert done["access"]["users"]["patroni"]["permissions"] == ["readwrite /golive/*"]
    again = run(etcd_access, etcd, users=USERS)
    assert (again["changed"], again["access"]) == (False, done["access"])


def test_access_refuses_before_it_asks(run):
    etcd = FakeEtcd()
    result = run(etcd_access, etcd, users=[*USERS, *USERS])
    assert (result["failed"], result["msg"], etcd.calls) == (True, "users: patroni is there twice", [])


def test_access_says_what_etcd_says(run):
    etcd = FakeEtcd()
    etcd._user = lambda *_: (1, "", "Error: etcdserver: request timed out\n")
    assert run(etcd_access, etcd, users=USERS)["msg"] == "etcdctl user list: etcdserver: request timed out"


def test_member_info(run):
    result = run(etcd_member_info, cluster("a", "b", "c"), **MEMBER)
    state = result["state"]
    assert (result["changed"], state["name"], state["data"], state["problems"]) == (False, "a", False, [])
    assert (state["formed"], state["forming"]) == (False, False)
    assert state["cluster"]["leader"] == "a"
    assert [item["name"] for item in state["cluster"]["members"]] == ["a", "b", "c"]
    assert all(item["healthy"] for item in state["cluster"]["members"])


def test_member_info_asks_nobody_without_its_files(run):
    etcd = cluster("a", "b", "c")
    state = run(etcd_member_info, etcd, **MEMBER, files={"etcd_tls_key": "/no/key"})["state"]
    assert (state["problems"], etcd.calls) == (["etcd_tls_key: /no/key is not there"], [])


def test_member_in_check_mode(run):
    etcd = cluster("a", "b", "c", "d")
    parameters = {**MEMBER, "state": "removed", "identifiers": ["d"], "after_all": True}
    result = run(etcd_member, etcd, **parameters, _ansible_check_mode=True)
    assert (result["changed"], result["actions"], etcd.changes()) == (True, ["remove d from the cluster"], [])
    assert run(etcd_member, etcd, **parameters)["actions"] == ["remove d from the cluster"]
    assert etcd.changes() == ["member remove d"]


def test_member_takes_the_lead(run):
    etcd = cluster("x", "a", "b")
    assert run(etcd_member, etcd, **MEMBER, state="leading")["actions"] == ["let a lead"]
    assert etcd.leader == 11


def test_member_that_is_none(run):
    result = run(etcd_member, cluster("a"), **{**MEMBER, "name": "x"}, state="restarted")
    assert result["msg"] == "name: x is none of the members"


def test_member_says_why_not(run):
    etcd = cluster("a", "b", "c")
    etcd.down = {11}
    result = run(etcd_member, etcd, **MEMBER, state="restarted")
    assert "a is not restarted while b does not answer" in result["msg"]
