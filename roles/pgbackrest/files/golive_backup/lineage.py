# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Timelines: after a restore to the past, backups that were taken of the abandoned future lead nowhere."""

from __future__ import annotations

import re
from typing import Any

from golive_backup.repository import Backup, Repository
from golive_backup.settings import FailureError
from golive_backup.target import Target


def usable(repository: Repository, info: dict[str, Any], target: Target) -> list[Backup]:
    """Return the backups from which the target can be reached, the oldest first; FailureError when none is left.

    One that is named, by itself or by its restore point, is taken as it is.
    """
    backups = repository.backups(info)
    if not backups or target.label:
        return backups
    timeline, ends = ancestry(repository, info, target.timeline)
    found = [backup for backup in backups if _belongs(backup, timeline, ends)]
    if not found:
        raise FailureError(
            f"no backup in the repository belongs to timeline {timeline}, which the database follows since it was "
            "restored or promoted: take a full backup, or name a backup and a timeline"
        )
    return found


def ancestry(repository: Repository, info: dict[str, Any], wanted: str) -> tuple[int, dict[int, int]]:
    """Return a timeline (the newest by default), and where (LSN) each of its ancestors was left for the next."""
    archives = info.get("archive", [])
    if not archives:
        return 0, {}
    folder = f"archive/{info['name']}/{archives[-1]['id']}"
    names = repository.command("repo-ls", folder).stdout.split()
    histories = [int(name[:8], 16) for name in names if re.fullmatch("[0-9A-F]{8}[.]history", name)]
    newest = int((archives[-1].get("max") or "0")[:8] or "0", 16)
    timeline = int(wanted) if wanted.isdigit() else max([newest, *histories])
    text = repository.command("repo-get", f"{folder}/{timeline:08X}.history").stdout if timeline in histories else ""
    return timeline, {
        int(number): lsn(left) for number, left in re.findall(r"^(\d+)\t([0-9A-F]+/[0-9A-F]+)", text, re.M)
    }


def lsn(text: str) -> int:
    """Return a position in the WAL as a number."""
    high, _slash, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _belongs(backup: Backup, timeline: int, ends: dict[int, int]) -> bool:
    own = int(backup.archive_stop[:8] or "0", 16)
    return own == timeline or (own in ends and lsn(backup.lsn_stop) <= ends[own])
