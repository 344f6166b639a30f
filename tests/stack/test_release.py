"""Releases of the ERP come and go while users work; the balancers change and fail meanwhile."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

from conftest import ROOT, Stack, eventually
from controller import kill_all
from load import Database
from traffic import Traffic

REQUIREMENTS = (ROOT / "playbooks/files/tryton/requirements.txt").read_text(encoding="utf-8")
DECLARED = "8.0.12"
OTHER = "8.0.11"
# The migration of a release that changes the database; `%s` is what it does at its end.
MIGRATION = """
import configparser, os, sys, time, psycopg
config = configparser.RawConfigParser()
config.read(os.environ["TRYTOND_CONFIG"])
with psycopg.connect(config["database"]["uri"], dbname="erp") as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS golive_migrated (number int)")
%s
"""


def variables(release: str, **more: object) -> tuple[str, str]:
    """Return the arguments that declare another release of the ERP."""
    requirements = re.sub(r"^trytond==.*$", f"trytond=={release}", REQUIREMENTS, flags=re.MULTILINE)
    return "-e", json.dumps({"erp_release": release, "erp_requirements": requirements, **more})


def traffic(stack: Stack, **more: float) -> Traffic:
    return Traffic(f"https://{public_address(stack)}/", host="erp.golive.test", **more)


def public_address(stack: Stack) -> str:
    return stack.address("lb1").rsplit(".", 1)[0] + ".10"


def running(stack: Stack) -> list[str]:
    """Return the version of trytond that serves on each node."""
    code = "import trytond; print(trytond.__version__)"
    return [stack.run(host, "/opt/erp/current/venv/bin/python", "-c", code).strip() for host in ("app1", "app2")]


def in_rotation(stack: Stack) -> set[str]:
    answers = [stack.get(f"https://{stack.address(host)}/") for host in ("lb1", "lb2") for number in range(6)]
    return {headers["x-served-by"] for status, headers, body in answers if status == 200}


def settled(stack: Stack, release: str) -> None:
    assert running(stack) == [release, release]
    eventually("both nodes in rotation", lambda: in_rotation(stack) == {"app1", "app2"}, 30)


def test_an_update_and_the_way_back_lose_no_request(stack: Stack) -> None:
    with traffic(stack) as load:
        run = stack.playbook("rolling_update.yml", *variables(OTHER))
    print(load.summary(f"rolling update of Tryton from {DECLARED} to {OTHER}"))
    assert run.returncode == 0, run.stdout[-5000:]
    assert load.lost == 0, load.report
    settled(stack, OTHER)

    run = stack.playbook("rollback.yml", "--check", "--diff")
    assert run.returncode == 0, run.stdout[-5000:]
    assert re.search(rf"app2: erp {OTHER}-\w+ -> {DECLARED}-", run.stdout), run.stdout[-3000:]
    settled(stack, OTHER)

    with traffic(stack) as load:
        run = stack.playbook("rollback.yml")
    assert run.returncode == 0, run.stdout[-5000:]
    proof = json.loads(stack.run("app2", "cat", "/var/lib/golive/evidence/rollback_erp.json"))
    print(load.summary(f"rollback of Tryton to {DECLARED}, {proof['seconds']} s"))
    assert load.lost == 0, load.report
    settled(stack, DECLARED)
    assert (proof["status"], proof["details"]["to"][:6]) == ("passed", DECLARED)
    # The inventory declares what runs again.
    run = stack.playbook("rolling_update.yml")
    assert run.returncode == 0, run.stdout[-5000:]
    assert "Nothing to do" in run.stdout


def test_another_configuration_of_the_balancers_loses_no_request(stack: Stack) -> None:
    with traffic(stack) as load:
        for value in ("6s", "5s"):
            run = stack.playbook("load_balancer.yml", "-e", f"haproxy_timeout_queue={value}")
            assert run.returncode == 0, run.stdout[-5000:]
            assert re.search(r"^lb2 .*changed=[1-9]", run.stdout, re.MULTILINE), run.stdout[-3000:]
    print(load.summary("two reloads of both balancers"))
    assert load.lost == 0, load.report


def test_the_balancer_with_the_address_is_killed(stack: Stack) -> None:
    def holders() -> list[str]:
        return [h for h in ("lb1", "lb2") if public_address(stack) in stack.run(h, "ip", "-4", "-brief", "address")]

    (killed,) = holders()
    try:
        with traffic(stack, least=0.4) as load:
            stack.docker("kill", f"golive-{stack.name}-{killed}")
            begin = time.monotonic()
            eventually("an answer", lambda: stack.get(f"https://{public_address(stack)}/", timeout=1)[0] == 200, 15)
            seconds = time.monotonic() - begin
            time.sleep(3)
    finally:
        stack.docker("start", f"golive-{stack.name}-{killed}")
    print(load.summary(f"{killed} killed, an answer after {seconds:.1f} s"))
    assert seconds < 4
    assert load.lost <= 4 * 50, load.report
    eventually("the killed one serves again", lambda: stack.get(f"https://{stack.address(killed)}/")[0] == 200, 60)
    eventually("one holds the address", lambda: len(holders()) == 1, 30)


def migrated(stack: Stack) -> bool:
    database = Database(stack)
    database.wait_until_whole()
    return database.query(database.primary(), "SELECT to_regclass('golive_migrated')") != ""


def incompatible(end: str) -> tuple[str, str]:
    """Return the arguments for a release that changes the database."""
    hooks = {"migrate": {"commands": [["python3", "-c", MIGRATION % end]], "timeout": 120}}
    return variables(OTHER, app_server_release_compatible=False, erp_hooks=hooks)


def kill_at(stack: Stack, task: str, log: Path, *arguments: str) -> None:
    """Run rolling_update.yml and kill the whole controller when the task begins."""
    command = ["ansible-playbook", *(f"--inventory={i}" for i in stack.inventories), "playbooks/rolling_update.yml"]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_VERBOSITY": "0"}
    with log.open("wb") as output:
        run = subprocess.Popen(
            [*command, *arguments], cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        while f"[golive.delivery.app_server : {task}" not in log.read_text(encoding="utf-8", errors="replace"):
            assert run.poll() is None, log.read_text(encoding="utf-8")[-5000:]
            time.sleep(0.1)
        time.sleep(1)
        kill_all(run)


def test_an_incompatible_release_that_fails_gives_the_database_back(stack: Stack) -> None:
    with traffic(stack, rate=5) as load:
        run = stack.playbook("rolling_update.yml", *incompatible('sys.exit("the migration gives up")'))
    print(load.summary("an incompatible release whose migration fails, requests behind the page count as lost"))
    assert run.returncode != 0
    assert "the migration gives up" in run.stdout, run.stdout[-5000:]
    assert "with the database of golive-" in run.stdout
    assert set(load.answers) <= {200, 503}, load.report
    assert load.errors == {}, load.report
    assert not migrated(stack)
    settled(stack, DECLARED)


def test_an_incompatible_release_goes_in_after_a_kill_and_comes_back_with_the_database(
    stack: Stack, tmp_path: Path
) -> None:
    declared = incompatible("time.sleep(2)")
    kill_at(stack, "Run the step", tmp_path / "killed.log", *declared)
    assert stack.get(f"https://{public_address(stack)}/")[0] == 503
    other = stack.playbook("rolling_update.yml")
    assert other.returncode != 0
    assert "was cut off behind the maintenance page" in other.stdout, other.stdout[-3000:]
    run = stack.playbook("rolling_update.yml", *declared)
    assert run.returncode == 0, run.stdout[-5000:]
    settled(stack, OTHER)
    assert migrated(stack)

    refused = stack.playbook("rollback.yml")
    assert refused.returncode != 0
    point = re.search(r"golive_rollback_confirm=(\S+?);", refused.stdout)
    assert point, refused.stdout[-3000:]
    confirmed = ("-e", f"golive_rollback_confirm={point[1]}")
    run = stack.playbook("rollback.yml", "--check", *confirmed)
    assert run.returncode == 0, run.stdout[-5000:]
    settled(stack, OTHER)
    run = stack.playbook("rollback.yml", *confirmed)
    assert run.returncode == 0, run.stdout[-5000:]
    proof = json.loads(stack.run("app1", "cat", "/var/lib/golive/evidence/rollback_erp.json"))
    print(f"rollback of Tryton with its database: {proof['seconds']} s")
    assert proof["details"]["database"] == point[1]
    settled(stack, DECLARED)
    assert not migrated(stack)


def test_check_mode_only_says_what_it_would_do(stack: Stack) -> None:
    run = stack.playbook("rolling_update.yml", "--check", "--diff", *variables(OTHER))
    assert run.returncode == 0, run.stdout[-5000:]
    assert re.search(rf"app2: erp {DECLARED}-\w+ -> {OTHER}-", run.stdout), run.stdout[-3000:]
    settled(stack, DECLARED)
