# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real restore, on a database host: the old data is kept aside, and comes back by itself when something fails.

A journal says what was moved where. A run that was cut off (loss of power, kill) is undone by the next one, or by
`golive-backup undo`. When the target is reached the journal keeps the result: in a cluster, where Patroni starts the
server, a run for the same target goes on from there. `golive-backup finish` ends it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import subprocess
import time
from typing import Any

from golive_backup import journal, recovery
from golive_backup.database import Session, mark_archived
from golive_backup.lineage import usable
from golive_backup.repository import Repository, holding, reason
from golive_backup.settings import FailureError, Settings, StoppedError, words
from golive_backup.system import end_orphans, only_one, remove_tree, utc, write_evidence
from golive_backup.target import Choice, Target, choose

_MIB = 2**20
_FAILED = ".failed-restore"  # of an attempt that was cut off: the last one is kept beside the old data


def plan(settings: Settings, target: Target) -> dict[str, Any]:
    """Return what a restore would do; FailureError when the repository cannot give it or the host cannot take it."""
    with only_one(settings, "restore", 0):
        found = _repeated(settings, target)
        if not found:
            if _unfinished(settings):
                _refuse_live(settings)
            found = _plan(settings, *_choose(settings, target))
    return found


def _choose(settings: Settings, target: Target) -> tuple[Repository, Choice]:
    repository = holding(settings, target.label)
    return repository, choose(usable(repository, repository.info(), target), target)


def _plan(settings: Settings, repository: Repository, chosen: Choice) -> dict[str, Any]:
    data = settings.data_directory
    used = os.path.isdir(data) and bool(os.listdir(data))
    if used and os.path.ismount(data):
        raise FailureError(f"{data} is a mount point and cannot be put aside: mount the file system one level higher")
    parent = os.path.dirname(data)
    system = os.statvfs(parent)
    free, needed = system.f_bavail * system.f_frsize, chosen.backup.size + chosen.backup.size // 10
    if free < needed:
        raise FailureError(
            f"{parent} has {free // _MIB} MiB free, the restored data needs {needed // _MIB} MiB beside the old data; "
            f"older copies: {', '.join(copies(settings)) or 'none'}"
        )
    return {
        "stanza": settings.stanza,
        "target": chosen.words,
        "repository": repository.number,
        "backup": chosen.backup.label,
        "backup_stopped_at": utc(chosen.backup.stopped),
        "data_directory": data,
        "kept_aside": _aside_name(data, time.time()) if used else "",
        "bytes": chosen.backup.size,
        "notes": chosen.notes,
        "repeated": False,
    }


def copies(settings: Settings) -> list[str]:
    """Return the data directories that earlier restores have put aside."""
    parent, name = os.path.split(settings.data_directory)
    names = os.listdir(parent) if os.path.isdir(parent) else []
    aside = (f"{name}.before-restore-", f"{name}{_FAILED}")
    return sorted(os.path.join(parent, item) for item in names if item.startswith(aside))


def restore(settings: Settings, target: Target) -> dict[str, Any]:
    """Restore; return what was done. FailureError when it failed: the old data is back and the server runs with it."""
    started = time.time()
    details: dict[str, Any] = {"stanza": settings.stanza}
    failure = ""
    with only_one(settings, "restore", 0):
        repeated = _repeated(settings, target)
        if repeated:
            return repeated
        if _unfinished(settings):
            _undo(settings)
        journal.forget(settings)
        try:
            _restore(settings, target, details, started)
        except (Exception, StoppedError) as exc:
            failure = words(exc) + _back_again(settings)
        details["seconds"] = round(time.time() - started, 1)
        write_evidence(settings, "restore", started, failure, details)
    if failure:
        raise FailureError(failure)
    return details


def _restore(settings: Settings, target: Target, details: dict[str, Any], started: float) -> None:
    repository, chosen = _choose(settings, target)
    details.update(_plan(settings, repository, chosen))
    details["all_archived"] = _archive_the_last(settings)
    _unit(settings, "stop")
    data = settings.data_directory
    aside = _aside_name(data, started) if details["kept_aside"] else ""
    moves = [(data, aside)] if aside else []
    moves += [(path, _aside_name(path, started)) for path in _tablespaces(data)]
    details["kept_aside"], details["kept_tablespaces"] = aside, [new for old, new in moves if old != data]
    left = {"moves": moves, "data": data, "recovered": False}
    journal.write(settings, left)
    for old, new in moves:
        os.rename(old, new)
    for old in {data, *(old for old, _new in moves)}:
        _make(settings, old)
    done = repository.command(*chosen.arguments, "restore", timeout=settings.recovery_timeout)
    if done.returncode != 0:
        raise FailureError(f"pgbackrest restore: {reason(done)}")
    details["restore_seconds"] = round(time.time() - started, 1)
    details["newest_commit"] = recovery.recover(settings)
    details["seconds"] = round(time.time() - started, 1)
    wanted = dataclasses.asdict(target)
    journal.write(settings, {**left, "recovered": True, "at": utc(time.time()), "target": wanted, "result": details})
    if not settings.cluster:
        _unit(settings, "start")


def _repeated(settings: Settings, target: Target) -> dict[str, Any]:
    """Return the result of a restore of a cluster's node to this target that nobody has finished yet."""
    left = journal.read(settings)
    if not (left and left["recovered"] and settings.cluster and left["target"] == dataclasses.asdict(target)):
        return {}
    note = (
        f"this was restored already, at {left['at']}, and not finished: only the steps after that are done now. To "
        "restore once more, end it first (golive-backup finish on this host)"
    )
    return {**left["result"], "repeated": True, "notes": [note]}


def _back_again(settings: Settings) -> str:
    """Put the old data back after a failure of our own; return what is to be said of that."""
    left = journal.read(settings)
    if not left:
        return ""
    try:
        # Nobody but us has seen this attempt, so nothing of it is worth its space.
        _put_back(settings, left, keep=False)
    except (FailureError, OSError) as exc:
        return f"; the old data could not be put back: {exc}"
    return " (the old data is back)"


def _archive_the_last(settings: Settings) -> bool:
    """Let a running primary archive what it has: the restore can only reach what is in the repository."""
    with (
        contextlib.suppress(FailureError),
        Session(
            settings, {"port": str(settings.database_port), "dbname": "postgres", "user": settings.system_user}
        ) as session,
    ):
        return session.value("SELECT pg_is_in_recovery()") == "f" and mark_archived(session, settings.archive_timeout)
    return False


def undo(settings: Settings, force: bool = False) -> bool:
    """Put the old data back and start the server with it after a restore that did not end; tell if there was one.

    FailureError when somebody may have worked with the restored data, unless force says that nobody has.
    """
    with only_one(settings, "restore", 0):
        return _undo(settings, force)


def _undo(settings: Settings, force: bool = False) -> bool:
    left = journal.read(settings)
    if left:
        _refuse_live(settings, force)
        _put_back(settings, left, keep=True)
    return left is not None


def finish(settings: Settings, discard: bool) -> dict[str, Any]:
    """End a restore whose data serves: nothing puts the old data back any more. Remove that if it is not wanted."""
    with only_one(settings, "restore", 0):
        left = journal.read(settings)
        if not left:
            return {"finished": False, "kept": copies(settings)}
        if not (left["recovered"] or _server(settings) or _recovered_unseen(left)):
            raise FailureError(
                "the restore was cut off before its target was reached: put the old data back (golive-backup undo)"
            )
        for path in {left["data"], *(old for old, _new in left["moves"])}:
            remove_tree(f"{path}{_FAILED}")
        for _old, new in left["moves"] if discard else []:
            remove_tree(new)
        journal.forget(settings)
        return {"finished": True, "kept": copies(settings)}


def _unfinished(settings: Settings) -> bool:
    """Tell whether there is a restore that has to be undone before another one begins."""
    left = journal.read(settings)
    # A standalone server runs with what was recovered, even if nobody has said that this is the end.
    return left is not None and (settings.cluster or not left["recovered"])


def _refuse_live(settings: Settings, force: bool = False) -> None:
    """Refuse to put data back over what somebody may have worked with, whatever the journal knows."""
    left = journal.read(settings)
    if not left:
        return
    data, unit = left["data"], settings.restore_unit
    process = _server(settings)
    found = f"a server (process {process}) runs in {data}" if process else f"{data} has ended its recovery"
    if process or (_recovered_unseen(left) and not force):
        raise FailureError(
            f"a restore of this host was not finished, but {found}: somebody may have worked with it. To keep what is "
            f"there: golive-backup finish. To put the old data back: systemctl stop {unit}, golive-backup undo --force"
        )


def _recovered_unseen(left: dict[str, Any]) -> bool:
    """Tell whether the restored data has ended its recovery without the journal's knowledge."""
    data = left["data"]
    # As long as the old data is in its place there is no attempt.
    moved = all(os.path.lexists(new) for old, new in left["moves"] if old == data)
    under_way = any(os.path.exists(os.path.join(data, name)) for name in ("recovery.signal", "backup_label"))
    # pgBackRest writes pg_control last.
    complete = os.path.exists(os.path.join(data, "global/pg_control"))
    return not left["recovered"] and moved and complete and not under_way


def _put_back(settings: Settings, left: dict[str, Any], keep: bool) -> None:
    end_orphans(settings.stanza, "restore:local")
    _unit(settings, "stop")
    recovery.stop_left_over(settings)
    for old, new in left["moves"] or [(left["data"], "")]:
        # It was moved, or there was nothing before: what stands in its place is the attempt.
        if os.path.lexists(old) and (not new or os.path.lexists(new)):
            if keep:
                remove_tree(f"{old}{_FAILED}")
                os.rename(old, f"{old}{_FAILED}")
            else:
                remove_tree(old)
        if new and os.path.lexists(new):
            os.rename(new, old)
    journal.forget(settings)
    if left["moves"] and not settings.cluster:
        _unit(settings, "start")


def _aside_name(path: str, moment: float) -> str:
    name = f"{path}.before-restore-{utc(moment).replace('-', '').replace(':', '')}"
    taken = sum(item.startswith(os.path.basename(name)) for item in os.listdir(os.path.dirname(path)))
    return f"{name}-{taken + 1}" if taken else name


def _tablespaces(data: str) -> list[str]:
    folder = os.path.join(data, "pg_tblspc")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [os.path.realpath(os.path.join(folder, name)) for name in sorted(names)]


def _make(settings: Settings, path: str) -> None:
    os.makedirs(path, mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        entry = pwd.getpwnam(settings.system_user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _unit(settings: Settings, verb: str) -> None:
    """Stop or start what runs the server, and see that it did."""
    unit = settings.restore_unit
    done = subprocess.run(["systemctl", verb, unit], capture_output=True, text=True, check=False)
    # 5: it is not loaded, so there is nothing to stop.
    if done.returncode != 0 and not (verb == "stop" and done.returncode == 5):
        raise FailureError(f"systemctl {verb} {unit}: {done.stderr.strip()}")
    process = _server(settings) if verb == "stop" else 0
    if process:
        raise FailureError(
            f"a server (process {process}) still runs in {settings.data_directory} after systemctl stop {unit}"
        )


def _server(settings: Settings) -> int:
    """Return the process of a server in the data directory, 0 if there is none but one that a recovery left."""
    try:
        with open(os.path.join(settings.data_directory, "postmaster.pid"), encoding="utf-8") as file:
            process = int(file.readline())
        with open(f"/proc/{process}/comm", encoding="utf-8") as file:
            name = file.read().strip()
        with open(f"/proc/{process}/cmdline", encoding="utf-8", errors="replace") as file:
            ours = recovery.FOLDER in file.read()
    except (OSError, ValueError):
        return 0
    return process if name in ("postgres", "postmaster") and not ours else 0
