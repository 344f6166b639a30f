# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: order, parallel runs, time limits, mistakes in checks, waivers."""

from __future__ import annotations

import datetime
import os
import threading
import time

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import definition, engine
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import Outcome, clip
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import TYPES, CheckType

TODAY = datetime.date(2026, 7, 1)


@pytest.fixture
def run(raw, monkeypatch):
    """Run a function as a check."""

    def runner(function, workers=8, count=1, overrides=None, **fields):
        monkeypatch.setitem(TYPES, "probe", CheckType("probe", (), function))
        checks = [raw("probe", {}, **{"id": f"demo.{number}", **fields}) for number in range(count)]
        return engine.run(definition.load(checks, overrides or {}, "demo"), workers, TODAY)

    return runner


def passes(parameters, context):
    return Outcome("pass", "yes", "yes", "seen")


def fails(parameters, context):
    return Outcome("fail", "yes", "no", "seen")


def test_result_has_the_promised_fields(run):
    assert run(passes)[0].pop("seconds") < 1
    assert run(passes)[0] == {
        "id": "demo.0",
        "title": {"en": "A check", "zh": "检查"},
        "area": "deployment",
        "type": "probe",
        "severity": "P0",
        "status": "pass",
        "expected": "yes",
        "observed": "yes",
        "evidence": "seen",
        "seconds": pytest.approx(0, abs=0.5),
        "waiver": None,
    }


def test_results_keep_the_order_though_the_first_ends_last(run):
    numbers = iter(range(6))

    def probe(parameters, context):
        time.sleep((5 - next(numbers)) * 0.02)
        return Outcome("pass", "", "")

    assert [result["id"] for result in run(probe, count=6)] == [f"demo.{number}" for number in range(6)]


@pytest.mark.parametrize("workers", [1, 3])
def test_at_most_so_many_workers_run_at_a_time(run, workers):
    lock, now, most = threading.Lock(), [0], [0]

    def probe(parameters, context):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.03)
        with lock:
            now[0] -= 1
        return Outcome("pass", "", "")

    run(probe, workers=workers, count=6)
    assert most[0] == workers


def test_check_that_hangs_is_an_error_and_the_others_go_on(run):
    gate = threading.Event()
    first = iter([True])

    def probe(parameters, context):
        if next(first, False):
            gate.wait(20)  # looks at no deadline
        return Outcome("pass", "", "")

    start = time.monotonic()
    results = run(probe, workers=1, count=3, timeout=0.2)
    gate.set()
    assert time.monotonic() - start < 3
    assert [result["status"] for result in results] == ["error", "pass", "pass"]
    assert results[0]["observed"] == "timed out after 0.2 s"


@pytest.mark.parametrize("script", ["exec sleep 20", "sleep 20; true", "sleep 20 &"])
def test_program_that_hangs_is_killed_with_its_children(check, tmp_path, script):
    mark = tmp_path / "pid"
    result = check("command", {"timeout": 0.4}, argv=["sh", "-c", f"echo $$ >{mark}; {script}"])
    assert (result["status"], result["observed"]) == ("error", "timed out after 0.4 s")
    group = int(mark.read_text(encoding="utf-8"))
    for _attempt in range(50):
        # Orphans that were killed wait as zombies until somebody reaps them.
        alive = [pid for pid in os.listdir("/proc") if pid.isdigit() and _runs_in(pid, group)]
        if not alive:
            return
        time.sleep(0.02)
    raise AssertionError(f"still running: {alive}")


def _runs_in(pid: str, group: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return int(fields[2]) == group and fields[0] != "Z"


@pytest.mark.parametrize("wait", [0, 20])
def test_secret_file_is_private_and_removed_however_the_check_ends(run, wait):
    seen, gate = [], threading.Event()

    def probe(parameters, context):
        path = context.secret_file("secret")
        seen.append((path, os.stat(path).st_mode & 0o777))
        gate.wait(wait)
        return Outcome("pass", "", "")

    run(probe, timeout=0.2)
    gate.set()
    assert seen[0][1] == 0o600
    assert not os.path.exists(seen[0][0])


@pytest.mark.parametrize("mistake", [KeyError("x"), SystemExit("bye"), OSError(5, "Input/output error")])
def test_exception_in_a_check_is_an_error_with_its_text(run, mistake):
    def probe(parameters, context):
        raise mistake

    result = run(probe)[0]
    assert result["status"] == "error"
    assert result["observed"] == f"{type(mistake).__name__}: {mistake}"


def test_check_without_an_outcome_is_an_error(run):
    assert run(lambda parameters, context: True)[0]["status"] == "error"


def test_thread_that_cannot_start_is_an_error(run, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert [result["observed"] for result in run(passes, count=2)] == ["can't start new thread"] * 2


WAIVER = {"by": "A. Customer", "reason": "ordered", "until": "2026-07-01"}


@pytest.mark.parametrize(
    ("probe", "until", "status"),
    [
        (fails, "2026-07-01", "waived"),
        (fails, "2026-06-30", "fail"),
        (passes, "2026-12-31", "pass"),
        (lambda parameters, context: 1 / 0, "2026-12-31", "waived"),
    ],
)
def test_waiver_counts_until_its_last_day(run, probe, until, status):
    result = run(probe, waiver={**WAIVER, "until": until})[0]
    assert result["status"] == status
    assert result["waiver"] == ({**WAIVER, "until": until} if status == "waived" else None)


def test_waived_result_tells_what_was_waived(run):
    result = run(fails, waiver=WAIVER)[0]
    assert result["evidence"] == "fail, waived by A. Customer until 2026-07-01: ordered. seen"
    assert result["observed"] == "no"


def test_ended_waiver_is_said_in_the_evidence(run):
    result = run(fails, waiver={**WAIVER, "until": "2026-06-30"})[0]
    assert result["evidence"] == "The waiver by A. Customer ended on 2026-06-30 and does not count. seen"


def test_waiver_by_override(run):
    assert run(fails, overrides={"demo.0": {"waiver": WAIVER}})[0]["status"] == "waived"


def test_disabled_check_is_skipped_with_its_reason(run):
    ran = []
    override = {"demo.0": {"enabled": False, "reason": "no balancer here"}}
    results = run(lambda parameters, context: ran.append(1) or passes(parameters, context), 8, 2, override)
    assert [result["status"] for result in results] == ["skipped", "pass"]
    assert results[0]["evidence"] == "no balancer here"
    assert len(ran) == 1


def test_summary_counts_every_status(run):
    results = run(passes, count=2) + run(fails)
    assert engine.summarize(results) == {"pass": 2, "warn": 0, "fail": 1, "waived": 0, "skipped": 0, "error": 0}


def test_texts_are_short_and_printable(run):
    long = "begin " + "x" * 2000 + "\x00\x1b[31m\udc80 end"
    result = run(lambda parameters, context: Outcome("fail", long, long, long))[0]
    for name in ("expected", "observed", "evidence"):
        assert len(result[name]) == 500
        assert result[name].startswith("begin x")
        assert result[name].endswith("x??[31m? end")
    assert clip("short\n") == "short"
