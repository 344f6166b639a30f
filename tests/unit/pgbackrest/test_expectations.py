# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is expected of a restored backup, how it is taken, and what differs."""

from __future__ import annotations

from typing import ClassVar

import pytest


def table(rows, checksum="1", name="public.invoice"):
    return {"database": "erp", "table": name, "rows": rows, "checksum": checksum}


@pytest.mark.parametrize(
    ("expected", "found", "message"),
    [
        ([table(2)], [table(2)], None),
        ([table(None, None)], [table(None, None)], None),
        ([table(2)], [table(1)], "erp: public.invoice has 1 rows instead of 2 rows"),
        ([table(2)], [table(None, None)], "has no table instead of 2 rows"),
        ([table(2)], [table(2, "9")], "has the right number of rows (2) but another content"),
        ([table(2)], [], "was not measured"),
        ([table(0, "0")], [table(None, None)], "has no table instead of 0 rows"),
    ],
)
def test_differences(part, expected, found, message):
    wrong = part("expectations").differences(expected, found)
    assert (message is None) == (wrong == [])
    assert message is None or message in wrong[0]


class FakeSession:
    """Answers by the beginning of the statement, and remembers who asked what in which order."""

    log: ClassVar[list] = []
    lock_failures = 0

    def __init__(self, database):
        self.database = database

    def ask(self, sql, timeout=None):
        self.log.append((self.database, sql))
        if "lock_tables" in sql and FakeSession.lock_failures:
            FakeSession.lock_failures -= 1
            raise self.failure("canceling statement due to lock timeout")
        if "pg_create_restore_point" in sql:
            return [["0/5000060", "000000010000000000000005", "1700000000.5", "15"]]
        if "measure" in sql:
            return [["public.invoice", "2", "77"], ["public.later", "", ""]]
        return []

    def value(self, sql, timeout=None):
        self.log.append((self.database, sql))
        return "00000003-1"

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.log.append((self.database, "closed"))


class FakeRepository:
    newest = "000000010000000000000005"

    def newest_wal(self):
        return self.newest


@pytest.fixture
def taking(part, make_settings, monkeypatch):
    FakeSession.log, FakeSession.lock_failures = [], 0
    FakeSession.failure = part("settings").FailureError
    monkeypatch.setattr(part("expectations"), "primary", lambda settings, database="postgres": FakeSession(database))
    return make_settings(tables=[{"database": "erp", "table": "invoice"}, {"database": "wms", "table": "bin"}])


def test_the_restore_point_is_written_while_all_locks_are_held(part, taking):
    found = part("expectations").take(taking, FakeRepository(), "LABEL")
    statements = [(database, sql.split("(")[0]) for database, sql in FakeSession.log]
    point = next(
        index for index, item in enumerate(statements) if "pg_create_restore_point" in FakeSession.log[index][1]
    )
    for database in ("erp", "wms"):
        lock = statements.index((database, "SELECT golive_backup.lock_tables"))
        export = statements.index((database, "SELECT pg_export_snapshot"))
        taken = next(
            index for index, item in enumerate(FakeSession.log) if item[1].startswith("SET TRANSACTION SNAPSHOT")
        )
        release = statements.index((database, "COMMIT"))
        measured = next(
            index for index, item in enumerate(FakeSession.log) if item[0] == database and "measure" in item[1]
        )
        assert lock < export < point < release < measured
        assert taken < release
    assert found["restore_point"] == "golive-LABEL"
    assert found["tables"][:2] == [
        {"database": "erp", "table": "public.invoice", "rows": 2, "checksum": "77"},
        {"database": "erp", "table": "public.later", "rows": None, "checksum": None},
    ]
    assert part("expectations").load(taking, "LABEL") == found


def test_writers_that_do_not_let_in_are_asked_again(part, taking):
    FakeSession.lock_failures = 3
    assert part("expectations").take(taking, FakeRepository(), "LABEL")["wal"]
    FakeSession.lock_failures = 99
    with pytest.raises(FakeSession.failure, match="lock timeout"):
        part("expectations").take(taking, FakeRepository(), "LABEL")


def test_an_archive_that_does_not_get_there(part, taking):
    repository = FakeRepository()
    repository.newest = "000000010000000000000004"
    with pytest.raises(FakeSession.failure, match="WAL 000000010000000000000005 did not reach the repository"):
        part("expectations").take(taking, repository, "LABEL")
    assert part("expectations").load(taking, "LABEL") is None


def test_expectations_of_expired_backups_go(part, taking):
    for label in ("A", "B"):
        part("expectations").take(taking, FakeRepository(), label)
    part("expectations").forget_expired(taking, ["B"])
    assert part("expectations").load(taking, "A") is None
    assert part("expectations").load(taking, "B")
