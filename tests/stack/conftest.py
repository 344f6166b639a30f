"""The converged stack, as its users see it: from outside, by HTTPS, SQL refused or answered, a browser."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "traffic"))


@dataclass
class Stack:
    """Where the stack is and how to reach it."""

    name: str
    inventories: list[str]
    secrets: Path
    hosts: dict[str, dict]
    ca: Path
    report: Path
    tls: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self.tls = ssl.create_default_context(cafile=str(self.ca))

    def address(self, host: str) -> str:
        return self.hosts[host]["ansible_host"]

    def password(self, name: str) -> str:
        return (self.secrets / name).read_text(encoding="utf-8").strip()

    def docker(self, *arguments: str) -> str:
        """`docker ARGUMENTS`; its output. Raises CalledProcessError."""
        return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout

    def run(self, host: str, *command: str) -> str:
        return self.docker("exec", f"golive-{self.name}-{host}", *command)

    def playbook(self, name: str, *arguments: str, record: Path | None = None) -> subprocess.CompletedProcess:
        """Run a playbook; `record`: have the progress callback write there what it cost."""
        command = ["ansible-playbook", *(f"--inventory={i}" for i in self.inventories), f"playbooks/{name}"]
        # Molecule asks for colours, which no test wants to read.
        environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_FORCE_COLOR"}
        return subprocess.run(
            [*command, *arguments, "-e", f"golive_report_directory={self.report}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={
                **environment,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_VERBOSITY": "0",
                "ANSIBLE_STDOUT_CALLBACK": "golive.delivery.progress" if record else "default",
                "GOLIVE_PROGRESS_JSON": str(record or ""),
            },
        )

    def get(self, url: str, timeout: float = 10, **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers (names in lower case) and body, of 4xx and 5xx too. Raises OSError without an answer."""
        request = urllib.request.Request(url, headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self.tls) as answer:
                return (
                    answer.status,
                    {k.lower(): v for k, v in answer.headers.items()},
                    answer.read().decode(errors="replace"),
                )
        except urllib.error.HTTPError as error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode(errors="replace")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The stack of GOLIVE_STACK: `stack` (the Molecule scenario, the default) or `demo`."""
    name = os.environ.get("GOLIVE_STACK", "stack")
    inventories = ["inventories/demo"] + (["molecule/stack/inventory"] if name == "stack" else [])
    listing = subprocess.run(
        ["ansible-inventory", *(f"--inventory={i}" for i in inventories), "--list"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "ANSIBLE_VERBOSITY": "0"},
    ).stdout
    variables = json.loads(listing)["_meta"]["hostvars"]
    network = variables["lb1"]["fleet_network"]
    hosts = {
        host: {"ansible_host": values["ansible_host"].replace("{{ fleet_network }}", network)}
        for host, values in variables.items()
    }
    secrets = ROOT / "inventories" / "demo" / ".secrets" / name
    ca = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.write_text(
        subprocess.run(
            ["docker", "exec", f"golive-{name}-lb1", "cat", "/etc/golive/tls/ca.pem"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout,
        encoding="utf-8",
    )
    return Stack(name, inventories, secrets, hosts, ca, ROOT / "reports" / name)


def eventually(what: str, condition: Callable[[], bool], seconds: float) -> float:
    """Wait until `condition()` holds; the seconds that took. Fails after `seconds`."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        try:
            if condition():
                return time.monotonic() - start
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds} s")
