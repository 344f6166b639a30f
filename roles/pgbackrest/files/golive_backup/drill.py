# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drill: a backup is restored, started, compared with what was expected, checked, measured and removed again."""

from __future__ import annotations

import time
from typing import Any

from golive_backup import database, expectations, metrics
from golive_backup.instance import Instance
from golive_backup.lineage import usable
from golive_backup.repository import Repository, every, holding, reason
from golive_backup.server import NEWEST_COMMIT
from golive_backup.settings import FailureError, Settings, StoppedError, words
from golive_backup.system import only_one, seconds_of, utc, write_evidence
from golive_backup.target import Choice, Target, choose

_CONFIGURATION = "--config=/etc/pgbackrest/drill.conf"  # knows the scratch folder instead of the database hosts
_MIB = 2**20


def drill(settings: Settings, label: str = "", moment: str = "") -> dict[str, Any]:
    """Restore the newest backup, a named one, or the state at a moment; return the details.

    FailureError, with the failure recorded, when the backup is not what it should be.
    """
    started = time.time()
    details: dict[str, Any] = {"stanza": settings.stanza, "tables_compared": 0, "absent_tables": []}
    failure = ""
    # A rehearsal of one old backup or moment is no proof that the newest backup is good.
    name = "restore_drill_selected" if label or moment else "restore_drill"
    with only_one(settings, "drill", 5):
        # One that is killed must not leave the proof of the one before it.
        write_evidence(settings, name, started, "under way, or it was killed", details)
        instance = Instance(settings)
        try:
            _rehearse(settings, instance, details, started, label, moment)
        except (Exception, StoppedError) as exc:
            failure = words(exc)
        try:
            instance.remove()
        except (FailureError, OSError) as exc:
            failure = failure or f"the drill passed, but what it has left could not be removed: {exc}"
        write_evidence(settings, name, started, failure, details)
        if name == "restore_drill":
            _record(settings, failure, details)
    if failure:
        raise FailureError(failure)
    return details


def _rehearse(
    settings: Settings, instance: Instance, details: dict[str, Any], started: float, label: str, moment: str
) -> None:
    repository = holding(settings, label)
    try:
        _Drill(settings, repository, instance, details, started).run(label, moment)
    except _DamageError as exc:
        # A server that meets damage does not know the file of the repository that it came from.
        try:
            damaged = repository.damaged_files()
        except Exception as another:
            raise FailureError(f"{exc}; the repository could not be verified: {words(another)}") from exc
        details["damaged_files"] = damaged
        more = f"; in the repository: {'; '.join(damaged[:10])}" if damaged else ""
        raise FailureError(f"{exc}{more}") from exc


class _DamageError(FailureError):
    """The backup or the archive does not give what it should."""


class _Drill:
    def __init__(
        self, settings: Settings, repository: Repository, instance: Instance, details: dict[str, Any], started: float
    ) -> None:
        self._settings = settings
        self._repository = repository
        self._instance = instance
        self._details = details
        self._started = started
        self._deadline = time.monotonic() + settings.recovery_timeout

    def run(self, label: str, moment: str) -> None:
        repository = self._repository
        if moment:
            database.mark(self._settings)
        info = repository.info()
        newest_wal = repository.newest_wal(info)
        target = Target(time=moment, backup=label)
        choice = choose(usable(repository, info, target), target)
        backup = choice.backup
        expected = None if moment else expectations.load(self._settings, backup.label)
        self._details.update(
            repository=repository.number,
            backup=backup.label,
            backup_type=backup.type,
            backup_stopped_at=utc(backup.stopped),
            size_bytes=backup.size,
        )
        if not moment and self._settings.tables and expected is None:
            raise FailureError(
                f"the backup {backup.label} has no expectations to compare with; its evidence "
                "(backup_*.json) says why; take another backup"
            )
        self._instance.make_room(backup.size + backup.size // 10 + 512 * _MIB)
        self._restore(choice, expected, moment)
        if expected:
            self._compare(expected)
        else:
            self._recover({}, "NOT pg_is_in_recovery()")
        self._details["rto_seconds"] = round(time.time() - self._started, 1)
        if expected:
            self._go_on(everything=not label)
        replayed = time.time()
        self._newest_commit()
        if not label and not moment:
            self._see_the_end(newest_wal)
            self._measure_rpo(expected, replayed)
        corrupt = self._instance.amcheck(self._settings.recovery_timeout)
        if corrupt:
            raise FailureError(f"pg_amcheck finds damage in the restored backup {backup.label}: {corrupt[-1000:]}")
        self._details["amcheck"] = "clean"
        if self._settings.drill_verify and not label and not moment:
            before = time.monotonic()
            damaged = self._damaged_files()
            self._details.update(damaged_files=damaged, verify_seconds=round(time.monotonic() - before, 1))
            if damaged:
                raise FailureError(
                    f"the backup {backup.label} is good, but the repository has damage: {'; '.join(damaged)[:1000]}"
                )

    def _damaged_files(self) -> list[str]:
        """Read every repository, not only the one that was restored from."""
        return [repository.named(line) for repository in every(self._settings) for line in repository.damaged_files()]

    def _restore(self, choice: Choice, expected: dict[str, Any] | None, moment: str) -> None:
        argv, target = choice.arguments, choice.words
        if expected and not moment:
            target = f"the restore point {expected['restore_point']}"
            argv = [f"--set={choice.backup.label}"]
            argv += ["--type=name", f"--target={expected['restore_point']}", "--target-action=pause"]
            argv.append(f"--target-timeline={int(expected['wal'][:8], 16)}")
        argv = [_CONFIGURATION, f"--tablespace-map-all={self._instance.tablespaces}", *argv]
        self._details["target"] = target
        before = time.monotonic()
        done = self._repository.command(*argv, "restore", timeout=self._settings.recovery_timeout)
        if done.returncode != 0:
            raise _DamageError(f"the backup {choice.backup.label} is damaged or cannot be read: {reason(done)}")
        self._details["restore_seconds"] = round(time.monotonic() - before, 1)

    def _compare(self, expected: dict[str, Any]) -> None:
        """Recover exactly to the restore point and compare each table with what it held then."""
        self._recover({}, "pg_get_wal_replay_pause_state() = 'paused'")
        with self._instance.session() as session:
            if session.value(f"SELECT pg_last_wal_replay_lsn() >= '{expected['lsn']}'::pg_lsn") != "t":
                raise _DamageError(f"recovery stopped before {self._details['target']}: {self._instance.trouble()}")
            self._details["newest_commit"] = session.value(NEWEST_COMMIT)
        found: list[dict[str, Any]] = []
        for name in dict.fromkeys(item["database"] for item in expected["tables"]):
            with self._instance.session(name) as session:
                found += expectations.measure(name, session, self._settings)
        wrong = expectations.differences(expected["tables"], found)
        self._details["tables"] = expected["tables"]
        self._details["tables_compared"] = sum(item["rows"] is not None for item in expected["tables"])
        self._details["absent_tables"] = [
            f"{item['database']}: {item['table']}" for item in expected["tables"] if item["rows"] is None
        ]
        if wrong:
            backup = expected["backup"]
            raise _DamageError(f"the restored backup {backup} differs from what it was taken of: {'; '.join(wrong)}")

    def _go_on(self, everything: bool) -> None:
        """Leave recovery: with all the archive holds, or as it stands."""
        before = time.monotonic()
        if everything:
            self._instance.stop()
            self._recover(
                {"recovery_target_name": "", "recovery_target_timeline": "latest", "recovery_target_action": "promote"},
                "NOT pg_is_in_recovery()",
            )
            self._details["replay_seconds"] = round(time.monotonic() - before, 1)
        else:
            with self._instance.session() as session:
                session.ask("SELECT pg_wal_replay_resume()")
            self._instance.wait_until("SELECT NOT pg_is_in_recovery()", self._deadline)

    def _recover(self, parameters: dict[str, str], condition: str) -> None:
        self._instance.start(parameters)
        try:
            self._instance.wait_until(f"SELECT {condition}", self._deadline)
        except FailureError as exc:
            raise _DamageError(str(exc)) from exc

    def _see_the_end(self, newest_wal: str) -> None:
        """See that the archive was replayed as far as it reached at the beginning: damaged WAL looks like its end."""
        with self._instance.session() as session:
            reached = session.value("SELECT pg_walfile_name(pg_last_wal_replay_lsn())")
        # Without the timeline, of which the scratch server has begun one of its own.
        if newest_wal and reached[8:] < newest_wal[8:24]:
            raise _DamageError(
                f"the archive can be replayed up to {reached[8:]} only, although it reaches to {newest_wal[8:24]}: "
                f"{self._instance.trouble()}"
            )

    def _newest_commit(self) -> None:
        with self._instance.session() as session:
            self._details["newest_commit"] = session.value(NEWEST_COMMIT) or self._details.get("newest_commit", "")

    def _measure_rpo(self, expected: dict[str, Any] | None, replayed: float) -> None:
        """Measure how far the archive was behind when all of it was replayed: it went on growing during the drill."""
        # Up to the restore point everything is proved to be there, whether or not somebody committed since.
        proved = [self._details["newest_commit"], (expected or {}).get("taken_at", "")]
        proved = [seconds_of(text) for text in proved if text]
        if proved:
            self._details["rpo_seconds"] = round(max(0.0, replayed - max(proved)), 1)


def _record(settings: Settings, failure: str, details: dict[str, Any]) -> None:
    values = {"golive_restore_drill_status": 0.0 if failure else 1.0}
    outcome = "failure" if failure else "success"
    values[f"golive_restore_drill_last_{outcome}_timestamp_seconds"] = time.time()
    if not failure:
        values["golive_restore_drill_rto_seconds"] = details["rto_seconds"]
        if "rpo_seconds" in details:
            values["golive_restore_drill_rpo_seconds"] = details["rpo_seconds"]
    metrics.update(settings, "golive_restore_drill", values)
