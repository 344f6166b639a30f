# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The callback progress: which events print what."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import context
from ansible.playbook.block import Block
from ansible.playbook.task import Task
from ansible_collections.golive.delivery.plugins.callback import progress

NO_LOG = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"


class FakeDisplay:
    """Keeps what is printed."""

    def __init__(self) -> None:
        self.verbosity = 0
        self.lines: list[str] = []

    def display(self, text: str, **_options: Any) -> None:
        self.lines.append(text)

    def banner(self, text: str) -> None:
        self.lines.append(text)

    def warning(self, text: str) -> None:
        self.lines.append(f"[WARNING]: {text}")


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> progress.CallbackModule:
    made = progress.CallbackModule()
    made._display = made._screen._display = FakeDisplay()
    made._plugin_options = {
        "live": "never",
        "json": None,
        "show_per_host_start": False,
        "show_custom_stats": False,
        "check_mode_markers": False,
        "display_failed_stderr": False,
        "result_format": "json",
        "pretty_results": None,
    }
    monkeypatch.setattr(context, "CLIARGS", context.CLIArgs({"check": False}))
    return made


def a_task(name: str = "Install", **attributes: Any) -> Task:
    task = Task()
    task.name, task.action = name, attributes.pop("action", "ansible.builtin.command")
    task._parent = attributes.pop("parent", None)
    for key, value in attributes.items():
        setattr(task, key, value)
    return task


def a_result(task: Task, data: dict[str, Any] | None = None, host: str = "db1") -> Any:
    data = data or {}
    return SimpleNamespace(
        host=SimpleNamespace(get_name=lambda: host),
        task=task,
        result=data,
        is_changed=lambda: bool(data.get("changed")),
    )


def begin(callback: progress.CallbackModule, *names: str, check_mode: bool = False) -> list[Any]:
    plays = [
        SimpleNamespace(get_name=lambda name=name: name, _uuid=name, check_mode=check_mode, strategy="linear")
        for name in names
    ]
    callback.v2_playbook_on_start(SimpleNamespace(get_plays=lambda: plays, _file_name="site.yml"))
    callback.v2_playbook_on_play_start(plays[0])
    return plays


def end(callback: progress.CallbackModule, **totals: dict[str, int]) -> str:
    keys = ("ok", "failures", "unreachable", "changed", "skipped", "rescued", "ignored")
    summaries = {host: {**dict.fromkeys(keys, 0), **counts} for host, counts in totals.items()}
    callback.v2_playbook_on_stats(
        SimpleNamespace(processed=dict.fromkeys(summaries), summarize=summaries.get, custom={"_run": {"a": 1}})
    )
    return "\n".join(callback._display.lines)


def test_quiet_when_all_is_well(callback: progress.CallbackModule) -> None:
    plays = begin(callback, "Database", "Application")
    task = a_task()
    callback.v2_playbook_on_task_start(task, False)
    callback.v2_runner_on_start(SimpleNamespace(get_name=lambda: "db1"), task)
    callback.v2_runner_on_ok(a_result(task, {"changed": True}))
    callback.v2_runner_on_skipped(a_result(task, {"skipped": True}))
    callback.v2_playbook_on_include(None)
    callback.v2_playbook_on_play_start(plays[0])  # the next batch of the same play
    callback.v2_playbook_on_play_start(plays[1])
    callback.v2_playbook_on_no_hosts_matched()
    text = end(callback, db1={"ok": 1, "changed": 1}, db2={"ok": 3})
    lines = [line.rsplit(",", 1)[0] for line in text.splitlines()]
    assert lines[:4] == ["[1/2] Database", "[1/2] done: 1 host, 1 changed", "[2/2] Application", "[2/2] done: no hosts"]
    assert "changed=1 ok=4 on 2 hosts" in text
    assert "Install" not in text
    assert "Nothing" not in text


@pytest.mark.parametrize(("check_mode", "verdict"), [(False, "Nothing changed."), (True, "Nothing would change.")])
def test_nothing_changed(callback: progress.CallbackModule, check_mode: bool, verdict: str) -> None:
    begin(callback, "Database", check_mode=check_mode)
    callback.v2_runner_on_ok(a_result(a_task()))
    text = end(callback, db1={"ok": 1})
    assert text.endswith(verdict)
    assert ("0 would change" in text) is check_mode


def test_failure_in_full(callback: progress.CallbackModule) -> None:
    begin(callback, "Database")
    callback.v2_runner_on_failed(a_result(a_task(), {"msg": "line 1\nline 2", "rc": 3, "stderr": "oh"}))
    text = end(callback, db1={"failures": 1, "ok": 2})
    assert "FAILED: [db1] Install\n  phase: [1/1] Database\n" in text
    assert "  message\n    line 1\n    line 2\n  stderr\n    oh\n  rc: 3" in text
    assert "[1/1] failed: 1 host, 1 failed, 0 changed" in text
    assert "db1: ok=2 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0\n  failed at: Install" in text
    assert "Nothing" not in text


def test_ignored_and_rescued(callback: progress.CallbackModule) -> None:
    begin(callback, "Database")
    callback.v2_runner_on_failed(a_result(a_task(), {"msg": "no"}), ignore_errors=True)
    block = Block()
    task = a_task("Try", parent=block)
    block.block, block.rescue = [task], [a_task()]
    callback.v2_runner_on_failed(a_result(task, {"msg": "no"}))
    text = end(callback, db1={"ok": 2, "rescued": 1, "ignored": 1})
    assert "FAILED: [db1] Install (ignored, the run goes on)" in text
    assert "FAILED: [db1] Try (rescued, the run goes on)" in text
    assert "failed at" not in text
    assert "[1/1] done: 1 host, 0 changed" in text


def test_items(callback: progress.CallbackModule) -> None:
    begin(callback, "Database")
    task = a_task(loop=["a", "b"])
    callback.v2_runner_item_on_ok(a_result(task, {"item": "a", "changed": True}))
    callback.v2_runner_item_on_failed(a_result(task, {"item": {"password": "hunter2"}, "_ansible_item_label": "b"}))
    callback.v2_runner_on_failed(a_result(task, {"msg": "One or more items failed", "results": [{}, {"failed": True}]}))
    text = end(callback, db1={"failures": 1})
    assert "  item: b" in text
    assert "  1 of 2 items failed on db1" in text
    assert text.count("FAILED:") == 1
    assert "hunter2" not in text


def test_no_log(callback: progress.CallbackModule) -> None:
    begin(callback, "Database")
    data = {"censored": NO_LOG, "_ansible_no_log": True, "exception": "Traceback hunter2", "item": "hunter2"}
    callback.v2_runner_item_on_failed(a_result(a_task(loop=["x"]), dict(data)))
    callback.v2_runner_on_failed(a_result(a_task(), dict(data)))
    text = end(callback, db1={"failures": 2})
    assert NO_LOG in text
    assert "hunter2" not in text


def test_unreachable(callback: progress.CallbackModule) -> None:
    begin(callback, "Database")
    callback.v2_runner_on_unreachable(a_result(a_task(), {"msg": "Connection refused", "unreachable": True}))
    text = end(callback, db1={"unreachable": 1})
    assert "UNREACHABLE: [db1] Install" in text
    assert "    Connection refused" in text
    assert "unreachable=1" in text


def test_changes_with_v(callback: progress.CallbackModule) -> None:
    callback._display.verbosity = 1
    begin(callback, "Database")
    callback.v2_runner_on_ok(a_result(a_task(), {"changed": True}))
    callback.v2_runner_on_ok(a_result(a_task("Unchanged")))
    callback.v2_runner_item_on_ok(a_result(a_task("Loop"), {"changed": True, "item": "x"}))
    assert callback._display.lines[1:] == ["  changed: [db1] Install", "  changed: [db1] Loop (item=x)"]


def test_messages_of_debug(callback: progress.CallbackModule) -> None:
    begin(callback, "Database")
    task = a_task(action="ansible.builtin.debug")
    callback.v2_runner_on_ok(a_result(task, {"msg": "a\nb"}))
    callback.v2_runner_on_ok(a_result(task, {"x": [1]}))
    assert callback._display.lines[1:] == ["  [db1] a\n    b", '  [db1] {"x": [1]}']


def test_diff(callback: progress.CallbackModule) -> None:
    begin(callback, "Database")
    data = {"changed": True, "diff": {"before": "a\n", "after": "b\n"}}
    callback.v2_on_file_diff(a_result(a_task(), data))
    assert callback._display.lines[1] == "  changed: [db1] Install"
    assert "a\n" in callback._display.lines[2]


def test_everything_with_vv(callback: progress.CallbackModule) -> None:
    callback._display.verbosity = 2
    callback._plugin_options.update(display_ok_hosts=True, display_skipped_hosts=True, show_task_path_on_failure=False)
    begin(callback, "Database")
    task = a_task()
    callback.v2_playbook_on_task_start(task, False)
    callback.v2_runner_on_ok(a_result(task, {"rc": 0}))
    text = end(callback, db1={"ok": 1})
    assert "PLAY [Database]" in text
    assert "TASK [Install]" in text
    assert 'ok: [db1] => {"rc": 0}' in text
    assert "PLAY RECAP" in text
    assert "[1/1] Database " in text


def test_json(callback: progress.CallbackModule, tmp_path: Path) -> None:
    callback._plugin_options["json"] = str(tmp_path / "run.json")
    begin(callback, "Database")
    callback.v2_runner_on_ok(a_result(a_task()))
    end(callback, db1={"ok": 1})
    data = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert data["phases"][0]["name"] == "Database"
    assert data["hosts"]["db1"]["ok"] == 1


def test_json_that_cannot_be_written_fails_no_run(callback: progress.CallbackModule, tmp_path: Path) -> None:
    callback._plugin_options["json"] = str(tmp_path / "nowhere" / "run.json")
    begin(callback, "Database")
    assert "cannot be written" in end(callback, db1={"ok": 1})


def test_live_line_shows_hosts_and_task(callback: progress.CallbackModule, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(callback._screen._line, "_write", written.append)
    callback._plugin_options["live"] = "always"
    begin(callback, "Database")
    task = a_task()
    callback.v2_playbook_on_task_start(task, False)
    for host in ("db1", "db2"):
        callback.v2_runner_on_start(SimpleNamespace(get_name=lambda host=host: host), task)
    assert "[1/1] Database | Install | db1, db2 | 0 s" in written[-1]
    callback.v2_runner_on_ok(a_result(task))
    assert "[1/1] Database | Install | db2 | 0 s" in written[-1]
    callback.v2_playbook_on_task_start(a_task(action="ansible.builtin.pause"), False)
    count = len(written)
    callback._screen._line.draw()
    assert len(written) == count, "a task that asks has the terminal for itself"
    assert "[1/1] Database: 2 hosts, 0 changed" in end(callback, db1={"ok": 1})
