# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on a host before Patroni takes it over: a data directory, Debian's own cluster. Only reads."""

from __future__ import annotations

import os
import pathlib
import re
from dataclasses import asdict, dataclass
from typing import Any, Callable

# Of the files in a data directory this one alone says that Patroni ran it before.
_PATRONI_FILE = "patroni.dynamic.json"
_SETTING = re.compile(r"^\s*data_directory\s*=?\s*'([^']*)'", re.MULTILINE)

Run = Callable[[list[str]], tuple[int, str, str]]


@dataclass
class Data:
    """A data directory; `version` and `system_identifier` are empty when it holds no database cluster."""

    empty: bool
    version: str
    system_identifier: str
    managed: bool
    problem: str

    @property
    def present(self) -> bool:
        """Return whether there is a database cluster in it."""
        return bool(self.system_identifier)

    def as_dict(self) -> dict[str, Any]:
        """Return it as a module returns it."""
        return {**asdict(self), "present": self.present}


def read_data(directory: str, binaries: str, run: Run, being_made: bool = False) -> Data:
    """Return what a data directory holds; `run` is called with an argv and returns rc, stdout, stderr.

    One that Patroni is just filling is neither empty nor present: what tells its cluster is written last.
    """
    folder = pathlib.Path(directory)
    entries = sorted(_entries(folder))
    if not entries:
        return Data(True, "", "", False, "")
    if being_made:
        return Data(False, "", "", False, "")
    # Patroni takes such a directory for an empty one; initdb and pg_basebackup do not.
    if all(name.startswith(".") or name == "lost+found" for name in entries):
        return Data(False, "", "", False, f"holds only {', '.join(entries)}: PostgreSQL wants an empty directory")
    version = _text(folder / "PG_VERSION").strip()
    if not version:
        return Data(False, "", "", False, "holds files, but no database cluster")
    if not os.path.isdir(binaries):
        return Data(False, version, "", False, f"holds PostgreSQL {version}, which {binaries} cannot read")
    code, output, error = run([f"{binaries}/pg_controldata", "-D", directory])
    found = re.search(r"^Database system identifier:\s*(\d+)", output, re.MULTILINE)
    if code != 0 or not found:
        return Data(False, version, "", False, f"cannot be read by pg_controldata: {(error or output).strip()[:200]}")
    return Data(False, version, found.group(1), (folder / _PATRONI_FILE).exists(), "")


def read_debian(configuration_directory: str) -> dict[str, Any]:
    """Return Debian's own cluster of this configuration directory, the one of a standalone server."""
    text = _text(pathlib.Path(configuration_directory) / "postgresql.conf")
    found = _SETTING.search(text)
    return {"present": bool(text), "data_directory": found.group(1) if found else ""}


def _entries(folder: pathlib.Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _text(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
