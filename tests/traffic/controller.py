"""Ansible's processes, and their sudden end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess


def descendants(parent: int) -> list[int]:
    """Return the processes below `parent`, all generations."""
    pairs = subprocess.run(["ps", "-eo", "pid=,ppid="], check=True, capture_output=True, text=True).stdout.splitlines()
    below, found = {parent}, []
    while True:
        new = [int(pid) for pid, ppid in (p.split() for p in pairs) if int(ppid) in below and int(pid) not in below]
        if not new:
            return found
        below.update(new)
        found += new


def kill_all(run: subprocess.Popen) -> None:
    """Kill a run of Ansible with SIGKILL; its workers too, which have sessions of their own."""
    for process in (run.pid, *descendants(run.pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    run.wait()
