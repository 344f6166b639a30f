# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong definition is refused with the id, the field and what was expected."""

from __future__ import annotations

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import definition, engine
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import TYPES

TCP = {"host": "127.0.0.1", "port": 1}


def refusal(checks, overrides=None) -> str:
    with pytest.raises(definition.DefinitionsError) as caught:
        definition.load(checks, overrides or {}, "demo")
    return str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"severity": "P9"}, "check demo.check: severity: expected P0 or P1 or P2 or P3, got 'P9'"),
        ({"area": None}, "check demo.check: area: required, expected deployment or data"),
        ({"type": "htpt"}, "check demo.check: type: expected app_release or command or disk"),
        ({"title": {"en": "x"}}, "check demo.check: title.zh: expected a text that is not empty, got None"),
        ({"title": "x"}, "title: expected a dictionary with en and zh, got 'x'"),
        ({"timeout": 0}, "check demo.check: timeout: expected a number of seconds greater than 0, got 0"),
        ({"timeuot": 3}, "check demo.check: timeuot: unknown field, expected one of id, title"),
        ({"parameters": {"port": 1}}, "check demo.check: parameters.host: required, expected a text"),
        ({"parameters": {**TCP, "port": 65536}}, "parameters.port: expected a port from 1 to 65535, got 65536"),
        (
            {"parameters": {**TCP, "opne": True}},
            "parameters.opne: unknown for the type tcp, expected one of host, port",
        ),
        ({"parameters": {**TCP, "open": 1}}, "parameters.open: expected true or false, got 1"),
        ({"parameters": []}, "parameters: expected a dictionary, got []"),
        ({"waiver": {"by": "A"}}, "check demo.check: waiver.reason: required, expected a text, got None"),
        ({"waiver": {"by": "A", "reason": "b", "until": "soon"}}, "waiver.until: expected a date such as 2026-12-31"),
        ({"waiver": {"by": "A", "reason": "b", "until": "20261231"}}, "waiver.until: expected a date"),
        ({"waiver": {"by": "A", "reason": "b", "until": "2026-12-31", "for": "x"}}, "waiver.for: expected by, reason"),
        ({"enabled": "maybe"}, "enabled: expected true or false, got 'maybe'"),
        ({"id": "two words"}, "check number 1: id: expected a text such as demo.ready, got 'two words'"),
    ],
)
def test_wrong_field_is_named(raw, fields, message):
    assert message in refusal([raw("tcp", TCP, **fields)])


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("file", {"path": "etc"}, "parameters.path: expected an absolute path, got 'etc'"),
        ("file", {"path": "/x", "mode": 416}, 'parameters.mode: expected a quoted octal mode such as "0640", got 416'),
        ("file", {"path": "/x", "contains": "("}, "parameters.contains: expected a regular expression, got '('"),
        ("disk", {"path": "/x"}, "parameters: expected at least one of min_free_percent, min_free_gib"),
        ("disk", {"path": "/x", "min_free_gib": -1}, "parameters.min_free_gib: expected a number that is not negative"),
        ("http", {"url": "ftp://x"}, "parameters.url: expected an http or https address without user and password"),
        ("http", {"url": "http://me:secret@x"}, "parameters.url: expected an http or https address without user"),
        ("http", {"url": "http://x", "status": [200, 1]}, "parameters.status: expected HTTP status codes"),
        ("http", {"url": "http://x", "connect_to": "x"}, "parameters.connect_to: expected an address and a port"),
        ("http", {"url": "http://x", "method": "POST"}, "parameters.method: expected GET or HEAD or OPTIONS"),
        ("listen", {"port": 1, "addresses": ["lo"]}, "parameters.addresses: expected a list of IP addresses"),
        ("tls_certificate", {"host": "x"}, "parameters.port: required with host"),
        ("tls_certificate", {"host": "x", "path": "/x"}, "parameters: expected either path, or host and port"),
        ("tls_certificate", {"path": "/x", "warn_days": 3}, "parameters.fail_days: expected at most warn_days (3)"),
        (
            "tls_protocol",
            {"host": "x", "port": 1, "refused": ["SSLv3"]},
            "parameters.refused: expected TLSv1 or TLSv1.1",
        ),
        ("package", {"name": "x", "version": "new"}, "parameters.version: expected a version such as"),
        (
            "limit",
            {"unit": "x", "name": "NOFILE", "min": "many"},
            "parameters.min: expected a whole number or infinity",
        ),
        ("command", {"argv": []}, "parameters.argv: expected a list of arguments"),
        ("postgresql_query", {"query": "x", "expected": 1, "host": "h"}, "parameters.user: required with host"),
        ("value", {"observed": 1}, "parameters.expected: required, expected any value"),
    ],
)
def test_wrong_parameter_is_named(raw, kind, parameters, message):
    text = refusal([raw(kind, parameters)])
    assert f"check demo.check: {message}" in text
    assert ";" not in text, "one mistake, one message"


def test_all_mistakes_are_told_at_once(raw):
    text = refusal([raw("tcp", TCP, severity="P9"), raw("tcp", {}, id="demo.other")])
    assert "demo.check: severity" in text
    assert "demo.other: parameters.host" in text
    assert "demo.other: parameters.port" in text


def test_duplicate_id_is_refused(raw):
    assert refusal([raw("tcp", TCP), raw("tcp", TCP)]) == "check demo.check: id: this id is used twice"


def test_texts_from_the_command_line_are_read_as_what_they_mean(raw):
    read = definition.load([raw("tcp", {"host": "x", "port": "5432", "open": "no"}, timeout="3")], {}, "demo")[0]
    assert (read.parameters.port, read.parameters.open, read.timeout) == (5432, False, 3.0)


def test_override_replaces_fields_and_merges_parameters(raw):
    override = {"severity": "P3", "timeout": 1, "parameters": {"port": 9}}
    read = definition.load([raw("tcp", TCP)], {"demo.check": override, "other.check": {}}, "demo")[0]
    assert (read.severity, read.timeout, read.parameters.host, read.parameters.port) == ("P3", 1.0, "127.0.0.1", 9)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"demo.chekc": {"severity": "P3"}}, "overrides: demo.chekc: the role demo has no check with this id"),
        ({"demo.check": {"type": "value"}}, "check demo.check: override.type: cannot be overridden, expected one of"),
        ({"demo.check": "P3"}, "check demo.check: override: expected a dictionary, got 'P3'"),
        ({"demo.check": {"parameters": {"port": "x"}}}, "check demo.check: parameters.port: expected a port"),
    ],
)
def test_wrong_override_is_named(raw, overrides, message):
    assert message in refusal([raw("tcp", TCP)], overrides)


def test_every_family_has_registered_its_types():
    assert len(engine.FAMILIES) == 15
    assert {declared.function.__module__.rsplit(".", 1)[1] for declared in TYPES.values()} == {
        family.__name__.rsplit(".", 1)[1] for family in engine.FAMILIES
    }
