# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run did: seconds, hosts and results by phase (play) and by role and host."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible.playbook.task_include import TaskInclude

_COLLECTION = "golive.delivery."
_PREFIXES = ("", "ansible.builtin.", "ansible.legacy.")
_FACTS = frozenset(prefix + name for prefix in _PREFIXES for name in ("setup", "gather_facts", "package_facts"))
_FACTS |= {prefix + "service_facts" for prefix in _PREFIXES}

# Results of a task on a host: what `add` takes.
OK, CHANGED, FAILED, IGNORED, UNREACHABLE, SKIPPED = "ok", "changed", "failed", "ignored", "unreachable", "skipped"


@dataclass
class Phase:
    """A play: its number in the playbook, the hosts that took part and what came of it. Times are monotonic seconds."""

    number: int
    name: str
    key: Any
    check_mode: bool
    started: float
    seconds: float = 0.0
    tasks: int = 0
    changed: int = 0
    failed: int = 0
    hosts: set[str] = field(default_factory=set)

    @property
    def elapsed(self) -> float:
        """Seconds since the phase began."""
        return time.monotonic() - self.started


@dataclass
class Count:
    """What a role did on a host. `executions` counts every item of a loop, `tasks` the loop once."""

    tasks: int = 0
    executions: int = 0
    changed: int = 0
    failed: int = 0
    seconds: float = 0.0


class Record:
    """The phases and counts of a run; a run may be of several playbooks."""

    def __init__(self) -> None:
        """Start the clock."""
        self.phases: list[Phase] = []
        self.roles: dict[str, dict[str, Count]] = {}
        self._began = time.monotonic()
        self._date = datetime.now(timezone.utc)
        self._started: dict[tuple[str, str], float] = {}
        self._skipped: Counter[tuple[str, str]] = Counter()

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    def begin_phase(self, number: int, name: str, key: Any, check_mode: bool) -> Phase:
        """Start a phase; `key` tells it from others of the same name."""
        phase = Phase(number, name, key, check_mode, time.monotonic())
        self.phases.append(phase)
        return phase

    def end_phase(self) -> Phase:
        """Stop the clock of the current phase and return it."""
        phase = self.phases[-1]
        phase.seconds = phase.elapsed
        return phase

    def begin_task(self, task: Any, host: str) -> None:
        """Note that a task starts on a host."""
        self._started[host, task._uuid] = time.monotonic()
        if self.phases:
            self.phases[-1].hosts.add(host)

    def skip_item(self, task: Any, host: str) -> None:
        """Note that a loop skips an item; what a result says of that differs between releases of ansible-core."""
        self._skipped[host, task._uuid] += 1

    def add(self, task: Any, host: str, result: dict[str, Any], outcome: str) -> None:
        """Count a result. Skipped tasks and includes run nothing, and gathering of facts belongs to no role."""
        now = time.monotonic()
        seconds = now - self._started.pop((host, task._uuid), now)
        skipped = self._skipped.pop((host, task._uuid), 0)
        if outcome == SKIPPED:
            return
        if self.phases:
            phase = self.phases[-1]
            phase.hosts.add(host)
            phase.tasks += not isinstance(task, TaskInclude)
            phase.changed += outcome == CHANGED
            phase.failed += outcome in (FAILED, UNREACHABLE)
        role = getattr(task, "_role", None)
        if role is None or isinstance(task, TaskInclude) or task.action in _FACTS:
            return
        count = self.roles.setdefault(role.get_name().removeprefix(_COLLECTION), {}).setdefault(host, Count())
        count.tasks += 1
        items = result.get("results")
        looped = task.loop is not None and isinstance(items, list)
        count.executions += len(items) - skipped if looped else 1
        count.changed += outcome == CHANGED
        count.failed += outcome in (FAILED, UNREACHABLE)
        count.seconds += seconds

    def as_data(self, totals: dict[str, dict[str, int]]) -> dict[str, Any]:
        """Return the run as plain data; `totals` are Ansible's own counts by host."""
        return {
            "format": 1,
            "started": self._date.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "check_mode": any(phase.check_mode for phase in self.phases),
            "changed": sum(total["changed"] for total in totals.values()),
            "failed": sum(total["failures"] + total["unreachable"] for total in totals.values()),
            "phases": [
                {
                    "number": phase.number,
                    "name": phase.name,
                    "seconds": round(phase.seconds, 3),
                    "hosts": sorted(phase.hosts),
                    "tasks": phase.tasks,
                    "changed": phase.changed,
                    "failed": phase.failed,
                }
                for phase in self.phases
            ],
            "roles": {
                role: {host: {**vars(count), "seconds": round(count.seconds, 3)} for host, count in hosts.items()}
                for role, hosts in self.roles.items()
            },
            "hosts": totals,
        }


def write_json(path: str, data: dict[str, Any]) -> None:
    """Write a file at once or not at all; raises OSError."""
    path = os.path.abspath(os.path.expanduser(path))
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".progress-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False, indent=2)
            file.write("\n")
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
