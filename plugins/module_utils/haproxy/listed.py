# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that HAProxy's rules look into: in its memory for now, on disk for the process after the next reload."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator

from ansible_collections.golive.delivery.plugins.module_utils.haproxy.runtime import Runtime

_UNKNOWN = "Unknown ACL identifier"


def cookie(backend: str, server: str) -> str:
    """Return what the cookie of a sticky session says; the role's template makes the same of the two names."""
    return hashlib.sha256(f"{backend}/{server}".encode()).hexdigest()[:16]


class Listed:
    """One list, a value in each line."""

    def __init__(self, path: str, runtime: Runtime) -> None:
        self._path = path
        self._runtime = runtime

    def holds(self, value: str) -> tuple[bool, bool | None]:
        """Tell whether a value is on disk, and whether it is in memory; None if no rule looks into the list."""
        answer = self._runtime.serving(f"show acl {self._path}")
        loaded = [line.split()[-1] for line in answer.splitlines() if line.startswith("0x")]
        return value in self._lines(), None if _UNKNOWN in answer else value in loaded

    def put(self, value: str, wanted: bool) -> None:
        """Add or remove a value, on disk first: what a rule obeys now must also stand after a reload."""
        with self._locked():
            lines = [line for line in self._lines() if line != value] + ([value] if wanted else [])
            self._write("".join(f"{line}\n" for line in sorted(lines)))
            # One that is added twice would be there twice.
            if self.holds(value)[1] and not wanted:
                self._runtime.order(f"del acl {self._path} {value}")
            elif wanted and self.holds(value)[1] is False:
                self._runtime.order(f"add acl {self._path} {value}")

    def _lines(self) -> list[str]:
        try:
            with open(self._path, encoding="utf-8") as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def _write(self, text: str) -> None:
        handle, path = tempfile.mkstemp(dir=os.path.dirname(self._path), prefix=".golive-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path, self._path)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep others out: two application hosts may be drained at the same time."""
        folder = os.open(os.path.dirname(self._path), os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
