# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups and drills with pgBackRest, psql and a server that are played."""

from __future__ import annotations

import datetime
import json
import time
from typing import ClassVar

import pytest

INFO = [
    {
        "name": "main",
        "status": {"code": 0, "message": "ok"},
        "archive": [{"id": "15-1", "max": "000000010000000000000005"}],
        "backup": [
            {
                "label": "20260101-000000F",
                "type": "full",
                "error": False,
                "reference": None,
                "timestamp": {"start": 990, "stop": 1000},
                "info": {"size": 1000, "repository": {"delta": 100}},
                "archive": {"start": "000000010000000000000003", "stop": "000000010000000000000003"},
                "lsn": {"start": "0/3000028", "stop": "0/3000100"},
                "database": {"id": 1, "repo-key": 1},
            }
        ],
    }
]


@pytest.fixture
def pgbackrest(program, tmp_path):
    """A pgBackRest that answers `info` before and after a backup, and others by a script."""
    (tmp_path / "info.json").write_text(json.dumps(INFO))
    (tmp_path / "empty.json").write_text(json.dumps([{**INFO[0], "backup": []}]))
    (tmp_path / "repo").write_text('{"000000010000000000000005-x.zst": {"time": 1200}}')

    def create(script=""):
        program(
            "pgbackrest",
            f"""echo "$*" >>{tmp_path}/calls
for verb; do :; done
[ -e {tmp_path}/lost ] && case "$*" in --repo=1*" info") echo "ERROR: [055]: no answer" >&2; exit 55 ;; esac
case "$*" in
  *" info"*)
    if [ -e {tmp_path}/taken ] || [ -e {tmp_path}/taken$1 ]; then name=info; else name=empty; fi
    cat {tmp_path}/$name.json; exit ;;
  *repo-ls*) cat {tmp_path}/repo; exit ;;
esac
{script}
[ "$verb" = backup ] && touch {tmp_path}/taken$1
exit 0""",
        )
        return (tmp_path / "calls").read_text

    return create


def proof(tmp_path, name):
    return json.loads((tmp_path / f"evidence/{name}.json").read_text())


@pytest.fixture
def no_database(part, monkeypatch):
    monkeypatch.setattr(part("database"), "has_standby", lambda settings: False)
    failure = part("settings").FailureError

    def take(settings, repository, label):
        raise failure("canceling statement due to lock timeout")

    monkeypatch.setattr(part("expectations"), "take", take)


def test_a_backup_is_good_without_expectations(part, settings, pgbackrest, no_database, tmp_path):
    calls = pgbackrest()
    part("backup").backup(settings, "full")
    found = proof(tmp_path, "backup_full")
    assert (found["status"], found["details"]["label"]) == ("passed", "20260101-000000F")
    assert found["details"]["expectations"] == {"taken": False, "reason": "canceling statement due to lock timeout"}
    assert "--type=full --no-backup-standby backup" in calls()
    metrics = (tmp_path / "metrics/golive_backup.prom").read_text()
    assert 'golive_backup_expectations_taken{repository="1",stanza="main",type="full"} 0' in metrics
    assert 'golive_backup_wal_newest_timestamp_seconds{repository="1",stanza="main"} 1200' in metrics


def test_a_backup_that_fails(part, settings, pgbackrest, no_database, tmp_path):
    pgbackrest('[ "$verb" = backup ] && { echo "ERROR: [082]: WAL segment was not archived" >&2; exit 82; }')
    with pytest.raises(part("settings").FailureError, match=r"\[082\] WAL segment was not archived"):
        part("backup").backup(settings, "diff")
    assert proof(tmp_path, "backup_diff")["status"] == "failed"
    metrics = (tmp_path / "metrics/golive_backup.prom").read_text()
    assert "golive_backup_last_failure_timestamp_seconds" in metrics
    assert "success" not in metrics


def test_each_repository_is_backed_up(part, make_settings, pgbackrest, no_database, tmp_path):
    calls = pgbackrest()
    done = part("backup").backup(make_settings(repositories=["", ""]), "full", expire=False)
    lines = [line for line in calls().splitlines() if line.endswith(" backup")]
    assert [line.split()[0] for line in lines] == ["--repo=1", "--repo=2"]
    assert all("--no-expire-auto" in line for line in lines)
    assert [item["repository"] for item in done["further"]] == [2]
    metrics = (tmp_path / "metrics/golive_backup.prom").read_text()
    assert 'golive_backup_last_success_timestamp_seconds{repository="2",stanza="main",type="full"}' in metrics


def test_a_repository_that_fails_does_not_keep_the_others_from_their_backups(
    part, make_settings, pgbackrest, no_database, tmp_path
):
    calls = pgbackrest('case "$*" in --repo=2*backup) echo "ERROR: [039]: the bucket is gone" >&2; exit 39 ;; esac')
    with pytest.raises(part("settings").FailureError, match=r"^repository 2: .*the bucket is gone$"):
        part("backup").backup(make_settings(repositories=["", "", ""]), "full")
    assert [line.split()[0] for line in calls().splitlines() if line.endswith(" backup")] == [
        "--repo=1",
        "--repo=2",
        "--repo=3",
    ]
    found = proof(tmp_path, "backup_full")
    assert (found["status"], found["details"]["label"]) == ("failed", "20260101-000000F")


def test_a_backup_that_is_told_to_end_says_so_and_begins_no_other(
    part, make_settings, pgbackrest, no_database, monkeypatch, tmp_path
):
    pgbackrest()
    taken = []

    def stop(repository, *_more):
        taken.append(repository.number)
        raise part("settings").StoppedError("ended by signal SIGTERM")

    monkeypatch.setattr(part("repository").Repository, "backup", stop)
    with pytest.raises(part("settings").FailureError, match="ended by signal SIGTERM"):
        part("backup").backup(make_settings(repositories=["", ""]), "full")
    assert taken == [1]
    assert proof(tmp_path, "backup_full")["reason"] == "ended by signal SIGTERM"


def test_which_repository_holds_a_backup(part, make_settings, pgbackrest, taken, tmp_path):
    pgbackrest()
    holding = part("repository").holding
    settings = make_settings(repositories=["", ""])
    assert [holding(settings, label).number for label in ("", "20260101-000000F", "nobody has this")] == [1, 1, 1]
    (tmp_path / "lost").touch()
    assert [holding(settings, label).number for label in ("", "20260101-000000F", "nobody has this")] == [1, 2, 1]


def test_from_a_standby_and_from_the_primary_when_it_is_gone(part, settings, pgbackrest, tmp_path):
    calls = pgbackrest(
        'case "$*" in *--backup-standby*) echo "ERROR: [056]: unable to find standby cluster" >&2; exit 56 ;; esac'
    )
    part("repository").Repository(settings).backup("incr", standby=True)
    lines = [line for line in calls().splitlines() if line.endswith("backup")]
    assert ["--backup-standby" in line for line in lines] == [True, False]
    assert ["--no-backup-standby" in line for line in lines] == [False, True]


def test_a_failure_of_the_primary_is_not_tried_twice(part, settings, pgbackrest, tmp_path):
    calls = pgbackrest('[ "$verb" = backup ] && { echo "ERROR: [050]: unable to acquire lock" >&2; exit 50; }')
    with pytest.raises(part("settings").FailureError, match="unable to acquire lock"):
        part("repository").Repository(settings).backup("incr", standby=True)
    assert calls().count("--type=incr") == 1


def test_damaged_files_are_those_that_are_damaged_twice(part, settings, pgbackrest, tmp_path):
    pgbackrest(
        f"""echo "2026-01-01 00:00:00.000 P00   INFO: verify command begin 2.45: --stanza=main"
echo "2026-01-01 00:00:00.000 P01   INFO: invalid checksum 'F/pg_data/base/1.zst'"
[ -e {tmp_path}/second ] || echo "2026-01-01 00:00:00.000 P01   INFO: missing file 'F/pg_data/base/2.zst'"
touch {tmp_path}/second
echo "2026-01-01 00:00:00.000 P00   INFO: stanza: main"
echo "                                    status: error\""""
    )
    found = part("repository").Repository(settings).damaged_files()
    assert found == ["invalid checksum 'F/pg_data/base/1.zst'"]


@pytest.fixture
def taken(tmp_path):
    (tmp_path / "taken").touch()


def test_a_drill_of_a_damaged_backup_names_backup_and_file(part, settings, pgbackrest, taken, tmp_path):
    pgbackrest(
        """case "$verb" in
  restore) echo "ERROR: [029]: zst error: Data corruption detected" >&2; exit 29 ;;
  verify) echo "2026-01-01 00:00:00.000 P01   INFO: invalid checksum '20260101-000000F/bundle'" ;;
esac"""
    )
    with pytest.raises(part("settings").FailureError):
        part("drill").drill(settings)
    found = proof(tmp_path, "restore_drill")
    assert found["status"] == "failed"
    assert "the backup 20260101-000000F is damaged" in found["reason"]
    assert "invalid checksum '20260101-000000F/bundle'" in found["reason"]
    assert not (tmp_path / "scratch/main").exists()
    metrics = (tmp_path / "metrics/golive_restore_drill.prom").read_text()
    assert 'golive_restore_drill_status{stanza="main"} 0' in metrics


def test_a_drill_without_expectations_of_declared_tables_fails(part, make_settings, pgbackrest, taken, tmp_path):
    pgbackrest()
    with pytest.raises(part("settings").FailureError, match="has no expectations to compare with"):
        part("drill").drill(make_settings(tables=[{"database": "erp", "table": "invoice"}]))


def test_a_drill_without_room(part, settings, pgbackrest, taken, tmp_path):
    big = json.loads((tmp_path / "info.json").read_text())
    big[0]["backup"][0]["info"]["size"] = 1 << 60
    (tmp_path / "info.json").write_text(json.dumps(big))
    pgbackrest()
    with pytest.raises(part("settings").FailureError, match="MiB free, the drill needs"):
        part("drill").drill(settings)
    assert not (tmp_path / "scratch/main").exists()


def test_a_named_backup_leaves_the_proof_of_the_newest_alone(part, settings, pgbackrest, taken, tmp_path):
    pgbackrest('[ "$verb" = restore ] && exit 1')
    with pytest.raises(part("settings").FailureError):
        part("drill").drill(settings, label="20260101-000000F")
    assert not (tmp_path / "evidence/restore_drill.json").exists()
    assert proof(tmp_path, "restore_drill_selected")["status"] == "failed"


class FakeSession:
    def __init__(self, tables, commit):
        self.tables = tables
        self.commit = commit

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def value(self, sql):
        if "pg_last_xact_replay_timestamp" in sql:
            return self.commit()
        return "000000010000000000000005" if "pg_walfile_name" in sql else "t"

    def ask(self, sql, timeout=None):
        return [[item["table"], str(item["rows"] or ""), item["checksum"] or ""] for item in self.tables]


class FakeInstance:
    """A scratch server that holds what is expected; its archive reaches to a moment before it was replayed."""

    tablespaces = "/none"
    tables: ClassVar = []
    lag = 0.0
    replay = 0.0

    def __init__(self, settings):
        self.promoted = False

    def session(self, name="postgres", timeout=30):
        return FakeSession(self.tables, lambda: self.commit)

    def start(self, parameters):
        if parameters:
            time.sleep(self.replay)
        # Commits went on while the drill ran.
        moment = datetime.datetime.fromtimestamp(time.time() - self.lag, datetime.timezone.utc)
        self.commit = moment.isoformat()

    def make_room(self, needed):
        pass

    def wait_until(self, condition, deadline):
        pass

    def stop(self):
        pass

    def amcheck(self, timeout):
        return ""

    def remove(self):
        pass


@pytest.fixture
def scratch(part, make_settings, pgbackrest, taken, monkeypatch, tmp_path):
    """Rehearse with these tables (name: rows) in the backup's expectations and in the scratch server."""

    def run(tables, script="", **changes):
        pgbackrest(script)
        found = [
            {"database": "erp", "table": name, "rows": rows, "checksum": None if rows is None else "1"}
            for name, rows in tables.items()
        ]
        expected = {
            "backup": "20260101-000000F",
            "restore_point": "golive-20260101-000000F",
            "lsn": "0/5000060",
            "wal": "000000010000000000000005",
            "taken_at": "1970-01-01T00:20:00Z",
            "tables": found,
        }
        folder = tmp_path / "state/expectations/main"
        folder.mkdir(parents=True)
        (folder / "20260101-000000F.json").write_text(json.dumps(expected))
        monkeypatch.setattr(FakeInstance, "tables", found)
        monkeypatch.setattr(part("drill"), "Instance", FakeInstance)
        declared = [{"database": "erp", "table": name} for name in tables]
        part("drill").drill(make_settings(tables=declared, **changes))
        return proof(tmp_path, "restore_drill")["details"]

    return run


def test_a_drill_says_what_it_compared_and_what_was_not_there(scratch):
    found = scratch({"public.invoice": 2, "public.later": None})
    assert (found["tables_compared"], found["absent_tables"]) == (1, ["erp: public.later"])


def test_a_drill_without_tables_has_compared_none(scratch):
    found = scratch({})
    assert (found["tables_compared"], found["absent_tables"]) == (0, [])


@pytest.mark.parametrize("lag", [0.0, 5.0])
def test_the_archives_lag_is_measured_when_all_of_it_was_replayed(scratch, monkeypatch, lag):
    monkeypatch.setattr(FakeInstance, "lag", lag)
    monkeypatch.setattr(FakeInstance, "replay", 0.5)
    # Measured against the drill's start an archive that goes on growing would never be behind.
    assert scratch({})["rpo_seconds"] == pytest.approx(lag, abs=0.4)


def test_every_repository_is_read_again(part, scratch, tmp_path):
    damage = """case "$*" in --repo=2*verify) echo "2026-01-01 00:00:00.000 P01   INFO: missing file 'x'" ;; esac"""
    with pytest.raises(part("settings").FailureError, match="repository has damage: repository 2: missing file 'x'"):
        scratch({}, damage, repositories=["", ""])


def test_a_drill_that_is_killed_leaves_no_older_proof(part, settings, pgbackrest, taken, monkeypatch, tmp_path):
    class KilledError(BaseException):
        pass

    def die(*_arguments):
        raise KilledError

    pgbackrest()
    part("system").write_evidence(settings, "restore_drill", 0, "", {})
    monkeypatch.setattr(part("drill"), "_rehearse", die)
    with pytest.raises(KilledError):
        part("drill").drill(settings)
    found = proof(tmp_path, "restore_drill")
    assert (found["status"], found["reason"]) == ("failed", "under way, or it was killed")


def test_a_drill_that_is_told_to_end_cleans_up_and_says_so(part, settings, pgbackrest, taken, monkeypatch, tmp_path):
    def stop(*_arguments, **_more):
        raise part("settings").StoppedError("ended by signal SIGTERM")

    pgbackrest()
    monkeypatch.setattr(part("drill")._Drill, "_restore", stop)
    with pytest.raises(part("settings").FailureError, match="ended by signal SIGTERM"):
        part("drill").drill(settings)
    assert proof(tmp_path, "restore_drill")["reason"] == "ended by signal SIGTERM"
    assert not (tmp_path / "scratch/main").exists()


def test_damage_is_reported_also_when_the_repository_cannot_be_read(
    part, settings, pgbackrest, taken, monkeypatch, tmp_path
):
    def fail(repository):
        raise ValueError("no answer")

    pgbackrest('[ "$verb" = restore ] && exit 29')
    monkeypatch.setattr(part("repository").Repository, "damaged_files", fail)
    with pytest.raises(part("settings").FailureError):
        part("drill").drill(settings)
    reason = proof(tmp_path, "restore_drill")["reason"]
    assert "is damaged or cannot be read" in reason
    assert "the repository could not be verified: ValueError: no answer" in reason


def test_recovery_leaves_the_new_timeline_to_the_real_server(part, make_settings, monkeypatch, tmp_path):
    started = []

    class FakeServer(FakeInstance):
        def __init__(self, settings, data, folder):
            pass

        def start(self, parameters):
            started.append(parameters)

        def session(self, name="postgres", timeout=30):
            return FakeSession([], lambda: "2026-01-01T00:00:00+00:00")

    monkeypatch.setattr(part("recovery"), "Server", FakeServer)
    monkeypatch.setattr(part("recovery"), "FOLDER", str(tmp_path / "run"))
    assert part("recovery").recover(make_settings()) == "2026-01-01T00:00:00+00:00"
    assert started[0]["archive_command"] == "/bin/false"


def test_what_the_server_says_of_its_trouble(part, settings, tmp_path):
    server = part("server").Server(settings, str(tmp_path), str(tmp_path))
    (tmp_path / "server.log").write_text(
        "2026 [1] LOG:  starting PostgreSQL\n"
        "2026 [1] FATAL:  the database system is starting up\n"
        "2026 [1] LOG:  incorrect resource manager data checksum in record at 0/4002A20\n"
        "2026 [1] FATAL:  recovery ended before configured recovery target was reached\n"
    )
    assert server.trouble() == (
        "incorrect resource manager data checksum in record at 0/4002A20; "
        "recovery ended before configured recovery target was reached"
    )


def test_one_connection_many_questions(part, settings, program, tmp_path):
    program(
        "psql",
        """while read -r line; do
  case "$line" in
    "\\\\echo "*) echo "${line#* }" ;;
    "SELECT two;") printf 'a\\037b\\nc\\037\\n' ;;
    "SELECT wrong;") echo 'psql:<stdin>:3: ERROR:  column "wrong" does not exist' >&2; exit 3 ;;
    "SELECT slow;") sleep 5 ;;
  esac
done""",
    )
    session = part("database").Session(settings, {"host": "db", "dbname": "erp"})
    assert session.ask("SELECT two") == [["a", "b"], ["c", ""]]
    assert session.ask("SELECT nothing") == []
    assert session.value("SELECT two") == "a"
    with pytest.raises(part("settings").FailureError, match='column "wrong" does not exist'):
        session.ask("SELECT wrong")
    session.close()
    with (
        part("database").Session(settings, {}) as session,
        pytest.raises(part("settings").FailureError, match="no answer within"),
    ):
        session.ask("SELECT slow", timeout=0.3)
