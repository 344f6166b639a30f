# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.inventory.arguments import (
    check_options,
    describe,
    holds_secret,
    names_of,
)

OPTIONS = {
    "db_port": {"type": "int", "default": 5432},
    "db_version": {"type": "str", "choices": ["16", "17"]},
    "db_tune": {"type": "bool"},
    "db_path": {"type": "path"},
    "db_ratio": {"type": "float"},
    "db_password": {"type": "str", "no_log": True},
    "db_ports": {"type": "list", "elements": "int"},
    "db_modes": {"type": "list", "elements": "str", "choices": ["a", "b"]},
    "db_settings": {"type": "dict"},
    "db_users": {
        "type": "list",
        "elements": "dict",
        "mutually_exclusive": [["password", "certificate"]],
        "required_if": [["state", "present", ["role"]]],
        "options": {
            "name": {"type": "str", "required": True, "description": ["Name of the user. Unique."]},
            "password": {"type": "str", "no_log": True},
            "certificate": {"type": "str"},
            "role": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"]},
            "grants": {"type": "list", "elements": "dict", "options": {"level": {"type": "int", "aliases": ["depth"]}}},
        },
    },
}


def texts(**values: object) -> list[str]:
    return [f"{finding.path}: {finding.message}" for finding in check_options(OPTIONS, values)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"db_port": "abc"}, "db_port: expected a whole number, given 'abc'"),
        ({"db_port": True}, "db_port: expected a whole number, given true"),
        ({"db_port": None}, "db_port: expected a whole number, given nothing (null)"),
        ({"db_ports": [None]}, "db_ports[0]: expected a whole number, given nothing (null)"),
        ({"db_users": [{"name": None}]}, "db_users[0].name: expected a text, given nothing (null)"),
        ({"db_version": "14"}, "db_version: expected one of: 16, 17, given '14'"),
        ({"db_version": ["16"]}, "db_version: expected one of: 16, 17, given a list of 1"),
        ({"db_tune": "maybe"}, "db_tune: expected true or false, given 'maybe'"),
        ({"db_path": {"a": 1}}, "db_path: expected a path, given a mapping"),
        ({"db_ratio": "much"}, "db_ratio: expected a number, given 'much'"),
        ({"db_ports": [1, "x"]}, "db_ports[1]: expected a whole number, given 'x'"),
        ({"db_ports": {"a": 1}}, "db_ports: expected a list, each item a whole number, given a mapping"),
        ({"db_modes": ["a", "c"]}, "db_modes: expected a list of: a, b, given 'c'"),
        ({"db_settings": [1]}, "db_settings: expected a mapping, given a list of 1"),
        ({"db_users": [{}]}, "db_users[0]: name is required: Name of the user"),
        ({"db_users": [{"name": "a", "pasword": "x"}]}, "there is no option pasword; did you mean password?"),
        ({"db_users": [{"name": "a", "state": "gone"}]}, "db_users[0].state: expected one of: present, absent"),
        ({"db_users": [{"name": "a", "grants": [{"depth": "x"}]}]}, "db_users[0].grants[0].depth: expected a whole"),
        ({"db_users": [{"name": "a", "password": "s", "certificate": "c"}]}, "db_users[0]: parameters are mutually"),
        ({"db_users": [{"name": "a", "state": "present"}]}, "db_users[0]: an option is missing that another one"),
    ],
)
def test_wrong_value(values: dict, expected: str) -> None:
    (text,) = texts(**values)
    assert expected in text


def test_every_wrong_item_is_found() -> None:
    assert texts(db_users=[5, {"name": "a", "state": "gone"}, {}]) == [
        "db_users[0]: expected a mapping, given a value that is not shown",
        "db_users[1].state: expected one of: present, absent, given 'gone'",
        "db_users[2]: name is required: Name of the user",
    ]


def test_good_values() -> None:
    users = [{"name": "a", "password": "s3cr3t", "state": "absent", "grants": [{"level": "3"}]}]
    assert texts(db_port="5432", db_version=16, db_tune="yes", db_ports="1,2", db_modes=["a"], db_users=users) == []
    assert texts(db_version=None, db_users=None, db_settings={}, db_ports=[]) == []


def test_unknown_names_at_the_top_are_not_its_business() -> None:
    assert texts(other="x") == []


@pytest.mark.parametrize(
    "values",
    [
        {"db_password": ["hunter2"]},
        {"db_users": "name=a password=hunter2 state=gone"},
        {"db_users": ["hunter2"]},
        {"db_users": {"password": "hunter2"}},
        {"db_users": [{"name": "a", "password": {"x": "hunter2"}}]},
    ],
)
def test_no_secret_in_a_message(values: dict) -> None:
    found = texts(**values)
    assert found
    assert "hunter2" not in "".join(found)


def test_a_placeholder_is_no_secret() -> None:
    assert texts(db_password="CHANGE_ME") == ["db_password: expected a secret, given a placeholder such as changeme"]
    assert texts(db_users=[{"name": "a", "password": "<password>"}])[0].startswith("db_users[0].password: ")


def test_everything_can_be_hidden() -> None:
    (finding,) = check_options(OPTIONS, {"db_port": "hunter2"}, secret=True)
    assert finding.message == "expected a whole number, given a value that is not shown"


def test_about_options() -> None:
    assert names_of({"a": {"aliases": ["b"]}, "c": {}}) == {"a", "b", "c"}
    assert holds_secret(OPTIONS["db_users"])
    assert not holds_secret(OPTIONS["db_port"])
    assert describe({"description": ["Port, see O(db_x). More."]}) == "Port, see db_x"
    assert describe({}) == ""
