# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check type patroni_cluster: what passes, what fails, what is an error."""

from __future__ import annotations

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import definition, engine

MEMBERS = {"db1": "192.0.2.1", "db2": "192.0.2.2", "db3": "192.0.2.3"}
NEEDED = {"lag": {"max_lag_bytes": 100}, "synchronous": {"standbys": 1}, "config": {"config": {"ttl": 12}}}
ASPECTS = (
    "primary", "members", "streaming", "lag", "synchronous", "restart", "automatic", "config", "credentials",
)  # fmt: skip


def judge(aspect, **parameters):
    raw = {
        "id": "demo.check",
        "title": {"en": "A check", "zh": "检查"},
        "area": "deployment",
        "severity": "P0",
        "type": "patroni_cluster",
        "parameters": {"members": MEMBERS, "aspect": aspect, **NEEDED.get(aspect, {}), **parameters},
    }
    return engine.run(definition.load([raw], {}, "demo"))[0]


@pytest.mark.parametrize("aspect", ASPECTS)
def test_a_healthy_cluster_passes(played, aspect):
    played()
    assert judge(aspect)["status"] == "pass"


@pytest.mark.parametrize(
    ("aspect", "prepare", "observed"),
    [
        ("primary", lambda c: c.silent.add("db3"), "no answer: db3"),
        ("members", lambda c: c.extra_members.append({"name": "db4", "role": "replica"}), "members db1, db2, db3, db4"),
        ("members", lambda c: c.states.update(db3="start failed"), "db3 start failed"),
        ("streaming", lambda c: c.states.update(db3="starting"), "not streaming: db3"),
        ("lag", lambda c: c.lags.update(db3=101), "db3 101 bytes"),
        ("synchronous", lambda c: setattr(c, "synchronous", None), "synchronous: none"),
        (
            "synchronous",
            lambda c: (c.strangers.append("db9"), setattr(c, "synchronous", "db9")),
            "not declared: db9",
        ),
        ("restart", lambda c: c.local.update(db3={"shared_buffers": "1GB"}), "waiting: db3"),
        ("automatic", lambda c: setattr(c, "paused", True), "Patroni is paused"),
        ("config", lambda c: c.config.update(ttl=30), "ttl is 30, not 12"),
        ("credentials", lambda c: setattr(c, "open", True), "db1: status 400"),
    ],
)
def test_what_is_wrong_fails(played, aspect, prepare, observed):
    prepare(played())
    result = judge(aspect)
    assert result["status"] == "fail"
    assert observed in result["observed"]


def test_two_primaries_fail(played, monkeypatch):
    cluster = played()
    ask = cluster._get_patroni
    monkeypatch.setattr(
        cluster, "_get_patroni", lambda name, body: (200, {**ask(name, body)[1], "role": "primary"}), raising=True
    )
    assert judge("primary")["observed"].startswith("primaries: db1, db2, db3")


@pytest.mark.parametrize("aspect", [aspect for aspect in ASPECTS if aspect not in ("primary", "restart")])
def test_nobody_answers_is_no_pass(played, aspect):
    played().silent = set(MEMBERS)
    result = judge(aspect)
    assert result["status"] == "error"
    assert "does not answer" in result["observed"]


@pytest.mark.parametrize("aspect", sorted(NEEDED))
def test_an_aspect_says_what_it_needs(aspect):
    with pytest.raises(definition.DefinitionsError, match="required with the aspect"):
        judge(aspect, **dict.fromkeys(NEEDED[aspect]))
