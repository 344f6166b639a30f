# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""evidence and pgbackrest: proofs in files, and a pgBackRest that is played."""

from __future__ import annotations

import datetime
import getpass
import json
import time

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import definition

PROOF = {
    "name": "restore_drill",
    "status": "passed",
    "seconds": 3,
    "reason": "",
    "details": {"tables": 2, "clean": True},
}


@pytest.fixture
def proof(tmp_path):
    """Write a proof that is some hours old; return its path."""

    def write(hours=1.0, **changes):
        finished = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)
        path = tmp_path / "proof.json"
        content = {**PROOF, "finished_at": finished.strftime("%Y-%m-%dT%H:%M:%SZ"), **changes}
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("changes", "parameters", "status", "observed"),
    [
        ({}, {}, "pass", "passed"),
        ({}, {"max_age_hours": 2}, "pass", "1.0 hours old"),
        ({"hours": 3}, {"max_age_hours": 2}, "fail", "3.0 hours old"),
        ({"status": "failed", "reason": "no room"}, {}, "fail", "failed: no room"),
        ({"status": None}, {}, "fail", "null"),
        ({}, {"fields": {"details.tables": 2, "details.clean": True}}, "pass", "details.tables is 2"),
        ({}, {"fields": {"details.tables": 3}}, "fail", "details.tables is 2"),
        ({}, {"fields": {"details.tables": {"operator": ">=", "value": 2}}}, "pass", None),
        ({}, {"fields": {"details.none.deep": 1}}, "fail", "details.none.deep is missing"),
        ({"finished_at": "soon"}, {}, "error", "finished_at is no time"),
    ],
)
def test_evidence(check, proof, changes, parameters, status, observed):
    result = check("evidence", path=proof(**changes), **parameters)
    assert result["status"] == status
    assert observed is None or observed in result["observed"]


def test_evidence_that_is_not_there(check, tmp_path):
    result = check("evidence", path=str(tmp_path / "none"))
    assert (result["status"], result["observed"]) == ("fail", "it was never done: there is no such file")


@pytest.mark.parametrize("content", ["", "[]", "{", "\udcff"])
def test_evidence_that_is_none(check, tmp_path, content):
    (tmp_path / "proof.json").write_bytes(content.encode(errors="surrogateescape"))
    assert check("evidence", path=str(tmp_path / "proof.json"))["status"] == "error"


@pytest.mark.parametrize("fields", [["a"], {"a": {"operator": "~", "value": 1}}, {"a": {"value": 1}}, {"a": [1]}])
def test_evidence_refuses_fields(raw, fields):
    with pytest.raises(definition.DefinitionsError, match=r"parameters\.fields"):
        definition.load([raw("evidence", {"path": "/x", "fields": fields})], {}, "demo")


def repository(key, cipher="aes-256-cbc", code=0, message="ok"):
    return {"key": key, "cipher": cipher, "status": {"code": code, "message": message}}


def stanza(now, **changes):
    """A stanza with a full backup of 10 hours ago and an incremental one of 1 hour ago, in each of two repositories."""
    backups = [
        {"label": label, "type": kind, "error": False, "timestamp": {"stop": stop}, "database": {"repo-key": key}}
        for key in (1, 2)
        for label, kind, stop in (("F", "full", now - 36000), ("F_I", "incr", now - 3600))
    ]
    return {
        "name": "main",
        "status": {"code": 0, "message": "ok"},
        "repo": [repository(1), repository(2)],
        "archive": [
            {"id": "15-1", "max": "0000000100000000000000AB", "database": {"repo-key": 1}},
            {"id": "15-1", "max": "0000000100000000000000AB", "database": {"repo-key": 2}},
        ],
        "backup": backups,
        **changes,
    }


@pytest.fixture
def backrest(program, tmp_path):
    def create(now, answer, rc=0):
        (tmp_path / "info.json").write_text(json.dumps([{"name": "other"}, answer]), encoding="utf-8")
        files = {
            "0000000100000000000000AB-1f.zst": {"time": now - 600},
            "0000000100000000000000AA-1f.zst": {"time": now},
        }
        (tmp_path / "files.json").write_text(json.dumps(files), encoding="utf-8")
        program(
            "pgbackrest",
            f'echo "$*" >>{tmp_path}/calls\n'
            f'case "$*" in *repo-ls*) cat {tmp_path}/files.json ;; *) cat {tmp_path}/info.json ;; esac\n'
            f"[ {rc} = 0 ] || echo 'ERROR: [103]: no answer' >&2; exit {rc}",
        )
        return lambda: (tmp_path / "calls").read_text(encoding="utf-8")

    return create


def ask(check, **parameters):
    return check("pgbackrest", stanza="main", system_user=getpass.getuser(), **parameters)


@pytest.mark.parametrize(
    ("parameters", "status", "observed"),
    [
        ({}, "pass", "ok"),
        ({"encrypted": True}, "pass", "cipher aes-256-cbc"),
        ({"encrypted": False}, "fail", None),
        ({"max_full_age_hours": 11}, "pass", "10.0 hours old"),
        ({"max_full_age_hours": 9}, "fail", "10.0 hours old"),
        ({"max_backup_age_hours": 2}, "pass", "1.0 hours old"),
        ({"max_backup_age_hours": 0.5}, "fail", "1.0 hours old"),
        ({"max_wal_age_minutes": 11}, "pass", "0000000100000000000000AB is 10.0 minutes old"),
        ({"max_wal_age_minutes": 9}, "fail", None),
        ({"min_full": 2}, "fail", "1 full backups"),
    ],
)
def test_pgbackrest(check, backrest, parameters, status, observed):
    now = time.time()
    backrest(now, stanza(now))
    result = ask(check, **parameters)
    assert result["status"] == status
    assert observed is None or observed in result["observed"]


@pytest.mark.parametrize(
    ("changes", "parameters", "status"),
    [
        ({"repo": [repository(1), repository(2, code=2, message="no valid backups")]}, {}, "fail"),
        # What pgBackRest says where one repository has more than the other.
        ({"status": {"code": 4, "message": "different across repos"}}, {}, "pass"),
        ({"repo": [], "status": {"code": 2, "message": "no valid backups"}}, {}, "fail"),
        ({"repo": [repository(1), repository(2, cipher="none")]}, {"encrypted": True}, "fail"),
        ({"backup": []}, {"max_full_age_hours": 1}, "fail"),
        ({"archive": []}, {"max_wal_age_minutes": 1}, "fail"),
        ({"name": "another"}, {}, "error"),
        ({"archive": [{"id": "15-1", "max": "0000000100000000000000FF"}]}, {"max_wal_age_minutes": 9}, "error"),
        ({"backup": [{"label": "F", "type": "full", "error": True, "timestamp": {"stop": 1}}]}, {}, "fail"),
    ],
)
def test_pgbackrest_that_is_not_well(check, backrest, changes, parameters, status):
    now = time.time()
    backrest(now, stanza(now, **changes))
    assert ask(check, **parameters)["status"] == status


def test_pgbackrest_names_the_repository_that_is_behind(check, backrest):
    now = time.time()
    answer = stanza(now)
    answer["backup"] = [item for item in answer["backup"] if item["database"]["repo-key"] == 1]
    answer["archive"] = answer["archive"][:1]
    backrest(now, answer)
    result = ask(check, max_full_age_hours=11, max_wal_age_minutes=11)
    assert result["status"] == "fail"
    assert "no full backup in repository 2" in result["observed"]
    assert "no WAL in repository 2" in result["observed"]


def test_pgbackrest_asks_for_one_repository(check, backrest):
    now = time.time()
    calls = backrest(now, stanza(now))
    ask(check, repository=1)
    assert calls().splitlines()[0].endswith("info --repo=1")


def test_pgbackrest_that_does_not_answer(check, backrest):
    backrest(0, stanza(0), rc=103)
    result = ask(check)
    assert (result["status"], result["observed"]) == ("error", "pgbackrest info failed: ERROR: [103]: no answer")


def test_pgbackrest_only_reads_and_leaves_no_log(check, backrest):
    now = time.time()
    calls = backrest(now, stanza(now))
    ask(check, max_wal_age_minutes=11)
    lines = calls().splitlines()
    folder = "archive/main/15-1/0000000100000000"
    assert [line.split()[-1] for line in lines] == ["info", folder, folder]
    assert ["--repo=1" in lines[1], "--repo=2" in lines[2]] == [True, True]
    assert all("--log-level-file=off" in line for line in lines)
