"""Updates and ways back under 50 requests a second, releases that do not work, runs that are killed."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack

import pytest
from conftest import APP, Fleet
from traffic import Traffic

KINDS = ("shop", "war", "image")
NODES = set(APP)


def traffic(fleet: Fleet, name: str) -> Traffic:
    return Traffic(fleet.url(name), host=f"{name}.golive.test")


def test_every_kind_rolls_with_no_request_lost_and_the_second_run_changes_nothing(fleet: Fleet) -> None:
    new = {f"{name}_release": "2.0.0" for name in KINDS}
    with ExitStack() as stack:
        loads = {name: stack.enter_context(traffic(fleet, name)) for name in KINDS}
        run = fleet.run("rolling_update.yml", **new)
    assert run.returncode == 0, run.stdout[-5000:]
    for name, load in loads.items():
        print(load.summary(f"rolling update of {name}"))
    assert {name: load.lost for name, load in loads.items()} == dict.fromkeys(KINDS, 0)
    for name in KINDS:
        assert fleet.release(name) == [["2.0.0"], ["2.0.0"]]
        assert fleet.in_rotation(name) == NODES
    again = fleet.run("rolling_update.yml", **new)
    assert again.returncode == 0, again.stdout[-5000:]
    assert "Nothing to do" in again.stdout
    assert re.findall(r"changed=(\d+)", again.stdout) == ["0"] * len(re.findall(r"changed=", again.stdout))
    assert "Drain the server" not in again.stdout


def test_every_kind_goes_back_with_no_request_lost(fleet: Fleet) -> None:
    for name in KINDS:
        with traffic(fleet, name) as load:
            run = fleet.run("rollback.yml", golive_rollback_application=name)
        assert run.returncode == 0, run.stdout[-5000:]
        proof = json.loads(fleet.on(APP[1], "cat", f"/var/lib/golive/evidence/rollback_{name}.json"))
        print(load.summary(f"rollback of {name}, {proof['seconds']} s"))
        assert load.lost == 0
        assert fleet.release(name) == [["1.0.0"], ["1.0.0"]]
        assert fleet.in_rotation(name) == NODES
        assert proof["status"] == "passed"
        assert proof["details"]["to"].startswith("1.0.0-")
    refused = fleet.run("rollback.yml", golive_rollback_application="shop")
    assert refused.returncode != 0
    assert "shop has no release to go back to" in refused.stdout
    assert fleet.release("shop") == [["1.0.0"], ["1.0.0"]]


@pytest.mark.parametrize(
    ("number", "fault", "message", "task", "node", "only"),
    [
        (1, "requirement", "golive-no-such-package", "Drain the server", 1, "shop"),
        (2, "migration", "the migration gives up: column total exists already", "Run the step", 1, ""),
        (3, "crash", r"was not ready in 15 s[\s\S]*no such table: orders", "Switch to the release", 1, ""),
        (4, "unready", "was not ready in 15 s", "Ask the application whether it is ready", 2, "shop"),
        (5, "smoke", r"smoke test / failed", "Let requests go to the server again", 2, "shop"),
    ],
)
def test_a_release_that_does_not_work_leaves_the_old_one(
    fleet: Fleet, number: int, fault: str, message: str, task: str, node: int, only: str
) -> None:
    """The second attempt, after mending, is killed in a task (for the n-th time that it is made); the third goes on."""
    before = fleet.release("shop")
    declared = {"shop_release": f"3.{number}.0", "app_server_only": only}
    with traffic(fleet, "shop") as load:
        run = fleet.run("rolling_update.yml", shop_fault=fault, **declared)
    print(load.summary(f"a release with a wrong {fault}"))
    assert run.returncode != 0
    assert re.search(message, run.stdout), run.stdout[-5000:]
    assert load.lost == 0
    assert fleet.release("shop") == before
    assert fleet.in_rotation() == NODES
    with traffic(fleet, "shop") as load:
        fleet.kill_at(task, node, "rolling_update.yml", **declared)
        run = fleet.run("rolling_update.yml", **declared)
    print(load.summary(f"the same release, mended, killed in {task!r}, run again"))
    assert run.returncode == 0, run.stdout[-5000:]
    assert load.lost == 0
    assert fleet.release("shop") == [[f"3.{number}.0"]] * 2
    assert fleet.in_rotation() == NODES


@pytest.mark.parametrize(
    ("task", "begin", "end"),
    [("Put back what the release ran with", "3.5.0", "3.4.0"), ("Write what was proved", "3.4.0", "3.3.0")],
)
def test_a_way_back_that_is_killed_is_gone_on_with(fleet: Fleet, task: str, begin: str, end: str) -> None:
    """To the release that ran before, and no further; its evidence is that of the whole."""
    assert fleet.release("shop") == [[begin]] * 2
    with traffic(fleet, "shop") as load:
        fleet.kill_at(task, 1, "rollback.yml", golive_rollback_application="shop")
        run = fleet.run("rollback.yml", golive_rollback_application="shop")
    print(load.summary(f"killed in {task!r}, run again"))
    assert run.returncode == 0, run.stdout[-5000:]
    assert load.lost == 0
    assert fleet.release("shop") == [[end]] * 2
    assert fleet.in_rotation() == NODES
    for host in APP:
        proof = json.loads(fleet.on(host, "cat", "/var/lib/golive/evidence/rollback_shop.json"))
        assert proof["details"]["from"].startswith(f"{begin}-")
        assert proof["details"]["to"].startswith(f"{end}-")
        assert float(proof["seconds"]) > 0


def test_wrong_variables_are_refused_before_anything_changes(fleet: Fleet) -> None:
    for variables, message in (
        ({"shop_release": "6.0.0", "golive_update_serial": "2"}, "golive_update_serial"),
        ({"shop_release": "6.0.0", "app_server_release_compatible": "false"}, "golive_update_backup"),
        ({"shop_release": "6.0.0", "golive_update_drain_timeout": "a while"}, "golive_update_drain_timeout"),
    ):
        run = fleet.run("rolling_update.yml", **variables)
        assert run.returncode != 0
        assert message in run.stdout, run.stdout[-3000:]
        assert fleet.in_rotation() == NODES
        assert "6.0.0" not in fleet.on(APP[0], "ls", "/var/lib/golive/app_server/shop/migrations"), "it has migrated"
    run = fleet.run("rollback.yml", golive_rollback_application="no-such")
    assert run.returncode != 0
    assert "expected one of shop, war, image, got no-such" in run.stdout
