# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which state is wanted, which backup leads there, and whether the repository can give it."""

from __future__ import annotations

import dataclasses
import datetime
import time

from golive_backup.repository import Backup
from golive_backup.settings import FailureError
from golive_backup.system import seconds_of, utc

POINT_PREFIX = "golive-"  # of the restore points that are written after each backup, before its label


@dataclasses.dataclass(frozen=True)
class Target:
    """A time (ISO, with its zone), the name of a restore point, or neither: the newest state there is."""

    time: str = ""
    name: str = ""
    backup: str = ""
    timeline: str = ""

    @property
    def label(self) -> str:
        """The backup that is named, by itself or by the restore point that belongs to it."""
        return self.backup or (self.name[len(POINT_PREFIX) :] if self.name.startswith(POINT_PREFIX) else "")


@dataclasses.dataclass(frozen=True)
class Choice:
    """The backup to begin with, pgBackRest's arguments, and the target in words."""

    backup: Backup
    arguments: list[str]
    words: str
    notes: list[str]


def choose(backups: list[Backup], target: Target) -> Choice:
    """Return the way to the target; FailureError when the repository has none."""
    if not backups:
        raise FailureError("the repository holds no backup of this stanza")
    label = target.label
    timeline = target.timeline
    notes: list[str] = []
    fits = [backup for backup in backups if not label or backup.label == label]
    if not fits:
        raise FailureError(f"the repository holds no backup {label}, only {', '.join(item.label for item in backups)}")
    if target.time:
        moment = seconds_of(target.time)
        if moment > time.time():
            raise FailureError(f"{target.time} is in the future")
        fits = [backup for backup in fits if backup.stopped <= moment]
        if not fits:
            first = backups[0] if not label else next(item for item in backups if item.label == label)
            raise FailureError(
                f"{target.time} is before {utc(first.stopped)}, the end of the {'' if label else 'oldest '}backup "
                f"{first.label}: the repository cannot give it"
            )
    if target.name and not label:
        raise FailureError(
            f"pgBackRest does not know when the restore point {target.name} was written, and from a later backup it "
            "cannot be reached: name the last backup that had ended by then (golive_restore_backup, --backup): "
            + ", ".join(f"{item.label} ended {utc(item.stopped)}" for item in backups)
        )
    backup = fits[-1]
    arguments = [f"--set={backup.label}"]
    if target.time:
        arguments += ["--type=time", f"--target={stamp(moment)}", "--target-action=promote"]
        words = f"the state at {stamp(moment)}"
    elif target.name:
        arguments += ["--type=name", f"--target={target.name}", "--target-action=promote"]
        words = f"the restore point {target.name}"
        if target.name.startswith(POINT_PREFIX):
            timeline = timeline or str(int(backup.archive_stop[:8], 16))
        else:
            notes.append("whether the archive holds a restore point of this name is only known when it is reached")
    else:
        arguments.append("--type=default")
        words = "the newest state in the archive"
    if timeline:
        arguments.append(f"--target-timeline={timeline}")
    return Choice(backup, arguments, words, notes)


def stamp(moment: float) -> str:
    """Return seconds since the epoch in the form that pgBackRest and PostgreSQL read: 2026-01-31 01:02:03.5+00."""
    found = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
    return found.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".") + "+00"
