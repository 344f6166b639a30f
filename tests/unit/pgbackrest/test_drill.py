# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups and drills with pgBackRest, psql and a server that are played."""

from __future__ import annotations

import json

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
case "$*" in
  *" info"*) if [ -e {tmp_path}/taken ]; then cat {tmp_path}/info.json; else cat {tmp_path}/empty.json; fi; exit ;;
  *repo-ls*) cat {tmp_path}/repo; exit ;;
esac
{script}
[ "$verb" = backup ] && touch {tmp_path}/taken
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
    assert 'golive_backup_expectations_taken{stanza="main",type="full"} 0' in metrics
    assert 'golive_backup_wal_newest_timestamp_seconds{stanza="main"} 1200' in metrics


def test_a_backup_that_fails(part, settings, pgbackrest, no_database, tmp_path):
    pgbackrest('[ "$verb" = backup ] && { echo "ERROR: [082]: WAL segment was not archived" >&2; exit 82; }')
    with pytest.raises(part("settings").FailureError, match=r"\[082\] WAL segment was not archived"):
        part("backup").backup(settings, "diff")
    assert proof(tmp_path, "backup_diff")["status"] == "failed"
    metrics = (tmp_path / "metrics/golive_backup.prom").read_text()
    assert "golive_backup_last_failure_timestamp_seconds" in metrics
    assert "success" not in metrics


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
