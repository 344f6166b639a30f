# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release ran with - units, configuration, secrets - in one file, so that it is there whole or not at all."""

from __future__ import annotations

import base64
import binascii
import grp
import os
import pathlib
import pwd
import stat
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.app_release.places import (
    Places,
    ReleaseError,
    read_json,
    replace_file,
)

Snapshot = dict[str, Any]


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _number(name: str, kind: str, path: str) -> int:
    try:
        if name.isdigit():
            return int(name)
        return pwd.getpwnam(name).pw_uid if kind == "user" else grp.getgrnam(name).gr_gid
    except KeyError as exc:
        raise ReleaseError(f"the {kind} {name} of {path} is no longer on this host") from exc


def _one(path: pathlib.Path) -> dict[str, str] | None:
    """Return a regular file with its owner and content; None for anything else."""
    try:
        # No link is followed: what stands behind it is not the application's.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            return None
        content = file.read()
    return {
        "path": str(path),
        "mode": format(stat.S_IMODE(state.st_mode), "04o"),
        "owner": _user(state.st_uid),
        "group": _group(state.st_gid),
        "content": base64.b64encode(content).decode(),
    }


def take(places: Places, release: str, files: Iterable[str], processes: Sequence[dict[str, Any]]) -> Snapshot:
    """Return what the release runs with now: the units of its processes and those of the files that are there."""
    found = places.unit_files()
    units = {path.name for path in found}
    # Who goes back names all that the snapshot has, units too: each once, so that it is the same as by who converges.
    others = sorted({pathlib.Path(path) for path in files} - set(found))
    return {
        "release": release,
        "files": [one for one in map(_one, found + others) if one is not None],
        # Only what has a unit here: a process with only_on runs on another host.
        "processes": [process for process in processes if f"{places.name}-{process['name']}.service" in units],
    }


def load(places: Places, folder: str) -> Snapshot | None:
    """Return the snapshot of a release, None if there is none."""
    found: Snapshot | None = read_json(places.snapshot(folder), None)
    return found


def differing(snapshot: Snapshot) -> list[dict[str, str]]:
    """Return the files that are not as they were."""
    return [file for file in snapshot["files"] if _one(pathlib.Path(file["path"])) != file]


def new_units(places: Places, snapshot: Snapshot) -> list[str]:
    """Return the units of the application that the release did not have."""
    had = {file["path"] for file in snapshot["files"]}
    return [path.name for path in places.unit_files() if str(path) not in had]


def differing_paths(places: Places, snapshot: Snapshot) -> list[str]:
    """Return the paths of what is not as it was, new units too."""
    return [file["path"] for file in differing(snapshot)] + [
        str(places.units / name) for name in new_units(places, snapshot)
    ]


def surplus(places: Places, snapshot: Snapshot, other: Snapshot | None, written: Iterable[str]) -> list[pathlib.Path]:
    """Return the configuration that only the other release has: its own snapshot names it, or who has written it.

    What neither release has written is somebody else's.
    """
    had = {file["path"] for file in snapshot["files"]}
    others = {file["path"] for file in other["files"]} if other else set()
    found = (pathlib.Path(path) for path in sorted((others | set(written)) - had))
    return [path for path in found if path.parent == places.etc and _one(path) is not None]


def write(files: Sequence[dict[str, str]]) -> None:
    """Put files back. Owners are looked up before the first is written."""
    ready = []
    for file in files:
        owner = (_number(file["owner"], "user", file["path"]), _number(file["group"], "group", file["path"]))
        try:
            content = base64.b64decode(file["content"], validate=True)
        except binascii.Error as exc:
            raise ReleaseError(f"the snapshot of {file['path']} is damaged") from exc
        path = pathlib.Path(file["path"])
        if not path.parent.is_dir():
            raise ReleaseError(f"{path.parent}, the folder of {path.name}, is no longer on this host")
        ready.append((path, content, int(file["mode"], 8), owner))
    for path, content, mode, owner in ready:
        replace_file(path, content, mode, owner)
