# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of the callback progress: the live line, the record of a run, the text of a failure."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.playbook.block import Block
from ansible.playbook.task import Task
from ansible_collections.golive.delivery.plugins.plugin_utils import progress_record as records
from ansible_collections.golive.delivery.plugins.plugin_utils.progress_failure import (
    describe_result,
    is_rescued,
    traceback_of,
)
from ansible_collections.golive.delivery.plugins.plugin_utils.progress_line import ERASE, LiveLine, fit, width


def test_width_counts_columns() -> None:
    assert width("abc") == 3
    assert width("数据库") == 6


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("数据库", 5, "数据…"), ("a\x1b[2Jb\nc", 20, "a [2Jb c"), ("abc", 0, "…")],
)
def test_fit(text: str, columns: int, expected: str) -> None:
    assert fit(text, columns) == expected


def test_live_line() -> None:
    written: list[str] = []
    line = LiveLine(lambda: "working", written.append, lambda: 80)
    line.draw()
    assert written == [], "nothing is drawn before start"
    line.start()
    assert written == [f"{ERASE}working\r"]
    with line.hidden():
        assert written[-1] == ERASE
        written.append("text")
    assert written[-1] == f"{ERASE}working\r"
    line.stop()
    assert written[-1] == ERASE
    count = len(written)
    line.draw()
    with line.hidden():
        pass
    assert len(written) == count, "nothing is drawn after stop"


def a_task(role: str | None, action: str = "ansible.builtin.command", loop: Any = None) -> Any:
    named = SimpleNamespace(get_name=lambda: role) if role else None
    return SimpleNamespace(_uuid="u", _role=named, action=action, loop=loop)


def test_record(tmp_path: Path) -> None:
    record = records.Record()
    record.begin_phase(1, "Database", "key", False)
    task = a_task("golive.delivery.postgresql")
    record.begin_task(task, "db1")
    record.add(task, "db1", {"changed": True}, records.CHANGED)
    looped = a_task("golive.delivery.postgresql", loop=[1, 2, 3])
    record.skip_item(looped, "db1")
    record.add(looped, "db1", {"results": [{}, {}, {}]}, records.OK)
    record.add(task, "db1", {}, records.SKIPPED)
    record.add(task, "db2", {}, records.UNREACHABLE)
    record.add(a_task("golive.delivery.postgresql", "ansible.builtin.setup"), "db1", {}, records.OK)
    record.add(a_task(None), "db1", {}, records.OK)
    assert record.end_phase().hosts == {"db1", "db2"}

    data = record.as_data({"db1": {"changed": 1, "failures": 0, "unreachable": 0}})
    assert set(data["roles"]) == {"postgresql"}
    one = data["roles"]["postgresql"]["db1"]
    assert (one["tasks"], one["executions"], one["changed"], one["failed"]) == (2, 3, 1, 0)
    assert data["roles"]["postgresql"]["db2"]["failed"] == 1
    (phase,) = data["phases"]
    assert (phase["tasks"], phase["changed"], phase["failed"]) == (5, 1, 1)
    assert data["changed"] == 1

    path = tmp_path / "run.json"
    records.write_json(str(path), data)
    assert json.loads(path.read_text(encoding="utf-8")) == data
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError):
        records.write_json(str(tmp_path / "nowhere" / "run.json"), data)


def test_result_in_full() -> None:
    text = "\n".join(
        describe_result(
            {
                "msg": "first\n  second",
                "stderr": "bad\n",
                "stderr_lines": ["bad"],
                "stdout": "",
                "stdout_lines": [],
                "rc": 2,
                "cmd": ["a", "b"],
                "changed": False,
                "item": "secret label",
                "said": ["first", "second"],
                "data": {"key": "x" * 120},
            },
            "Traceback (most recent call last):\n  boom",
        )
    )
    assert "  message\n    first\n      second\n  stderr\n    bad\n  rc: 2\n" in text
    assert '  cmd: ["a", "b"]' in text
    assert "  data\n    {\n" in text
    assert "  traceback\n    Traceback (most recent call last):\n      boom" in text
    for absent in ("stderr_lines", "stdout", "changed", "secret label", "said"):
        assert absent not in text


def test_message_that_is_no_text() -> None:
    assert describe_result({"msg": ["a", "b"]}) == ['  message: ["a", "b"]']


def test_no_traceback_of_what_is_hidden() -> None:
    assert traceback_of({"exception": "Traceback"}) == "Traceback"
    assert traceback_of({"exception": "Traceback", "censored": "hidden"}) == ""
    assert traceback_of({"exception": "Traceback", "_ansible_no_log": True}) == ""


def test_rescued() -> None:
    outer, inner = Block(), Block()
    tried, rescuing, always, alone = (Task() for _unused in range(4))
    for task, parent in ((tried, inner), (rescuing, outer), (always, outer), (alone, Block())):
        task._parent = parent
    inner._parent = outer
    inner.block = [tried]
    outer.block, outer.rescue, outer.always = [inner], [rescuing], [always]
    assert is_rescued(tried)
    assert not is_rescued(rescuing)
    assert not is_rescued(always)
    assert not is_rescued(alone)
