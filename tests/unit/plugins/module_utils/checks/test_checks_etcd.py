# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_cluster with a fake etcdctl, etcd_refused with servers on loopback."""

from __future__ import annotations

import json

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import definition
from ansible_collections.golive.delivery.plugins.module_utils.etcd import view

MEMBERS = {name: f"https://{name}:2379" for name in ("a", "b", "c")}
FILES = {"certificate": "/root.pem", "key": "/root.key", "ca_path": "/ca.pem"}


def status(name, identifier, leader=10, term=2, applied=100, size=20 * 1024 * 1024):
    return {
        "Endpoint": f"https://{name}:2379",
        "Status": {
            "header": {"member_id": identifier},
            "leader": leader,
            "raftTerm": term,
            "raftIndex": 100,
            "raftAppliedIndex": applied,
            "dbSize": size,
        },
    }


STATUSES = [status("a", 10), status("b", 11), status("c", 12)]
# As 3.4.23 answers while its health is true.
ALARMS = ["memberID:443629905751424238 alarm:NOSPACE ", "memberID:11 alarm:CORRUPT "]
ALARMED = [{**item, "Status": {**item["Status"], "errors": ALARMS}} for item in STATUSES]
LISTED = [
    {"ID": 10 + number, "name": name, "peerURLs": [f"https://{name}:2380"], "clientURLs": [f"https://{name}:2379"]}
    for number, name in enumerate(MEMBERS)
]


@pytest.fixture
def cluster(check, program, tmp_path, monkeypatch):
    """Return a function that makes one check of a cluster that answers as told."""
    monkeypatch.setattr(view, "listening", lambda endpoints: endpoints)

    def make(aspect, statuses=None, members=None, sick=(), **parameters):
        statuses = STATUSES if statuses is None else statuses
        health = [{"endpoint": url, "health": name not in sick} for name, url in MEMBERS.items()]
        for name, data in {"status": statuses, "list": {"members": members or LISTED}, "health": health}.items():
            (tmp_path / name).write_text(json.dumps(data), encoding="utf-8")
        code = 0 if len(statuses) == len(MEMBERS) and not sick else 1
        program(
            "etcdctl",
            "for word; do case $word in status|list|health) file=$word ;; esac; done\n"
            f"echo 'Error: context deadline exceeded' >&2; cat {tmp_path}/$file\n"
            f'[ "$file" = list ] || exit {code}',
        )
        return check("etcd_cluster", aspect=aspect, members=MEMBERS, name="c", **FILES, **parameters)

    return make


@pytest.mark.parametrize("aspect", ["members", "leader", "lag", "size"])
def test_a_sound_cluster_passes(cluster, aspect):
    result = cluster(aspect, quota_mib=100)
    assert (result["status"], result["seconds"] < 3) == ("pass", True)


@pytest.mark.parametrize(
    ("changes", "observed"),
    [
        ({"sick": ["b"]}, "the members are a, b, c; not healthy: b; no alarm"),
        ({"members": LISTED[:2]}, "the members are a, b; not healthy: c; no alarm"),
        (
            {"members": [*LISTED, {"ID": 13, "name": "x", "peerURLs": []}]},
            "the members are a, b, c, x; all healthy; no alarm",
        ),
        (
            {"members": [*LISTED[:2], {**LISTED[2], "isLearner": True}]},
            "the members are a, b, c; not healthy: c; no alarm",
        ),
        ({"statuses": ALARMED}, "the members are a, b, c; all healthy; alarm CORRUPT, NOSPACE: no writes"),
    ],
)
def test_members(cluster, changes, observed):
    result = cluster("members", **changes)
    assert (result["status"], result["observed"]) == ("fail", observed)


@pytest.mark.parametrize(
    ("statuses", "observed"),
    [
        (STATUSES[:2], "2 members see a leader"),
        ([*STATUSES[:2], status("c", 12, leader=11)], "leader a, b"),
        ([*STATUSES[:2], status("c", 12, leader=0)], "leader a, none"),
        ([*STATUSES[:2], status("c", 12, term=3)], "term 2, 3"),
    ],
)
def test_leader(cluster, statuses, observed):
    result = cluster("leader", statuses=statuses)
    assert result["status"] == "fail"
    assert observed in result["observed"]


def test_lag(cluster):
    statuses = [*STATUSES[:2], status("c", 12, applied=89)]
    result = cluster("lag", statuses=statuses, max_lag=10)
    assert (result["status"], result["observed"]) == ("fail", "11 entries behind")
    assert cluster("lag", statuses=statuses, max_lag=11)["status"] == "pass"
    assert cluster("lag", statuses=STATUSES[:2])["status"] == "error"


def test_size(cluster):
    result = cluster("size", quota_mib=24)
    assert (result["status"], result["observed"]) == ("fail", "20.0 MiB, 83 %")
    assert cluster("size", quota_mib=24, max_percent=90)["status"] == "pass"


def test_nobody_answers(cluster):
    result = cluster("members", statuses=[])
    assert (result["status"], result["observed"]) == (
        "error",
        "nobody answers at https://a:2379, https://b:2379, https://c:2379",
    )


@pytest.mark.parametrize(
    ("kind", "parameters", "field"),
    [
        ("etcd_cluster", {"aspect": "size", "members": MEMBERS, "name": "a", **FILES}, "parameters.quota_mib"),
        ("etcd_cluster", {"aspect": "lag", "members": MEMBERS, **FILES}, "parameters.name"),
        ("etcd_cluster", {"aspect": "lag", "members": MEMBERS, "name": "x", **FILES}, "parameters.name"),
        ("etcd_refused", {"without": "user", "host": "a", "ca_path": "/ca.pem"}, "parameters.certificate"),
    ],
)
def test_definitions_that_are_refused(raw, kind, parameters, field):
    with pytest.raises(definition.DefinitionsError, match=field):
        definition.load([raw(kind, parameters)], {}, "demo")


def refused(check, port, without, authority, **parameters):
    return check("etcd_refused", without=without, host="127.0.0.1", port=port, ca_path=authority.ca, **parameters)


def test_client_without_certificate(check, serve_tls, authority, leaf):
    result = refused(check, serve_tls(leaf, client_ca=authority.ca), "certificate", authority)
    assert result["status"] == "pass"
    assert "refused" in result["observed"]
    result = refused(check, serve_tls(leaf), "certificate", authority)
    assert result["status"] == "fail"


def test_server_that_is_not_trusted_proves_nothing(check, serve_tls, authority, leaf):
    result = refused(check, serve_tls(leaf, client_ca=authority.ca), "certificate", authority.stranger())
    assert result["status"] == "error"


def test_nobody_listens(check, authority, serve):
    for without in ("certificate", "tls"):
        assert refused(check, 1, without, authority)["status"] == "error"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"", "pass"),
        (b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.", "pass"),
        (b"HTTP/1.0 200 OK\r\n\r\n{}", "fail"),
    ],
)
def test_plain_http(check, serve, authority, answer, state):
    def talk(connection):
        connection.recv(100)
        connection.sendall(answer)

    assert refused(check, serve(talk), "tls", authority)["status"] == state


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("echo 'Error: etcdserver: permission denied' >&2; exit 1", "pass"),
        ("echo 'Error: etcdserver: user name is empty' >&2; exit 1", "pass"),
        ("exit 0", "fail"),
        ("echo 'Error: context deadline exceeded' >&2; exit 1", "error"),
    ],
)
def test_request_without_a_user(check, program, authority, script, state):
    program("etcdctl", script)
    result = refused(check, 2379, "user", authority, certificate="/etcd.pem", key="/etcd.key")
    assert result["status"] == state
