# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of an application: what there is, what runs, what is remembered, what can go."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import shutil
from collections.abc import Collection, Sequence
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.app_release import history, snapshot, usage
from ansible_collections.golive.delivery.plugins.module_utils.app_release.places import (
    Places,
    ReleaseError,
    read_json,
    release_name,
    switch_link,
    write_json,
)


def _epoch(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _database_at(text: str) -> float:
    """Return the time that the user gave; without a zone it could be any."""
    with contextlib.suppress(ValueError):
        if datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo:
            return _epoch(text)
    raise ReleaseError(f"database_at: expected a time in UTC such as 2026-01-31T01:02:03Z, got {text}")


class Store:
    """One application's releases; with `check` nothing is written."""

    def __init__(self, places: Places, check: bool = False) -> None:
        self.places = places
        self.check = check
        self.activations: list[history.Activation] = read_json(places.activations, [])
        self.pending: dict[str, str] = read_json(places.pending, {})
        # Whether notes are taken here: an empty list is one, too.
        self.begun = places.activations.is_file()

    def folders(self) -> list[str]:
        """Return the folders of the releases, complete or not."""
        with contextlib.suppress(OSError):
            return sorted(
                entry.name for entry in os.scandir(self.places.releases) if entry.is_dir(follow_symlinks=False)
            )
        return []

    def usable(self) -> set[str]:
        """Return the releases that can run again: complete, and it is known what they ran with."""
        return {
            folder
            for folder in self.folders()
            if self.places.complete(folder) and self.places.snapshot(folder).is_file()
        }

    def previous(self) -> str:
        """Return the release to go back to, empty if there is none."""
        return history.previous(self.activations, self.places.current(), self.usable())

    def destination(self) -> str:
        """Return where a way back goes to: one that was cut off is gone on with, the link may be there already."""
        found = self.pending.get("to", "")
        return found if found in self.usable() else self.previous()

    def migrated(self) -> list[str]:
        """Return the releases whose migration is done."""
        with contextlib.suppress(OSError):
            return sorted(os.listdir(self.places.migrations))
        return []

    def info(self) -> dict[str, Any]:
        """Return all that is known."""
        last = {activation["release"]: activation["activated_at"] for activation in self.activations}
        current = self.places.current()
        taken = snapshot.load(self.places, current) if current else None
        return {
            "current": current,
            "differing": snapshot.differing_paths(self.places, taken) if taken else [],
            "previous": self.destination(),
            "begun": self.begun,
            "last_good": history.last_good(self.activations),
            "pending": self.pending.get("to", ""),
            "migrated": self.migrated(),
            "activations": self.activations,
            "releases": [
                {
                    "folder": folder,
                    "name": release_name(folder),
                    "complete": self.places.complete(folder),
                    "snapshot": self.places.snapshot(folder).is_file(),
                    "activated_at": last.get(folder),
                }
                for folder in self.folders()
            ],
        }

    def begin(self) -> list[str]:
        """Begin an empty list of activations, if there is none; return what is new."""
        if self.begun:
            return []
        if not self.check:
            write_json(self.places.activations, [])
        return ["list"]

    def record(self, release: str, taken: snapshot.Snapshot, reason: str, since: float, now: float) -> list[str]:
        """Remember that a release was activated and what it runs with; return what of it is new."""
        if not self.check and self.places.current() != release:
            raise ReleaseError(f"{release} is not the current release: that is {self.places.current() or 'none'}")
        news = []
        if snapshot.load(self.places, release) != taken:
            news.append("snapshot")
            if not self.check:
                write_json(self.places.snapshot(release), taken)
        if history.last_good(self.activations) != release or (reason == "rollback" and self.pending):
            news.append("activation")
            # Without a beginning it is one of before the role took notes: it happened when the link was made.
            when = now if since else os.lstat(self.places.link).st_mtime if self.places.current() else now
            seconds = round(now - since, 1) if since else None
            self.activations.append(
                {"release": release, "activated_at": history.stamp(when), "seconds": seconds, "reason": reason}
            )
            if not self.check:
                write_json(self.places.activations, self.activations[-history.KEPT :])
        if self.pending and not self.check:
            self.places.pending.unlink()
        return news

    def resolve(self, wanted: str) -> str:
        """Return the folder that is meant: a folder, a release's name, or nothing for the previous one."""
        name, current, usable = self.places.name, self.places.current(), self.usable()
        if not wanted:
            found = self.destination()
            if not found:
                raise ReleaseError(
                    f"{name} has no release to go back to: it runs {current or 'none'}, and no other one that ran here "
                    f"is left (there are: {', '.join(sorted(usable - {current})) or 'none'})"
                )
            return found
        wanted = pathlib.PurePath(wanted).name
        folders = self.folders()
        meant = [folder for folder in folders if folder == wanted or release_name(folder) == wanted]
        if not meant:
            raise ReleaseError(f"{name} has no release {wanted}: there are {', '.join(folders) or 'none'}")
        good = [folder for folder in meant if folder in usable]
        if not good:
            why = "was never activated on this host" if self.places.complete(meant[0]) else "was not built to its end"
            raise ReleaseError(f"{name} cannot go back to {meant[0]}: it {why}")
        order = [activation["release"] for activation in self.activations]
        return max(good, key=lambda folder: max((at for at, one in enumerate(order) if one == folder), default=-1))

    def restore(
        self, folder: str, rollback: bool, database_at: str, now: float, written: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Put back what a release ran with; return what was not as it was then.

        `written` are files that the release before has, beside those of its snapshot, which it may not have.
        """
        old = self.places.current()
        taken = snapshot.load(self.places, folder)
        if taken is None or not self.places.complete(folder):
            raise ReleaseError(f"{self.places.name} cannot go back to {folder}: it is no longer there")
        files = snapshot.differing(taken)
        surplus = snapshot.surplus(self.places, taken, snapshot.load(self.places, old) if old else None, written)
        marks = self._done_since(_database_at(database_at)) if database_at else []
        if not self.check:
            if rollback and (old != folder or history.last_good(self.activations) != folder):
                # The first step: whoever goes on with it knows where to.
                write_json(
                    self.places.pending, {"from": self.pending.get("from", old), "to": folder, "at": history.stamp(now)}
                )
            snapshot.write(files)
            for path in surplus:
                path.unlink()
            if old != folder:
                switch_link(self.places.link, f"releases/{folder}")
            for mark in marks:
                mark.unlink()
        return {
            "old": old,
            "new": folder,
            "files": [file["path"] for file in files],
            "forgotten": [mark.name for mark in marks],
            "surplus": [str(path) for path in surplus],
            "units": snapshot.new_units(self.places, taken),
            "changed": bool(files or surplus or marks) or old != folder,
            "processes": taken["processes"],
            "snapshot_files": [file["path"] for file in taken["files"]],
        }

    def _done_since(self, at: float) -> list[pathlib.Path]:
        """Return the marks of the initialisation and of the migrations that were done after a time."""
        marks = [self.places.migrations / name for name in self.migrated()] + [self.places.initialised]
        return [mark for mark in marks if mark.is_symlink() and os.lstat(mark).st_mtime >= at]

    def prunable(self, keep: int, in_use: Any = usage.in_use) -> list[str]:
        """Return the releases that nobody needs any more."""
        places = self.places
        last = {one["release"]: _epoch(one["activated_at"]) for one in self.activations}
        newest = max(last.values(), default=0.0)
        protected = {places.current(), self.previous(), *self.pending.values()}

        def age(folder: str) -> float:
            built = (places.releases / folder / ".complete").stat().st_mtime
            return max(last.get(folder, 0.0), built)

        folders = self.folders()
        complete = sorted(filter(places.complete, folders), key=age, reverse=True)
        # A build that failed before the last activation; a later one may be going on.
        broken = [
            folder
            for folder in folders
            if folder not in complete and (places.releases / folder).stat().st_mtime < newest
        ]
        found = [folder for folder in complete[keep:] + broken if folder not in protected]
        used: Collection[str] = in_use(places.releases, found) if found else ()
        return [folder for folder in found if folder not in used]

    def prune(self, folders: list[str]) -> list[dict[str, Any]]:
        """Remove releases with their snapshots; return them."""
        removed = []
        for folder in folders:
            path = self.places.releases / folder
            removed.append({"folder": folder, "name": release_name(folder)})
            if not self.check:
                # Its marker first: what a killed run leaves is no release.
                with contextlib.suppress(FileNotFoundError):
                    (path / ".complete").unlink()
                shutil.rmtree(path)
        if not self.check:
            left = set(self.folders())
            for kept in (self.places.memory / "releases").glob("*"):
                if kept.name not in left:
                    shutil.rmtree(kept)
        return removed
