# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter check_results: finds what is there and names what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.filter.check_results import FilterModule

check_results = FilterModule().filters()["check_results"]
ONE = [{"id": "postgresql.ready", "status": "pass"}]


class HostVars(Mapping):
    """Like Ansible's: a mapping, not a dict, that renders a host at each access; lists all hosts of the inventory."""

    def __init__(self, hosts: dict[str, dict]) -> None:
        self._hosts = hosts
        self.asked: list[str] = []

    def __getitem__(self, host: str) -> dict:
        self.asked.append(host)
        return self._hosts[host]

    def __contains__(self, host: object) -> bool:
        return host in self._hosts

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("only the expected hosts are looked at")

    def __len__(self) -> int:
        raise AssertionError("only the expected hosts are looked at")


def test_results_and_missing() -> None:
    hostvars = HostVars(
        {
            "db1": {"ansible_facts": {"golive_checks_postgresql": ONE, "golive_checks_baseline": ONE}},
            "db2": {"ansible_facts": {"golive_checks_baseline": ONE}},
            "app1": {"ansible_facts": {}},
            "app2": {},
            "mon1": {"ansible_facts": {"golive_checks_prometheus": [], "golive_checks_grafana": "none"}},
            "other": {"ansible_facts": {"golive_checks_postgresql": ONE}},
        }
    )
    found = check_results(
        hostvars,
        {
            "baseline": ["db1", "db2", "app1", "app2", "db1"],
            "postgresql": ["db1", "db2", "db9"],
            "prometheus": ["mon1"],
            "grafana": ["mon1"],
            "etcd": [],
        },
    )
    assert found["results"] == [
        {"host": "db1", "role": "baseline", "checks": ONE},
        {"host": "db2", "role": "baseline", "checks": ONE},
        {"host": "db1", "role": "postgresql", "checks": ONE},
    ]
    unreached = "the host has no facts: it was not reached, or no check ran on it"
    assert found["missing"] == [
        {"host": "app1", "role": "baseline", "reason": unreached},
        {"host": "app2", "role": "baseline", "reason": unreached},
        {"host": "db2", "role": "postgresql", "reason": "the checks of this role left no result on the host"},
        {"host": "db9", "role": "postgresql", "reason": "the inventory has no such host"},
        {"host": "mon1", "role": "prometheus", "reason": "the role returned no checks"},
        {"host": "mon1", "role": "grafana", "reason": "the fact golive_checks_grafana is not a list of results"},
    ]
    assert sorted(hostvars.asked) == ["app1", "app2", "db1", "db2", "mon1"]


def test_nothing_expected() -> None:
    assert check_results({}, {}) == {"results": [], "missing": []}


@pytest.mark.parametrize(
    ("hostvars", "expected", "message"),
    [
        ([], {}, "the input must be hostvars, got list"),
        ({}, ["db1"], "expected must be a mapping"),
        ({}, {"postgresql": "db1"}, "expected.postgresql must be a list of hosts"),
        ({}, {"postgresql": None}, "expected.postgresql must be a list of hosts"),
    ],
)
def test_wrong_types(hostvars: object, expected: object, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        check_results(hostvars, expected)
