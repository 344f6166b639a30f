# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.inventory.variables import (
    RoleNames,
    is_placeholder,
    known_only_on_contact,
    sources,
    suggest,
    undefined_name,
)

NAMES = RoleNames(
    {
        "postgresql": ["postgresql_port", "postgresql_exporter_user"],
        "postgresql_exporter": ["postgresql_exporter_port"],
    },
    ["postgresql_site_*"],
)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("postgresql_port", None),
        ("postgresql_portt", "role postgresql has no such option; did you mean postgresql_port?"),
        ("postgresql_zzz", "role postgresql has no such option"),
        (
            "postgresql_exporter_prt",
            "role postgresql_exporter has no such option; did you mean postgresql_exporter_port?",
        ),
        ("postgresql_exporter_user", None),
        ("postgresql_site_note", None),
        ("postgresqlx", None),
        ("_postgresql_x", None),
        ("__postgresql_x", None),
        ("other_port", None),
    ],
)
def test_names(name: str, complaint: str | None) -> None:
    assert NAMES.complaint(name) == complaint


def test_no_roles_no_complaint() -> None:
    assert RoleNames({}).complaint("postgresql_port") is None


@pytest.mark.parametrize(
    "text",
    [
        "changeme",
        "CHANGE_ME",
        "Change me!",
        "password",
        "<your password>",
        "xxx",
        "TODO",
        "***",
        "changeme123",
        "{{ x }}",
    ],
)
def test_placeholder(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["Zw3-kl99", "correct horse", "passwordless-4711", "xK", "tested"])
def test_no_placeholder(text: str) -> None:
    assert not is_placeholder(text)


def test_suggest() -> None:
    assert suggest("state", ["name", "status"]) == "; did you mean status?"
    assert suggest("zzzz", ["name"]) == ""


def test_undefined_name() -> None:
    assert undefined_name("Error: 'nowhere' is undefined") == "nowhere"
    assert undefined_name("object of type 'dict' has no attribute 'x'") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ansible_memtotal_mb", True), ("ansible_play_hosts", True), ("ansible_host", False), ("ansible_ssh_port", False)],
)
def test_known_only_on_contact(name: str, expected: bool) -> None:
    assert known_only_on_contact(name) is expected
    assert not known_only_on_contact("nowhere")


def test_sources() -> None:
    variables = {"a": "{{ b }}", "b": ["{{ ansible_facts.x }}", "{{ a }}"], "c": "{{ vault_c }}"}
    names, leaves = sources({"x": ["{{ a }}", 5]}, variables)
    assert {"a", "b", "ansible_facts"} <= names
    assert "vault_c" not in names
    assert 5 in leaves
    assert sources("plain ansible_facts", variables)[0] == set()
