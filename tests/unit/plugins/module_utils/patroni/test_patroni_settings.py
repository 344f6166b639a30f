# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a patch of the dynamic configuration changes, and how it is undone."""

from __future__ import annotations

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.patroni import settings

CURRENT = {"ttl": 30, "postgresql": {"use_slots": True, "parameters": {"max_connections": 100, "wal_level": "replica"}}}


@pytest.mark.parametrize(
    ("patch", "changes"),
    [
        ({}, {}),
        ({"ttl": 30}, {}),
        ({"ttl": "30"}, {}),
        ({"ttl": 12}, {"ttl": 12}),
        ({"loop_wait": None}, {}),
        ({"ttl": None}, {"ttl": None}),
        ({"synchronous_mode": True}, {"synchronous_mode": True}),
        ({"postgresql": {"use_slots": True}}, {}),
        ({"postgresql": {"use_slots": "True"}}, {"postgresql": {"use_slots": "True"}}),
        (
            {"postgresql": {"parameters": {"max_connections": 200, "wal_level": None, "track_commit_timestamp": None}}},
            {"postgresql": {"parameters": {"max_connections": 200, "wal_level": None}}},
        ),
        ({"standby": {"a": None}}, {}),
        ({"standby": {"a": None, "b": 1}}, {"standby": {"b": 1}}),
        ({"slots": ["a"]}, {"slots": ["a"]}),
    ],
)
def test_only_what_differs_is_sent_and_can_be_undone(patch, changes):
    found = settings.difference(CURRENT, patch)
    assert found == changes
    after = settings.merge(CURRENT, found)
    assert settings.difference(after, patch) == {}
    assert settings.merge(after, settings.reverse(CURRENT, found)) == CURRENT


def test_nothing_is_changed_in_place():
    settings.merge(CURRENT, {"postgresql": {"parameters": {"max_connections": 1}}})
    assert CURRENT["postgresql"]["parameters"]["max_connections"] == 100


def test_what_lacks_is_said_in_words():
    declared = {"ttl": 12, "pause": None, "postgresql": {"use_slots": True, "parameters": {"wal_level": None}}, "a": 1}
    assert settings.lacking(CURRENT, declared) == [
        "ttl is 30, not 12",
        "postgresql.parameters.wal_level is replica, not unset",
        "a is unset, not 1",
    ]
