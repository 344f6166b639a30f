# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Screen output of a delivery: phases instead of tasks, and everything about a failure."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Phases with their seconds, and the whole of every failure
version_added: "0.1.0"
author: The golive.delivery authors (@golive-delivery)
description:
  - Shows a run as phases, one for each play, with the number of all phases, the seconds, the hosts and what changed.
  - On a terminal one line shows the task that runs, the hosts that still work on it and the seconds that have passed;
    elsewhere there is a line at the start and one at the end of a phase.
  - Of a failure it prints play, task, file, host, item and the complete result with its line breaks; what is
    C(no_log) stays hidden. A failure that is ignored or rescued is marked so.
  - Diffs, warnings and messages of M(ansible.builtin.debug) are printed as they come. With C(-v) also what changed.
  - With C(-vv) and more it prints all that the callback P(ansible.builtin.default#callback) prints.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout in configuration
options:
  live:
    description: Whether to draw the line with the running task.
    type: str
    default: auto
    choices:
      auto: If standard output is a terminal.
      always: Even if it is not one.
      never: Not even on a terminal.
    env:
      - name: GOLIVE_PROGRESS_LIVE
    ini:
      - section: golive_progress
        key: live
  json:
    description:
      - File to which phases, seconds and the counts by role and host are written as JSON at the end of the run.
      - In a role's counts, C(tasks) are the tasks that ran and were not skipped, C(executions) counts every item of a
        loop by itself. Gathering of facts and includes are not counted.
    type: path
    env:
      - name: GOLIVE_PROGRESS_JSON
    ini:
      - section: golive_progress
        key: json
"""

from collections import Counter
from typing import Any

from ansible import constants
from ansible.plugins.callback.default import CallbackModule as DefaultCallback
from ansible_collections.golive.delivery.plugins.plugin_utils import progress_record as records
from ansible_collections.golive.delivery.plugins.plugin_utils.progress_printing import ResultPrinting
from ansible_collections.golive.delivery.plugins.plugin_utils.progress_screen import is_terminal

_PAUSE = ("pause", "ansible.builtin.pause", "ansible.legacy.pause")


def _at_vv(name: str) -> Any:
    """Return the event handler of the default callback for -vv, which does nothing when the output is brief."""

    def handler(self: CallbackModule, *args: Any) -> None:
        if self._classic:
            getattr(DefaultCallback, name)(self, *args)

    return handler


class CallbackModule(ResultPrinting):
    """Prints phases; at `-vv` it only keeps count and leaves the printing to the default callback."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "golive.delivery.progress"

    # No news: includes and waiting. That a play has no hosts is said at the end of its phase.
    v2_playbook_on_include = _at_vv("v2_playbook_on_include")
    v2_playbook_on_no_hosts_matched = _at_vv("v2_playbook_on_no_hosts_matched")
    v2_runner_on_async_poll = _at_vv("v2_runner_on_async_poll")
    v2_runner_on_async_ok = _at_vv("v2_runner_on_async_ok")
    v2_runner_on_async_failed = _at_vv("v2_runner_on_async_failed")

    def __init__(self) -> None:
        """Start counting; options are known only later."""
        super().__init__()
        self._number = 0
        self._failed_items: Counter[tuple[str, str]] = Counter()

    # Plays and tasks

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Count the phases: every play of the playbook and of those that it imports."""
        live = self.get_option("live")
        self._screen.live = not self._classic and (live == "always" or (live == "auto" and is_terminal()))
        self._screen.total = len(playbook.get_plays())
        self._number = 0
        super().v2_playbook_on_start(playbook)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Begin a phase, or go on with it when this is the next batch of a play with `serial`."""
        self._play = play
        phases = self._record.phases
        if not (self._number and phases[-1].key == play._uuid):
            self._end_phase()
            self._number += 1
            phase = self._record.begin_phase(self._number, play.get_name().strip(), play._uuid, bool(play.check_mode))
            if not self._classic:
                self._screen.begin_phase(phase)
        if self._classic:
            super().v2_playbook_on_play_start(play)

    def _end_phase(self) -> None:
        if self._number:
            phase = self._record.end_phase()
            if not self._classic:
                self._screen.end_phase(phase)

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        """Say that the play ends here."""
        if self._classic:
            super().v2_playbook_on_no_hosts_remaining()
        else:
            self._screen.say("No hosts are left.", color=constants.COLOR_ERROR)

    def _task_start(self, task: Any, prefix: str | None = None) -> None:
        """Show the task; both plain tasks and handlers come here."""
        if self._classic:
            super()._task_start(task, prefix)
        else:
            self._screen.begin_task(task.get_name().strip(), asks=task.action in _PAUSE)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Note that a host begins with a task."""
        self._record.begin_task(task, host.get_name())
        self._screen.begin_host(host.get_name())
        if self._classic or self.get_option("show_per_host_start"):
            with self._screen.printing():
                super().v2_runner_on_start(host, task)

    def v2_runner_retry(self, result: Any) -> None:
        """Show that a task is tried again."""
        if self._classic:
            super().v2_runner_retry(result)
        else:
            self._screen.retry(result.result["attempts"] + 1, result.result["retries"])

    # Results

    def _count(self, result: Any, outcome: str) -> None:
        host = result.host.get_name()
        self._record.add(result.task, host, result.result, outcome)
        self._screen.end_host(host)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print nothing of a good result, unless it is a message or, with -v, a change."""
        changed = result.is_changed()
        self._count(result, records.CHANGED if changed else records.OK)
        if self._classic:
            super().v2_runner_on_ok(result)
        elif result.task.loop is None or "results" not in result.result:
            self._print_good(result, changed)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Print nothing of a good item, unless it is a message or, with -v, a change."""
        if self._classic:
            super().v2_runner_item_on_ok(result)
        else:
            item = f" (item={self._get_item_label(result.result)})"
            self._print_good(result, bool(result.result.get("changed")), item)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Skipped tasks are no news."""
        self._count(result, records.SKIPPED)
        if self._classic:
            super().v2_runner_on_skipped(result)
        else:
            self._print_warnings(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Count it: skipped items are no news."""
        self._record.skip_item(result.task, result.host.get_name())
        if self._classic:
            super().v2_runner_item_on_skipped(result)

    # Failures

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Print the whole result; of a loop only what its items have not told."""
        fate = self._fate(result, ignore_errors)
        # Ansible counts a change of a failed task only when the failure is ignored.
        changed = ignore_errors and result.is_changed()
        self._count(result, records.CHANGED if changed else records.IGNORED if fate else records.FAILED)
        self._remember(result, fate)
        if self._classic:
            super().v2_runner_on_failed(result, ignore_errors)
        elif failed := self._failed_items[result.host.get_name(), result.task._uuid]:
            text = f"  {failed} of {len(result.result.get('results') or [])} items failed on {self.host_label(result)}"
            self._screen.say(text, color=constants.COLOR_WARN if fate else constants.COLOR_ERROR)
        else:
            self._print_failure("FAILED", result, fate)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Print the whole result of the item."""
        if self._classic:
            super().v2_runner_item_on_failed(result)
        else:
            self._failed_items[result.host.get_name(), result.task._uuid] += 1
            fate = self._fate(result, result.task.ignore_errors is True)
            self._print_failure("FAILED", result, fate, str(self._get_item_label(result.result)))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Print why a host cannot be reached."""
        fate = "ignored" if result.task.ignore_unreachable is True else ""
        self._count(result, records.IGNORED if fate else records.UNREACHABLE)
        self._remember(result, fate)
        if self._classic:
            super().v2_runner_on_unreachable(result)
        else:
            self._print_failure("UNREACHABLE", result, fate)

    # The end

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print what came of it and write the JSON that the user asked for."""
        self._end_phase()
        self._screen.stop()
        totals = {host: dict(stats.summarize(host)) for host in sorted(stats.processed)}
        if self._classic:
            super().v2_playbook_on_stats(stats)
            self._screen.phases()
        else:
            self._screen.recap(totals, self._failed_at)
            self._screen.phases()
            self._print_extras(stats)
            self._screen.verdict(totals)
        if path := self.get_option("json"):
            try:
                records.write_json(path, self._record.as_data(totals))
            except OSError as error:
                self._display.warning(f"The progress of the run cannot be written to {path}: {error.strerror}")
