# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host holds, and what keeps it from being a member."""

from __future__ import annotations

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.patroni import fitness, host

MINE = "7000000000000000001"


def controldata(identifier):
    return lambda argv: (0, f"Database system identifier:           {identifier}\n", "")


def make(folder, *files):
    for name in files:
        (folder / name).write_text("15\n", encoding="utf-8")
    return host.read_data(str(folder), str(folder), controldata(MINE))


def test_a_directory_that_is_not_there_is_empty(tmp_path):
    assert make(tmp_path / "none") == host.Data(True, "", "", False, "")


def test_a_file_system_of_its_own_is_nothing_for_initdb(tmp_path):
    (tmp_path / "lost+found").mkdir()
    data = make(tmp_path)
    assert not data.empty
    assert data.problem == "holds only lost+found: PostgreSQL wants an empty directory"


def test_data_of_a_standalone_server(tmp_path):
    data = make(tmp_path, "PG_VERSION")
    assert (data.present, data.version, data.system_identifier, data.managed) == (True, "15", MINE, False)


def test_data_of_a_member(tmp_path):
    assert make(tmp_path, "PG_VERSION", "patroni.dynamic.json").managed


def test_files_that_are_no_data(tmp_path):
    data = make(tmp_path, "thesis.txt")
    assert not data.present
    assert data.problem == "holds files, but no database cluster"


def test_data_that_nothing_here_can_read(tmp_path):
    (tmp_path / "PG_VERSION").write_text("9.6\n", encoding="utf-8")
    assert "cannot read" in host.read_data(str(tmp_path), str(tmp_path / "none"), controldata(MINE)).problem
    assert "pg_controldata" in host.read_data(str(tmp_path), str(tmp_path), lambda argv: (1, "", "bad")).problem


@pytest.mark.parametrize("line", ["data_directory = '/srv/pg'", "  data_directory='/srv/pg' # here"])
def test_debian_says_where_the_data_is(tmp_path, line):
    (tmp_path / "postgresql.conf").write_text(f"# a comment\n{line}\n", encoding="utf-8")
    assert host.read_debian(str(tmp_path)) == {"present": True, "data_directory": "/srv/pg"}
    assert host.read_debian(str(tmp_path / "none")) == {"present": False, "data_directory": ""}


@pytest.mark.parametrize(
    ("data", "debian", "identifier", "words"),
    [
        (host.Data(True, "", "", False, ""), "", MINE, []),
        (host.Data(False, "15", MINE, False, ""), "/data", MINE, []),
        (host.Data(False, "15", MINE, False, ""), "/data", "", []),
        (
            host.Data(False, "15", "8", False, ""),
            "",
            MINE,
            ["db2: /data holds another database cluster", "identifier 8"],
        ),
        (host.Data(False, "13", MINE, False, ""), "", MINE, ["db2: /data holds PostgreSQL 13, not 15"]),
        (host.Data(False, "", "", False, "holds files"), "", "", ["db2: /data holds files. It is left untouched"]),
        (host.Data(True, "", "", False, ""), "/srv", "", ["keeps its data in /srv, not in /data"]),
    ],
)
def test_what_keeps_a_host_from_being_a_member(data, debian, identifier, words):
    standalone = {"present": bool(debian), "data_directory": debian}
    problems = fitness.of_host("db2", "main", "15", "/data", data, standalone, identifier)
    assert len(problems) == bool(words)
    assert all(word in problems[0] for word in words)


def test_a_running_cluster_is_described(played, client):
    played()
    summary, cluster, problems = fitness.running(client(), "main")
    assert problems == []
    assert summary == {
        "answers": ["db1", "db2", "db3"],
        "being_made": [],
        "excuses": {},
        "system_identifier": MINE,
        "leader": "db1",
        "members": ["db1", "db2", "db3"],
        "primary": "db1",
    }
    assert cluster.members["db2"].synchronous


def test_a_primary_that_stepped_down_is_none_whatever_the_store_says(played, client, monkeypatch):
    cluster = played()
    ask = cluster._get_patroni
    monkeypatch.setattr(cluster, "_get_patroni", lambda name, body: (200, {**ask(name, body)[1], "role": "demoted"}))
    summary = fitness.running(client(), "main")[0]
    assert (summary["leader"], summary["primary"]) == ("db1", "")


@pytest.mark.parametrize(
    ("declared", "running", "device", "refused"),
    [("required", True, False, True), ("required", True, True, False), ("required", False, False, False),
     ("automatic", True, False, False), (None, True, False, False)],
)  # fmt: skip
def test_a_watchdog_that_the_running_patroni_cannot_have_is_refused(declared, running, device, refused):
    problems = fitness.of_watchdog("db1", declared, running, device)
    assert [problem.startswith("db1: postgresql_watchdog is required") for problem in problems] == [True] * refused


def test_nobody_answers(played, client):
    played().silent = {"db1", "db2", "db3"}
    summary, cluster, problems = fitness.running(client(), "main")
    assert (summary["answers"], cluster.members, problems) == ([], {}, [])
    assert sorted(summary["excuses"]) == ["db1", "db2", "db3"]


def test_a_member_of_another_cluster_is_refused(played, client):
    played()
    problems = fitness.running(client(), "erp")[2]
    assert problems[0] == "db1 is a member of the cluster main, not of erp"


@pytest.mark.parametrize(("state", "refused"), [("streaming", True), ("stopped", False)])
def test_an_undeclared_member_has_to_be_stopped_first(played, client, state, refused):
    played().extra_members = [{"name": "db4", "role": "replica", "state": state}]
    problems = fitness.running(client(), "main")[2]
    assert [problem.startswith("db4 still takes part") for problem in problems] == [True] * refused
