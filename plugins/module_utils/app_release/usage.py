# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases a process runs from."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator


def _traces(process: pathlib.Path) -> Iterator[str]:
    """Yield what of a process names files: programs in a virtual environment show in its arguments and maps only."""
    for link in ("exe", "cwd", "root"):
        try:
            yield os.readlink(process / link)
        except OSError:
            continue
    for file in ("cmdline", "maps"):
        try:
            yield (process / file).read_bytes().decode(errors="replace")
        except OSError:
            continue


def in_use(releases: pathlib.Path, folders: list[str], proc: str = "/proc") -> set[str]:
    """Return those of the folders that a process runs from."""
    found: set[str] = set()
    for process in pathlib.Path(proc).iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        for trace in _traces(process):
            for folder in set(folders) - found:
                path = str(releases / folder)
                if trace == path or f"{path}/" in trace or f"{path} " in trace or f"{path}\0" in trace:
                    found.add(folder)
    return found
