# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the callback progress puts on the screen: phases, the line with the running task, the recap."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible import constants
from ansible_collections.golive.delivery.plugins.plugin_utils.progress_line import LiveLine, width
from ansible_collections.golive.delivery.plugins.plugin_utils.progress_record import Phase, Record

_SHOWN_HOSTS = 4
_COUNTS = ("ok", "changed", "unreachable", "failures", "skipped", "rescued", "ignored")

Totals = dict[str, dict[str, int]]


def is_terminal() -> bool:
    """Tell whether standard output is a terminal on which a line can be drawn over."""
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _write_to_terminal(text: str) -> None:
    try:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), text.encode(sys.stdout.encoding or "utf-8", "replace"))
    except (OSError, ValueError):
        pass  # the terminal is gone; the run is worth more than its line


class Screen:
    """Lasting output through Ansible's Display, and below it the live line."""

    def __init__(self, display: Any, record: Record) -> None:
        """Take Ansible's Display and the record of the run; nothing is drawn before a phase begins."""
        self.live = False
        self.total = 0
        self._display = display
        self._record = record
        self._line = LiveLine(self._render, _write_to_terminal, lambda: shutil.get_terminal_size().columns)
        self._task = ""
        self._retry = ""
        self._working: list[str] = []

    def say(self, text: str, color: str | None = None, stderr: bool = False) -> None:
        """Print lasting text."""
        with self._line.hidden():
            self._display.display(text, color=color, stderr=stderr)

    @contextmanager
    def printing(self) -> Iterator[None]:
        """Keep the live line away while somebody else prints."""
        with self._line.hidden():
            yield

    def title(self, phase: Phase) -> str:
        """Return how a phase is called: "[3/11] Database", with a mark in check mode."""
        return f"{self._counter(phase)} {phase.name}" + (" (check mode)" if phase.check_mode else "")

    def _counter(self, phase: Phase) -> str:
        return f"[{phase.number}/{max(self.total, phase.number)}]"

    def _render(self) -> str:
        phase = self._record.phases[-1]
        hosts = self._working[:_SHOWN_HOSTS]
        rest = len(self._working) - len(hosts)
        working = ", ".join(hosts) + (f" and {rest} more" if rest else "")
        parts = [self.title(phase), f"{self._task}{self._retry}", working, f"{phase.elapsed:.0f} s"]
        return " | ".join(part for part in parts if part)

    def begin_phase(self, phase: Phase) -> None:
        """Say that a phase begins: in the live line, or in a line of its own."""
        self._task, self._retry, self._working = "", "", []
        if self.live:
            self._line.start()
        else:
            self.say(self.title(phase))

    def end_phase(self, phase: Phase) -> None:
        """Say what came of a phase."""
        self._line.suspend()
        count = len(phase.hosts)
        parts = [_hosts(count) if count else "no hosts"]
        if phase.failed:
            parts.append(f"{phase.failed} failed")
        if count:
            parts.append(f"{phase.changed} {'would change' if phase.check_mode else 'changed'}")
        color = (
            constants.COLOR_ERROR if phase.failed else constants.COLOR_CHANGED if phase.changed else constants.COLOR_OK
        )
        # Where the line was drawn nothing lasting tells yet which phase this is.
        start = (
            f"{self.title(phase)}:" if self.live else f"{self._counter(phase)} {'failed' if phase.failed else 'done'}:"
        )
        self.say(f"{start} {', '.join(parts)}, {phase.seconds:.1f} s", color=color)

    def begin_task(self, name: str, asks: bool) -> None:
        """Show the running task; a task that asks the user something gets the terminal for itself."""
        self._task, self._retry, self._working = name, "", []
        if asks:
            self._line.suspend()
        elif self.live:
            self._line.start()

    def begin_host(self, host: str) -> None:
        """Show that a host works on the task."""
        self._working.append(host)
        self._line.draw()

    def end_host(self, host: str) -> None:
        """Show that a host is done with the task."""
        if host in self._working:
            self._working.remove(host)
        self._line.draw()

    def retry(self, attempt: int, of: int) -> None:
        """Show that the task is tried again."""
        self._retry = f" (try {attempt} of {of})"
        self._line.draw()

    def stop(self) -> None:
        """Take the live line away for good."""
        self._line.suspend()

    def recap(self, totals: Totals, failed_at: dict[str, list[str]]) -> None:
        """Print Ansible's counts by host: those with failures in full, the others in one line."""
        self.say("")
        bad = [host for host, total in totals.items() if total["failures"] or total["unreachable"]]
        for host in bad:
            counts = " ".join(f"{'failed' if key == 'failures' else key}={totals[host][key]}" for key in _COUNTS)
            self.say(f"{host}: {counts}", color=constants.COLOR_ERROR)
            for at in failed_at.get(host, ()):
                self.say(f"  failed at: {at}", color=constants.COLOR_ERROR)
        good = [total for host, total in totals.items() if host not in bad]
        if good:
            changed, ok = (sum(total[key] for total in good) for key in ("changed", "ok"))
            color = constants.COLOR_CHANGED if changed else constants.COLOR_OK
            self.say(f"changed={changed} ok={ok} on {_hosts(len(good))}", color=color)

    def phases(self) -> None:
        """Print the seconds of each phase."""
        rows = [(self.title(phase), phase.seconds) for phase in self._record.phases]
        if rows:
            rows.append(("total", self._record.seconds))
            wide = max(width(name) for name, _seconds in rows)
            self.say("")
            for name, seconds in rows:
                self.say(f"{name}{' ' * (wide - width(name))}  {seconds:8.1f} s")

    def verdict(self, totals: Totals) -> None:
        """Say so when nothing changed anywhere and nothing failed."""
        if not any(total["changed"] or total["failures"] or total["unreachable"] for total in totals.values()):
            check_mode = any(phase.check_mode for phase in self._record.phases)
            self.say("Nothing would change." if check_mode else "Nothing changed.", color=constants.COLOR_OK)
