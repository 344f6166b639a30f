# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of a member, against an etcd in memory and a host that is none."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.etcd import etcdctl as etcdctl_module
from ansible_collections.golive.delivery.plugins.module_utils.etcd import member as member_module
from ansible_collections.golive.delivery.plugins.module_utils.etcd import view as view_module
from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import Identity
from ansible_collections.golive.delivery.plugins.module_utils.etcd.member import Cluster, MemberError
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd, cluster

LISTENING = view_module.listening


class FakeLocal:
    """A host: whether it has data and runs, and what was done to it."""

    def __init__(self, etcd, name, has_data=True, running=True) -> None:
        self.etcd, self.name, self.has_data, self.running = etcd, name, has_data, running
        self.done: list = []
        self.old = False
        self.broken = False
        self.previous = True
        self.initial = None
        self.is_new = True

    def unit(self):
        return {"ActiveState": "failed" if self.broken else "active", "NRestarts": "0"}

    def stale(self, _authority):
        return self.old

    def reason(self):
        return "bad flag"

    def restart(self):
        self.done.append("restart")
        self.running = self.has_data = True
        self.old = False
        for item in self.etcd.members:
            if f"https://{self.name}:2380" in item["peerURLs"]:
                item.update(name=self.name, clientURLs=[f"https://{self.name}:2379"])
                self.etcd.down.discard(item["ID"])
                if self.broken:
                    self.etcd.down.add(item["ID"])

    def stop(self):
        self.done.append("stop")
        self.running = False

    def put_data_aside(self):
        self.has_data = False
        return ""

    def permit_join(self, members, token, state):
        self.done.append(f"permit {state}")
        self.initial = members

    def settle(self):
        self.done.append("settle")
        return False

    def put_back(self):
        self.done.append("put back")
        self.broken = False
        return self.previous


def make(etcd, name="c", names=("a", "b", "c"), check_mode=False, **local):
    """Return the steps for a member and its host."""
    host = FakeLocal(etcd, name, **local)
    ctl = etcdctl_module.Etcdctl(etcd.run, Identity("", "", ""), [f"https://{item}:2379" for item in names])
    members = [{"name": item, "address": item} for item in names]
    return Cluster(ctl, host, name, members, 2379, 2380, "token", 0.5, check_mode), host


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(member_module, "_SECONDS_BETWEEN", 0.01)
    monkeypatch.setattr(view_module, "listening", lambda endpoints: endpoints)
    monkeypatch.setattr(etcdctl_module, "_SECONDS_BETWEEN", 0.01)


def test_form_does_not_wait():
    etcd = FakeEtcd()
    steps, host = make(etcd, has_data=False, running=False)
    steps.form()
    assert host.done == ["permit new", "restart"]
    assert host.initial == {name: f"https://{name}:2380" for name in "abc"}
    assert steps.actions == ["start c as a member of a new cluster"]


def test_join_of_a_new_host():
    etcd = cluster("a", "b")
    # etcd wants all members connected for a while first, and a learner that has caught up.
    etcd.trouble = ["etcdserver: unhealthy cluster"]
    steps, host = make(etcd, has_data=False, running=False)
    steps.join()
    assert etcd.changes() == [
        "member add c --peer-urls=https://c:2380 --learner",
        "member add c --peer-urls=https://c:2380 --learner",
        "member promote d",
    ]
    assert host.initial == {name: f"https://{name}:2380" for name in "abc"}
    assert host.done == ["stop", "permit existing", "restart", "settle"]


def test_join_replaces_a_stale_entry():
    etcd = cluster("a", "b", "c")
    etcd.down = {12}
    steps = make(etcd, has_data=False, running=False)[0]
    steps.join()
    assert etcd.changes() == [
        "member remove c",
        "member add c --peer-urls=https://c:2380 --learner",
        "member promote d",
    ]


def test_join_goes_on_where_it_was_cut_off():
    etcd = cluster("a", "b", "c")
    etcd.members[2]["isLearner"] = True
    steps, host = make(etcd)
    steps.join()
    assert (etcd.changes(), host.done) == (["member promote c"], ["settle"])
    etcd = cluster("a", "b")
    etcd.members.append({"ID": 0xC, "peerURLs": ["https://c:2380"], "isLearner": True})
    steps, host = make(etcd, has_data=False, running=False)
    steps.join()
    assert etcd.changes() == ["member promote c"]
    assert host.done == ["stop", "permit existing", "restart", "settle"]


def test_join_with_a_new_address():
    etcd = cluster("a", "b", "c")
    etcd.members[2]["peerURLs"] = ["https://old:2380"]
    steps, host = make(etcd)
    steps.join()
    assert (etcd.changes(), host.done) == (["member update c --peer-urls=https://c:2380"], ["restart", "settle"])


def test_join_that_etcd_refuses():
    etcd = cluster("a", "b")
    etcd.trouble = ["etcdserver: permission denied"]
    steps = make(etcd, has_data=False, running=False)[0]
    with pytest.raises(MemberError, match="etcdctl member add: etcdserver: permission denied"):
        steps.join()


def test_restart_waits_for_the_others():
    etcd = cluster("a", "b", "c")
    etcd.down = {11}
    steps, host = make(etcd)
    with pytest.raises(MemberError, match="c is not restarted while b does not answer"):
        steps.restart()
    assert host.done == []
    etcd.down.clear()
    steps.restart()
    assert host.done == ["restart", "settle"]


def test_restart_is_not_proved_by_the_old_process(monkeypatch):
    etcd = cluster("a", "b", "c")
    steps, host = make(etcd)
    # systemd still ends the old process, which answers.
    host.is_new = False
    asked = []

    def sleep(_seconds):
        asked.append(list(host.done))
        host.is_new = len(asked) == 3

    monkeypatch.setattr(member_module.time, "sleep", sleep)
    steps.restart()
    assert asked == [["restart"]] * 3
    assert host.done == ["restart", "settle"]


def test_restart_that_fails_is_taken_back():
    etcd = cluster("a", "b", "c")
    steps, host = make(etcd)
    host.broken = True
    with pytest.raises(MemberError, match=r"c did not become healthy.*bad flag.*previous configuration is back"):
        steps.restart()
    assert host.done == ["restart", "put back", "restart"]


def test_start():
    etcd = cluster("a", "b", "c")
    steps, host = make(etcd, running=False)
    steps.start(wait=True)
    assert host.done == ["restart", "settle"]
    steps, host = make(etcd)
    steps.start(wait=True)
    assert (host.done, steps.actions) == (["settle"], [])


def test_start_of_one_that_new_files_may_heal():
    etcd = cluster("a", "b", "c")
    etcd.down = {12}
    steps, host = make(etcd)
    host.old = True
    steps.start(wait=True)
    assert host.done == ["restart", "settle"]


def test_start_of_one_that_is_healthy_with_older_files_proves_nothing_for_the_new():
    etcd = cluster("a", "b", "c")
    steps, host = make(etcd)
    host.old = True
    steps.start(wait=True)
    assert (host.done, steps.actions) == ([], [])


def test_lead():
    etcd = cluster("x", "b", "c")
    etcd.trouble = ["etcdserver: request timed out, leader transfer took too long"]
    steps = make(etcd, "b", names=("b", "c", "d"))[0]
    steps.lead()
    assert etcd.leader == 11
    assert (steps.actions, set(etcd.changes())) == (["let b lead"], {"move-leader b"})
    steps = make(etcd, "b", names=("b", "c", "d"))[0]
    steps.lead()
    assert steps.actions == []
    with pytest.raises(MemberError, match="d is not a member"):
        make(etcd, "d", names=("b", "c", "d"))[0].lead()


def test_remove():
    etcd = cluster("a", "b", "c", "x")
    etcd.down = {12}
    steps = make(etcd, "a")[0]
    with pytest.raises(MemberError, match="nobody is removed while c is not"):
        steps.remove(["d"], after_all=True)
    steps.remove(["c"], after_all=False)
    steps = make(etcd, "a", names=("a", "b"))[0]
    steps.remove(["d"], after_all=True)
    assert etcd.changes() == ["member remove c", "member remove d"]
    steps.remove(["d"], after_all=True)
    assert len(etcd.changes()) == 2


@pytest.mark.parametrize("step", ["form", "join", "restart", "lead"])
def test_check_mode_changes_nothing(step):
    there = step in ("restart", "lead")
    etcd = cluster("a", "b", "c") if there else cluster("a", "b")
    steps, host = make(etcd, check_mode=True, has_data=there, running=there)
    getattr(steps, step)()
    assert (etcd.changes(), host.done, len(steps.actions)) == ([], [], 1)


def test_no_leader():
    etcd = cluster("a", "b", "c")
    etcd.leader = 0
    steps = make(etcd)[0]
    with pytest.raises(MemberError, match="no leader"):
        steps.restart()


def test_listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = f"https://127.0.0.1:{server.getsockname()[1]}"
        assert LISTENING([there, "https://127.0.0.1:1"], seconds=0.5) == [there]
