# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One backup with its expectations, its evidence and its metrics."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from golive_backup import database, expectations, metrics
from golive_backup.repository import Repository, every
from golive_backup.settings import FailureError, Settings, StoppedError, words
from golive_backup.system import end_orphans, only_one, utc, write_evidence

_PATIENCE = 3600.0  # seconds that a backup waits for the one before it


def backup(settings: Settings, kind: str, expire: bool = True) -> dict[str, Any]:
    """Take a backup into each repository in turn; return the details of the first one, with those of the others in it.

    FailureError, with the failure recorded, when one of them has none afterwards.
    """
    started = time.time()
    details: dict[str, Any] = {"stanza": settings.stanza, "type": kind}
    failures: list[str] = []
    with only_one(settings, "backup", _PATIENCE):
        end_orphans(settings.stanza, "backup:local")
        for repository in every(settings):
            found: dict[str, Any] = {}
            failure, stopped = "", False
            try:
                _backup(settings, repository, kind, expire, found)
            except (Exception, StoppedError) as exc:
                failure, stopped = words(exc), isinstance(exc, StoppedError)
            _record(settings, repository, kind, failure, found)
            if repository.number == 1:
                details.update(found)
            else:
                details.setdefault("further", []).append({"repository": repository.number, **found})
            if failure:
                failures.append(repository.named(failure))
            if stopped:
                break
        if not failures:
            with contextlib.suppress(FailureError):
                labels = [item.label for repository in every(settings) for item in repository.backups()]
                expectations.forget_expired(settings, labels)
        write_evidence(settings, f"backup_{kind}", started, "; ".join(failures), details)
    if failures:
        raise FailureError("; ".join(failures))
    return details


def _backup(settings: Settings, repository: Repository, kind: str, expire: bool, details: dict[str, Any]) -> None:
    standby = database.has_standby(settings)
    before = {item.label for item in repository.backups()}
    warnings = repository.backup(kind, standby, expire)
    backups = repository.backups()
    new = [item for item in backups if item.label not in before]
    if not new:
        raise FailureError("pgbackrest ended well, but the repository holds no new backup")
    newest = new[-1]
    details.update(
        label=newest.label,
        # Without a full one before it pgBackRest makes one, whatever was asked for.
        taken=newest.type,
        stopped_at=utc(newest.stopped),
        backup_seconds=newest.stopped - newest.started,
        size_bytes=newest.size,
        added_bytes=newest.added,
        backups=len(backups),
        warnings=warnings,
        standby_present=standby,
    )
    if newest.damaged:
        raise FailureError(f"the backup {newest.label} was taken, but the database has damaged pages: {warnings}")
    try:
        taken = expectations.take(settings, repository, newest.label)
        details["expectations"] = {
            "taken": True,
            "restore_point": taken["restore_point"],
            "tables": sum(item["rows"] is not None for item in taken["tables"]),
            "absent_tables": [item["table"] for item in taken["tables"] if item["rows"] is None],
        }
    except FailureError as exc:
        # The backup is good all the same; the drill says so when it finds none that it could compare with.
        details["expectations"] = {"taken": False, "reason": str(exc)}


def _record(settings: Settings, repository: Repository, kind: str, failure: str, details: dict[str, Any]) -> None:
    where = {"repository": str(repository.number)}
    labels = {"type": kind, **where}
    now = time.time()
    if failure:
        metrics.update(settings, "golive_backup", {"golive_backup_last_failure_timestamp_seconds": now}, labels)
        return
    values = {
        "golive_backup_last_success_timestamp_seconds": now,
        "golive_backup_last_duration_seconds": details["backup_seconds"],
        "golive_backup_last_size_bytes": details["size_bytes"],
        "golive_backup_last_repository_size_bytes": details["added_bytes"],
        "golive_backup_expectations_taken": float(details["expectations"]["taken"]),
    }
    metrics.update(settings, "golive_backup", values, labels)
    try:
        info = repository.info()
        backups = repository.backups(info)
        for name in ("full", "diff", "incr"):
            count = sum(item.type == name for item in backups)
            metrics.update(settings, "golive_backup", {"golive_backup_count": count}, {"type": name, **where})
        totals = {
            "golive_backup_repository_size_bytes": repository.size(),
            "golive_backup_wal_newest_timestamp_seconds": repository.newest_wal_time(info),
        }
    except (FailureError, ValueError) as exc:
        details["metrics"] = str(exc)
        return
    found = {name: value for name, value in totals.items() if value is not None}
    metrics.update(settings, "golive_backup", found, where)
