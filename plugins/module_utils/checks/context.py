# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running check may use: its time left, subprocesses that cannot outlive it, short-lived secret files."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Callable

from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError, CheckTimeoutError

# A login without a profile has no sbin, where haproxy, nft and runuser live.
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


@dataclass(frozen=True)
class Completed:
    """A program that ended: its return code and its output as text."""

    rc: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Return stderr and stdout in one text, for evidence."""
        return "\n".join(part for part in (self.stderr.strip(), self.stdout.strip()) if part)


class _Child(subprocess.Popen[bytes]):
    """A program in a session of its own, so that its process group is all that it starts."""

    def end(self) -> None:
        """Kill the program and what it started."""
        if self.returncode is not None:
            return  # it ended by itself, and its number may belong to somebody else by now
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # an uninterruptible wait of the kernel: nobody can end it
            self.wait(timeout=1)


class Context:
    """The frame of one running check."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self._lock = threading.Lock()
        self._closed = False
        self._cleanup: list[Callable[[], None]] = []

    def remaining(self) -> float:
        """Return the seconds left, more than 0; raise CheckTimeoutError when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.expired()
        return left

    def expired(self) -> CheckTimeoutError:
        """Return the exception that says that the time is used up."""
        return CheckTimeoutError(f"timed out after {self.timeout:g} s")

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str] | None = None, stdin: str | None = None
    ) -> Completed:
        """Run a program without a shell, in the C locale; kill it with all its children when the time is used up.

        Raises CheckError when it cannot be started and CheckTimeoutError when it does not end in time.
        """
        path = os.environ.get("PATH", "").split(os.pathsep)
        path = [part for part in path if part] + [part for part in _SYSTEM_PATH if part not in path]
        env = {**os.environ, "PATH": os.pathsep.join(path), **(environment or {}), "LC_ALL": "C", "LANGUAGE": "C"}
        left = self.remaining()
        try:
            child = _Child(
                list(argv),
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                start_new_session=True,
            )
        except FileNotFoundError as exc:
            raise CheckError(f"{argv[0]} is not installed on this host") from exc
        except (OSError, ValueError) as exc:
            raise CheckError(f"{argv[0]} cannot be started: {exc}") from exc
        self._at_end(child.end)
        try:
            stdout, stderr = child.communicate(None if stdin is None else stdin.encode(), timeout=left)
        except subprocess.TimeoutExpired as exc:
            raise self.expired() from exc
        return Completed(child.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace"))

    def secret_file(self, text: str) -> str:
        """Return the path of a new file with mode 0600 that is removed when the check ends, however it ends."""
        handle, path = tempfile.mkstemp(prefix="golive-")  # mkstemp creates it with 0600
        self._at_end(lambda: pathlib.Path(path).unlink(missing_ok=True))
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def close(self) -> None:
        """Kill what still runs and remove the secret files. Safe from another thread and to call twice."""
        with self._lock:
            self._closed = True
            cleanup, self._cleanup = self._cleanup, []
        for action in cleanup:
            action()

    def _at_end(self, action: Callable[[], None]) -> None:
        """Remember what to do when the check ends; do it now when the engine gave up on the check meanwhile."""
        with self._lock:
            closed = self._closed
            if not closed:
                self._cleanup.append(action)
        if closed:
            action()
            raise self.expired()
