# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, roles, permissions and passwords, against an etcd in memory."""

from __future__ import annotations

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.etcd import access
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd

PATRONI = {"name": "patroni", "password": "s3cret", "prefixes": ["/golive/"]}


def apply(etcd, users=(PATRONI,), purge=False):
    """Return the difference, and apply it."""
    work = access.Access(etcd.etcdctl(), users, purge)
    now = work.read()
    wanted = work.wanted(now)
    if now != wanted:
        work.change(now, wanted)
    return now.describe(), wanted.describe()


def again(etcd, users=(PATRONI,), purge=False):
    work = access.Access(etcd.etcdctl(), users, purge)
    now = work.read()
    return now == work.wanted(now)


@pytest.fixture(name="etcd")
def _etcd():
    etcd = FakeEtcd()
    apply(etcd)
    etcd.calls.clear()
    return etcd


def test_first_run():
    etcd = FakeEtcd()
    before, after = apply(etcd)
    assert before == {"authentication": False, "users": {}}
    assert after == {
        "authentication": True,
        "users": {
            "patroni": {"roles": ["patroni"], "permissions": ["readwrite /golive/*"], "password": "as declared"},
            "root": {"roles": ["root"], "permissions": []},
        },
    }
    assert etcd.changes()[-1] == "auth enable"
    assert etcd.roles["patroni"] == {(b"/golive/", b"/golive0"): 2}
    assert etcd.passwords == {"root": None, "patroni": "s3cret"}
    assert again(etcd)


def test_second_run_changes_nothing(etcd):
    before, after = apply(etcd)
    assert before == after
    assert etcd.changes() == []


def test_no_password_in_arguments(etcd):
    apply(etcd, [{**PATRONI, "password": "another"}])
    assert all("s3cret" not in word and "another" not in word for call in etcd.calls for word in call[0])


def test_wrong_password_is_set_anew(etcd):
    etcd.passwords["patroni"] = "changed by hand"
    before, after = apply(etcd)
    assert before["users"]["patroni"]["password"] == "another one"
    assert after["users"]["patroni"]["password"] == "as declared"
    assert etcd.changes() == ["user passwd patroni --interactive=false"]
    assert again(etcd)


def test_rights_are_exact(etcd):
    etcd.roles["patroni"] = {
        (b"/golive/", b"/golive0"): 0,
        (b"/", b"\0"): 2,
        (b"/one", b""): 1,
        (b"/x", b"/z"): 0,
    }
    etcd.users["patroni"] = ["root", "patroni"]
    before = apply(etcd)[0]
    assert before["users"]["patroni"]["permissions"] == [
        "read /golive/*",
        "read /x to '/z'",
        "readwrite / to '\\x00'",
        "write /one",
    ]
    assert etcd.roles["patroni"] == {(b"/golive/", b"/golive0"): 2}
    assert etcd.users["patroni"] == ["patroni"]
    assert again(etcd)


def test_authentication_that_was_switched_off_comes_back(etcd):
    etcd.enabled = False
    apply(etcd)
    assert etcd.enabled
    assert again(etcd)


def test_others_are_removed_on_request_only(etcd):
    etcd.users["guest"], etcd.roles["guest"] = ["guest"], {}
    assert again(etcd)
    before, after = apply(etcd, purge=True)
    assert ("guest" in before["users"], "guest" in after["users"]) == (True, False)
    assert (sorted(etcd.users), sorted(etcd.roles)) == (["patroni", "root"], ["patroni", "root"])
    assert again(etcd, purge=True)


@pytest.mark.parametrize(
    ("users", "problem"),
    [
        ([PATRONI, PATRONI], "patroni is there twice"),
        ([{**PATRONI, "name": "root"}], "root has no password"),
        ([{**PATRONI, "name": "a:b"}], "no colon"),
        ([{**PATRONI, "password": "two words"}], "up to the first space"),
        ([{**PATRONI, "prefixes": []}], "prefixes are needed"),
        ([{**PATRONI, "prefixes": [""]}], "prefixes are needed"),
    ],
)
def test_declarations_that_cannot_work(users, problem):
    found = access.problems(users)
    assert problem in "; ".join(found)
    assert "two words" not in "; ".join(found)


@pytest.mark.parametrize(("key", "end"), [(b"/golive/", b"/golive0"), (b"a\xff", b"b"), (b"\xff\xff", b"\0")])
def test_prefix_end(key, end):
    assert access.prefix_end(key) == end


def test_what_cannot_be_judged_is_an_error(etcd):
    etcd._get = lambda *_: (1, "", "Error: context deadline exceeded\n")
    with pytest.raises(access.EtcdctlError, match="context deadline exceeded"):
        apply(etcd)
