# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import socket
import time

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.inventory import hosts
from ansible_collections.golive.delivery.plugins.module_utils.inventory.problems import (
    Problem,
    given,
    merge,
    name_hosts,
    report,
)

GROUPS = {"all": ["a", "b", "c"], "ungrouped": [], "database": ["a"], "app": ["a", "b"], "empty": [], "databse2": ["c"]}


def lines(problems: list[Problem]) -> list[str]:
    return merge(problems)


def test_required_groups() -> None:
    assert lines(hosts.check_required_groups(GROUPS, {"database": 1, "app": 3, "empty": 1, "database2": 2})) == [
        "group app: expected at least 3 hosts, given 2 hosts",
        "group empty: expected at least 1 host, given none",
        "group database2: expected at least 2 hosts, but there is no such group; did you mean databse2?",
    ]


def test_maximum() -> None:
    limits = {"app": {"hosts": 1, "reason": "one disk"}, "database": 1, "all": 2}
    assert lines(hosts.check_maximum(GROUPS, limits)) == [
        "group app: expected at most 1 host, given 2 (a, b): one disk",
        "group all: expected at most 2 hosts, given 3 (a, b, c)",
    ]


def test_odd() -> None:
    assert lines(hosts.check_odd(GROUPS, {"app": "half of them decide nothing", "all": "", "nowhere": ""})) == [
        "group app: expected an odd number of hosts, given 2 (a, b): half of them decide nothing",
    ]


def test_exclusive() -> None:
    assert lines(hosts.check_exclusive(GROUPS, [["database", "app", "nowhere"]])) == [
        "host a: is in the groups database and app, which must not share a host"
    ]


def test_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(name: str, _port: object) -> list:
        if name == "slow":
            time.sleep(3)
        if name == "gone":
            raise socket.gaierror(-2, "Name or service not known")
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    start = time.monotonic()
    failed = hosts.resolve(["good", "gone", "slow", "10.0.0.1", "fe80::1%eth0"], 0.5)
    assert failed == {"gone": "Name or service not known", "slow": "no answer within 0.5 seconds"}
    assert time.monotonic() - start < 2.5
    assert hosts.resolve([], 1) == {}


def test_a_name_that_is_none() -> None:
    assert "a" * 64 + ".invalid" in hosts.resolve(["a" * 64 + ".invalid"], 5)


def test_merge_and_report() -> None:
    problems = [
        Problem("variable x of ", "a", ": bad", "f:1"),
        Problem("group g: bad"),
        Problem("variable x of ", "b", ": bad", "f:1"),
        Problem("variable x of ", "b", ": bad", "f:1"),
        Problem("variable x of ", "c", ": bad", "g:1"),
    ]
    assert merge(problems) == [
        "variable x of hosts a, b: bad (f:1)",
        "group g: bad",
        "variable x of host c: bad (g:1)",
    ]
    assert report(["one"]) == "The inventory is not fit: 1 problem\n 1. one"
    assert report(["x"] * 10).splitlines()[1] == "  1. x"


def test_many_hosts() -> None:
    assert name_hosts([str(number) for number in range(40)]) == "hosts 0, 1, 2, 3, 4 and 35 more"


def test_given_is_one_line() -> None:
    assert given("a\nb") == "given 'a\\nb'"
    assert given("x" * 200).endswith("... (200 characters)")
    assert given(None) == "given nothing (null)"
    assert given("x", secret=True) == "given a value that is not shown"
