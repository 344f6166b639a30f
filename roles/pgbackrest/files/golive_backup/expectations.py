# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the declared tables held at a point that a restore can reach exactly.

Writers have to wait for a moment only. In each database one session locks the tables (no writer is under way then, and
everything that was committed is in the WAL), a snapshot is exported, and the restore point is written while all locks
are held. A second session takes over the snapshot, the locks go, and it counts at leisure what the tables held.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable
from typing import Any

from golive_backup.database import Session, primary
from golive_backup.repository import Repository
from golive_backup.settings import FailureError, Settings
from golive_backup.system import utc, write
from golive_backup.target import POINT_PREFIX

_MEASURE = "SELECT name, row_count, checksum FROM golive_backup.measure()"


def point_name(label: str) -> str:
    """Return the name of the restore point that belongs to a backup."""
    return f"{POINT_PREFIX}{label}"


def take(settings: Settings, repository: Repository, label: str) -> dict[str, Any]:
    """Take the expectations after a backup, wait until the archive reaches them, write and return them.

    FailureError when the tables cannot be locked, or the archive does not get there in time.
    """
    for attempt in range(1, settings.lock_attempts + 1):
        try:
            found = _take_once(settings, label)
            break
        except FailureError as exc:
            if "lock timeout" not in str(exc) or attempt == settings.lock_attempts:
                raise
            time.sleep(min(5.0, settings.lock_timeout))  # the writers' turn
    _wait_for_archive(settings, repository, found["wal"])
    write(_path(settings, label), json.dumps(found, indent=2, ensure_ascii=False) + "\n", 0o640)
    return found


def _take_once(settings: Settings, label: str) -> dict[str, Any]:
    name = point_name(label)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(primary(settings))
        holders: dict[str, Session] = {}
        for database in settings.measured_databases:
            holders[database] = stack.enter_context(primary(settings, database))
            holders[database].ask("BEGIN")
            holders[database].ask(f"SET LOCAL lock_timeout = '{settings.lock_timeout:g}s'")
            # Should this program be stopped by force here, the server does not keep the locks for long.
            holders[database].ask("SET LOCAL idle_in_transaction_session_timeout = '30s'")
        readers: dict[str, Session] = {}
        for database in holders:
            readers[database] = stack.enter_context(primary(settings, database))
            readers[database].ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        waited = settings.lock_timeout * (1 + len(settings.tables)) + 10
        for holder in holders.values():
            holder.ask("SELECT golive_backup.lock_tables()", waited)
        for database, holder in holders.items():
            # A statement of its own: its snapshot is taken when the locks are held.
            snapshot = holder.value("SELECT pg_export_snapshot()")
            readers[database].ask(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        row = server.ask(
            "SELECT lsn, pg_walfile_name(lsn), extract(epoch FROM clock_timestamp()), "
            "current_setting('server_version_num')::int / 10000 "
            f"FROM pg_create_restore_point('{name}') AS lsn"
        )[0]
        for holder in holders.values():
            holder.ask("COMMIT")
        server.ask("SELECT pg_switch_wal()")
        tables = [item for database, reader in readers.items() for item in measure(database, reader, settings)]
    return {
        "backup": label,
        "restore_point": name,
        "lsn": row[0],
        "wal": row[1],
        "taken_at": utc(float(row[2])),
        "version": row[3],
        "tables": tables,
    }


def measure(database: str, session: Session, settings: Settings) -> list[dict[str, Any]]:
    """Return what the declared tables of a database hold: rows and checksum, None where there is no table."""
    return [
        {"database": database, "table": name, "rows": int(rows) if rows else None, "checksum": checksum or None}
        for name, rows, checksum in session.ask(_MEASURE, settings.measure_timeout)
    ]


def _wait_for_archive(settings: Settings, repository: Repository, wal: str) -> None:
    deadline = time.monotonic() + settings.archive_timeout
    while True:
        newest = repository.newest_wal()
        # The first eight characters are the timeline: another one began since, so the old one is complete.
        if newest >= wal:
            return
        if time.monotonic() > deadline:
            raise FailureError(
                f"WAL {wal} did not reach the repository within {settings.archive_timeout:g} s "
                f"(the newest there is {newest or 'none'}): see the server's log for its archive_command"
            )
        time.sleep(0.5)


def _path(settings: Settings, label: str) -> str:
    return os.path.join(settings.state_directory, "expectations", settings.stanza, f"{label}.json")


def load(settings: Settings, label: str) -> dict[str, Any] | None:
    """Return the expectations of a backup, None if there are none."""
    try:
        with open(_path(settings, label), encoding="utf-8") as file:
            return dict(json.load(file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise FailureError(f"the expectations of {label} cannot be read: {exc}") from exc


def forget_expired(settings: Settings, labels: Iterable[str]) -> None:
    """Remove the expectations of backups that are no longer in the repository."""
    folder = os.path.dirname(_path(settings, "x"))
    kept = {f"{label}.json" for label in labels}
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name not in kept:
            os.unlink(os.path.join(folder, name))


def differences(expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[str]:
    """Return in words what differs between the expectations and a restored database."""
    now = {(item["database"], item["table"]): item for item in found}
    wrong = []
    for item in expected:
        name = f"{item['database']}: {item['table']}"
        other = now.get((item["database"], item["table"]))
        if other is None:
            wrong.append(f"{name} was not measured")
        elif other["rows"] != item["rows"]:
            wrong.append(f"{name} has {_rows(other)} instead of {_rows(item)}")
        elif other["checksum"] != item["checksum"]:
            wrong.append(f"{name} has the right number of rows ({item['rows']}) but another content")
    return wrong


def _rows(item: dict[str, Any]) -> str:
    return "no table" if item["rows"] is None else f"{item['rows']} rows"
