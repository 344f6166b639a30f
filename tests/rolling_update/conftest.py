"""Two application servers behind a balancer: asked from outside, changed by the playbooks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "traffic"))
from controller import kill_all  # noqa: E402

NETWORK = "10.75.0"
APP = ("rolling-app-1", "rolling-app-2")
ADDRESSES = {"rolling-lb-1": f"{NETWORK}.11", "rolling-app-1": f"{NETWORK}.21", "rolling-app-2": f"{NETWORK}.22"}
PORTS = {"shop": (8000, "/"), "war": (8080, "/version.jsp"), "image": (8081, "/version")}


def curl(*arguments: str) -> str:
    return subprocess.run(["curl", "-s", "-m", "10", *arguments], check=False, capture_output=True, text=True).stdout


class Fleet:
    """The fleet of the scenario rolling_update."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.count = 0

    def command(self, playbook: str, **variables: str) -> list[str]:
        inventory = f"--inventory={ROOT / 'molecule/rolling_update/inventory'}"
        return ["ansible-playbook", inventory, f"playbooks/{playbook}", "-e", json.dumps(variables)]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "ANSIBLE_FORCE_COLOR"}
        return {**kept, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_STDOUT_CALLBACK": "default"}

    def run(self, playbook: str, **variables: str) -> subprocess.CompletedProcess:
        """Run a playbook; its output goes to a file too."""
        done = subprocess.run(
            self.command(playbook, **variables),
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.count += 1
        (self.logs / f"{self.count:02}-{playbook}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        return done

    def kill_at(self, task: str, number: int, playbook: str, **variables: str) -> None:
        """Run a playbook and kill the whole controller (SIGKILL) when it begins a task for the n-th time."""
        self.count += 1
        log = self.logs / f"{self.count:02}-killed-{playbook}.log"
        with log.open("wb") as output:
            run = subprocess.Popen(
                self.command(playbook, **variables),
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            pattern = re.compile(rf"^TASK \[[^\]]*{re.escape(task)}", re.MULTILINE)
            while len(pattern.findall(log.read_text(encoding="utf-8", errors="replace"))) < number:
                assert run.poll() is None, f"it ended before {task}: {log.read_text(encoding='utf-8')[-3000:]}"
                time.sleep(0.1)
            time.sleep(0.5)  # in the task, not before it
            kill_all(run)

    def on(self, host: str, *command: str) -> str:
        return subprocess.run(
            ["docker", "exec", f"golive-rolling-{host}", *command], check=True, capture_output=True, text=True
        ).stdout

    def release(self, name: str) -> list[list[str]]:
        """Return what each node says of its release, by the application's name."""
        port, path = PORTS[name]
        return [curl(f"http://{ADDRESSES[host]}:{port}{path}").split()[0:1] for host in APP]

    def url(self, name: str) -> str:
        return f"https://{ADDRESSES['rolling-lb-1']}{PORTS[name][1]}"

    def in_rotation(self, name: str = "shop") -> set[str]:
        """Return the nodes that answer through the balancer."""
        resolve = f"{name}.golive.test:443:{ADDRESSES['rolling-lb-1']}"
        url = f"https://{name}.golive.test{PORTS[name][1]}"
        asked = [curl("-k", "-D-", "-o", "/dev/null", "--resolve", resolve, url).lower() for number in range(8)]
        return set(re.findall(r"^x-served-by: *(\S+)", "\n".join(asked), re.MULTILINE))


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    logs = ROOT / ".cache" / "rolling_update" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return Fleet(logs)
