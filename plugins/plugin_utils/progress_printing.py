# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the callback progress prints a result: good ones hardly, diffs as usual, failures with everything."""

from __future__ import annotations

import json
from typing import Any

from ansible import constants, context
from ansible.plugins.callback.default import CallbackModule as DefaultCallback
from ansible_collections.golive.delivery.plugins.plugin_utils.progress_failure import (
    describe_result,
    is_rescued,
    short_path,
    traceback_of,
)
from ansible_collections.golive.delivery.plugins.plugin_utils.progress_record import Record
from ansible_collections.golive.delivery.plugins.plugin_utils.progress_screen import Screen


class ResultPrinting(DefaultCallback):
    """The part of the callback that knows what a result looks like; `_classic` leaves it to the default callback."""

    def __init__(self) -> None:
        """Begin with an empty record."""
        super().__init__()
        self._record = Record()
        self._screen = Screen(self._display, self._record)
        self._failed_at: dict[str, list[str]] = {}
        self._diff_of = ""

    @property
    def _classic(self) -> bool:
        return self._display.verbosity > 1

    def _print_warnings(self, result: Any) -> None:
        """Leave the warnings of a result to Ansible's Display."""
        if result.result.get("warnings") or result.result.get("deprecations"):
            with self._screen.printing():
                self._handle_warnings(result.result)

    def _print_good(self, result: Any, changed: bool, item: str = "") -> None:
        self._print_warnings(result)
        text, color = "", constants.COLOR_VERBOSE
        if result.task.action in constants._ACTION_DEBUG:
            self._clean_results(result.result, result.task.action)
            text = result.result.get("msg")
            text = text if isinstance(text, str) else self._dump_results(result.result)
            text = f"  [{self.host_label(result)}] {text}".replace("\n", "\n    ")
        elif changed and self._display.verbosity:
            text = f"  changed: [{self.host_label(result)}] {result.task.get_name().strip()}{item}"
            color = constants.COLOR_CHANGED
        if text:
            self._screen.say(text, color)

    def v2_on_file_diff(self, result: Any) -> None:
        """Print a diff as the default callback does, under a header that names the host."""
        with self._screen.printing():
            if not self._classic:
                self._last_task_banner = None
                self._diff_of = self.host_label(result)
            super().v2_on_file_diff(result)

    def _print_task_banner(self, task: Any) -> None:
        """Print the header of a diff, for only diffs ask for it when the output is brief."""
        if self._classic:
            super()._print_task_banner(task)
        else:
            text = f"  changed: [{self._diff_of}] {task.get_name().strip()}"
            self._display.display(text, color=constants.COLOR_CHANGED)
            self._last_task_banner = task._uuid

    @staticmethod
    def _fate(result: Any, ignored: bool) -> str:
        return "ignored" if ignored else "rescued" if is_rescued(result.task) else ""

    def _remember(self, result: Any, fate: str) -> None:
        if not fate:
            where = short_path(result.task.get_path())
            at = result.task.get_name().strip() + (f" ({where})" if where else "")
            self._failed_at.setdefault(result.host.get_name(), []).append(at)

    def _print_failure(self, kind: str, result: Any, fate: str, item: str = "") -> None:
        title = f"{kind}: [{self.host_label(result)}] {result.task.get_name().strip()}"
        facts = {
            "phase": "".join(self._screen.title(phase) for phase in self._record.phases[-1:]),
            "file": short_path(result.task.get_path()),
            "item": item,
        }
        lines = [f"{title} ({fate}, the run goes on)" if fate else title]
        lines += [f"  {name}: {text}" for name, text in facts.items() if text]
        lines += describe_result(self._dump_results(result.result, serialize=False), traceback_of(result.result))
        self._print_warnings(result)
        color = constants.COLOR_WARN if fate else constants.COLOR_ERROR
        self._screen.say("\n".join(lines), color, stderr=self.get_option("display_failed_stderr"))

    def _print_extras(self, stats: Any) -> None:
        """Print what options of the default callback ask for at the end."""
        if stats.custom and self.get_option("show_custom_stats"):
            for host, values in sorted(stats.custom.items()):
                text = json.dumps(values, ensure_ascii=False, sort_keys=True, default=str)
                self._screen.say(f"{'run' if host == '_run' else host}: {text}")
        if self.get_option("check_mode_markers") and context.CLIARGS["check"]:
            self._display.banner("DRY RUN")
