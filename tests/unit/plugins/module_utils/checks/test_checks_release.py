# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""app_release on a folder instead of /, unit_limits with a fake systemctl."""

from __future__ import annotations

import json

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import release

ONE, TWO = "1.0.0-1111111111", "2.0.0-2222222222"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Return a function that makes a host with these releases, activated in this order."""
    monkeypatch.setattr(release, "ROOT", str(tmp_path))

    def create(current, activations, *, left=(ONE, TWO), pending=None):
        memory = tmp_path / "var/lib/golive/app_server/shop"
        for folder in left:
            (tmp_path / "opt/shop/releases" / folder).mkdir(parents=True)
            (tmp_path / "opt/shop/releases" / folder / ".complete").touch()
            (memory / "releases" / folder).mkdir(parents=True)
            (memory / "releases" / folder / "snapshot.json").write_text("{}", encoding="utf-8")
        (tmp_path / "opt/shop").mkdir(exist_ok=True, parents=True)
        (tmp_path / "opt/shop/current").symlink_to(f"releases/{current}")
        memory.mkdir(parents=True, exist_ok=True)
        entries = [{"release": one, "activated_at": "2026-01-01T00:00:00Z", "reason": why} for one, why in activations]
        (memory / "activations.json").write_text(json.dumps(entries), encoding="utf-8")
        if pending:
            (memory / "pending.json").write_text(json.dumps({"to": pending}), encoding="utf-8")

    return create


BOTH = [(ONE, "converge"), (TWO, "converge")]


@pytest.mark.parametrize(
    ("given", "status", "observed"),
    [
        ({"current": TWO, "activations": BOTH}, "pass", f"previous: {ONE}"),
        ({"current": TWO, "activations": [(TWO, "converge")]}, "pass", f"last activated: {TWO}"),
        ({"current": ONE, "activations": [*BOTH, (ONE, "rollback")]}, "pass", f"last activated: {ONE}"),
        ({"current": TWO, "activations": BOTH, "left": (TWO,)}, "fail", "previous: none is left"),
        ({"current": TWO, "activations": BOTH[:1]}, "fail", f"last activated: {ONE}"),
        ({"current": ONE, "activations": BOTH, "pending": ONE}, "fail", f"half done: the way back to {ONE}"),
        ({"current": ONE, "activations": []}, "fail", "last activated: none"),
    ],
)
def test_app_release(check, host, given, status, observed):
    host(**given)
    result = check("app_release", name="shop")
    assert (result["status"], observed in result["observed"]) == (status, True)


def test_app_release_is_the_declared_one(check, host):
    host(TWO, BOTH)
    assert check("app_release", name="shop", current=TWO)["status"] == "pass"
    assert check("app_release", name="shop", current="3")["status"] == "fail"


def test_app_release_with_a_damaged_memory_is_an_error(check, host, tmp_path):
    host(TWO, BOTH)
    (tmp_path / "var/lib/golive/app_server/shop/activations.json").write_text("[{}]", encoding="utf-8")
    assert check("app_release", name="shop")["status"] == "error"


@pytest.fixture
def unit(program, tmp_path, monkeypatch):
    """A unit with limits, and its process."""
    monkeypatch.setattr(release, "PROC", str(tmp_path))
    (tmp_path / "42").mkdir()
    text = "Limit  Soft  Hard\nMax open files            1024                 4096                 files\n"
    (tmp_path / "42/limits").write_text(text, encoding="utf-8")
    (tmp_path / "meminfo").write_text("MemTotal:         819203 kB\nMemFree:  1 kB\n", encoding="utf-8")
    program("systemctl", "printf 'MemoryMax=209715200\\nCPUQuotaPerSecUSec=1.500s\\nTasksMax=50\\nMainPID=42\\n'")


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"memory_max": "200M", "cpu_quota": "150%", "tasks_max": 50, "open_files": 4096}, "pass"),
        ({"memory_max": "209715200"}, "pass"),
        ({"memory_max": "25%"}, "pass"),
        ({"memory_max": "50%"}, "fail"),
        ({"memory_max": "1G"}, "fail"),
        ({"memory_max": "infinity"}, "fail"),
        ({"cpu_quota": "50%"}, "fail"),
        ({"tasks_max": 51}, "fail"),
        ({"open_files": 1024}, "fail"),
    ],
)
def test_unit_limits(check, unit, parameters, status):
    assert check("unit_limits", unit="shop-web.service", **parameters)["status"] == status


def test_unit_limits_of_a_unit_without_limits(check, program):
    program("systemctl", "printf 'MemoryMax=infinity\\nCPUQuotaPerSecUSec=infinity\\nTasksMax=infinity\\nMainPID=0\\n'")
    for limit in ({"memory_max": "1G"}, {"memory_max": "25%"}, {"cpu_quota": "50%"}, {"tasks_max": 5}):
        assert check("unit_limits", unit="shop-web.service", **limit)["status"] == "fail"
    assert check("unit_limits", unit="shop-web.service", memory_max="infinity")["status"] == "pass"
    assert check("unit_limits", unit="shop-web.service", open_files=5)["status"] == "error"


@pytest.mark.parametrize("parameters", [{}, {"memory_max": "much"}, {"cpu_quota": "2"}])
def test_unit_limits_refuses(check, parameters):
    with pytest.raises(Exception, match="expected"):
        check("unit_limits", unit="shop-web.service", **parameters)


PROOF = {
    "name": "rollback_shop",
    "status": "passed",
    "finished_at": "2026-01-02T03:04:05Z",
    "seconds": 42.5,
    "details": {"from": TWO, "to": ONE, "database": ""},
}


@pytest.mark.parametrize(
    ("proof", "activations", "status", "observed"),
    [
        (None, BOTH[:1], "skipped", ""),
        (None, BOTH, "fail", "never: there is no such file"),
        (PROOF, BOTH, "pass", ""),
        ({**PROOF, "seconds": 61}, BOTH, "fail", "took 61 s"),
        ({**PROOF, "seconds": None}, BOTH, "fail", "took None s"),
        ({**PROOF, "status": "failed", "reason": "no disk"}, BOTH, "fail", "failed: no disk"),
    ],
)
def test_rollback_rehearsal(check, host, tmp_path, proof, activations, status, observed):
    host(activations[-1][0], activations)
    path = tmp_path / "rollback_shop.json"
    if proof:
        path.write_text(json.dumps(proof), encoding="utf-8")
    result = check("rollback_rehearsal", name="shop", path=str(path), max_seconds=60)
    assert (result["status"], observed in result["observed"]) == (status, True), result


def test_rollback_rehearsal_says_what_was_done(check, host, tmp_path):
    host(TWO, BOTH)
    (tmp_path / "proof.json").write_text(json.dumps(PROOF), encoding="utf-8")
    result = check("rollback_rehearsal", name="shop", path=str(tmp_path / "proof.json"))
    assert f"from {TWO} to {ONE}, the database stayed" in result["evidence"]
