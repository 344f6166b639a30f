"""A client that writes through the balancers, and one on every database node, while a fault is made."""

from __future__ import annotations

import json
import subprocess
import time
from itertools import groupby, pairwise
from pathlib import Path
from types import TracebackType

from conftest import Stack, eventually

NODES = ("db1", "db2")
FOLDER = "/var/lib/golive-test"
PROGRAMS = Path(__file__).parent / "programs"
CLUSTER = """
import ssl, sys, urllib.request
tls = ssl.create_default_context(cafile="/etc/golive/tls/ca.pem")
for address in sys.argv[1:]:
    try:
        print(urllib.request.urlopen(f"https://{address}:8008/cluster", timeout=2, context=tls).read().decode())
    except OSError:
        pass
"""


class Database:
    """The cluster as Patroni describes it, seen from the monitoring host."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def views(self) -> list[dict[str, dict]]:
        """Patroni's members by name, as each node that answers tells them."""
        addresses = [self.stack.address(node) for node in NODES]
        answers = self.stack.run("mon1", "python3", "-c", CLUSTER, *addresses).splitlines()
        return [{member["name"]: member for member in json.loads(answer)["members"]} for answer in answers]

    @staticmethod
    def agreed(views: list[dict[str, dict]]) -> dict[str, dict]:
        """The members; {} when no node answers, or when they do not agree on who leads.

        A node that was cut off tells for a moment what it knew before.
        """
        leaders = [{name for name, member in view.items() if member["role"] == "leader"} for view in views]
        return views[0] if views and all(found == leaders[0] for found in leaders) else {}

    def primary(self) -> str | None:
        """The node that holds the leader's lock and runs, if there is one."""
        members = self.agreed(self.views()).values()
        return next((m["name"] for m in members if m["role"] == "leader" and m["state"] == "running"), None)

    def whole(self) -> bool:
        """All nodes answer: one primary, and every other node its synchronous standby on the same timeline."""
        views = self.views()
        members = self.agreed(views)
        return (
            len(views) == len(NODES)
            and set(members) == set(NODES)
            and sorted(m["role"] for m in members.values()) == ["leader", "sync_standby"]
            and all(m["state"] in ("running", "streaming") for m in members.values())
            and len({m["timeline"] for m in members.values()}) == 1
        )

    def wait_until_whole(self, seconds: float = 90) -> float:
        return eventually("one primary and its synchronous standby", self.whole, seconds)

    def query(self, node: str, statement: str) -> str:
        """The answer of psql as postgres on that node."""
        return self.stack.run(node, "runuser", "-u", "postgres", "--", "psql", "-XAtqc", statement, "erp").strip()


class Load:
    """Within the block both kinds of clients write; afterwards the object tells what they saw.

    writer: times of acknowledged rows (number, seconds since the epoch). probes: by node (begin, end) of acknowledged
    writes.
    """

    def __init__(self, database: Database, rate: int = 100) -> None:
        self.database = database
        self.stack = database.stack
        self.rate = rate
        self.writer: list[tuple[int, float]] = []
        self.probes: dict[str, list[tuple[float, float]]] = {}
        self.messages = ""

    def _put(self, host: str, program: str) -> None:
        self.stack.run(host, "sh", "-c", f"rm -rf {FOLDER} && mkdir -m 0777 {FOLDER}")
        name = f"golive-{self.stack.name}-{host}"
        self.stack.docker("cp", str(PROGRAMS / program), f"{name}:{FOLDER}/{program}")

    def __enter__(self) -> Load:
        self.database.wait_until_whole()
        self.database.query(
            self.database.primary(),
            "DROP TABLE IF EXISTS golive_writer, golive_probe; CREATE TABLE golive_writer (number bigint PRIMARY KEY);"
            " ALTER TABLE golive_writer OWNER TO erp; CREATE TABLE golive_probe (number bigserial)",
        )
        for node in NODES:
            self._put(node, "probe.py")
            self.probe(node)
        self._put("app1", "writer.py")
        environment = {
            "PGHOST": ",".join(self.stack.address(host) for host in ("lb1", "lb2")),
            "PGDATABASE": "erp",
            "PGUSER": "erp",
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "/etc/golive/tls/ca.pem",
        }
        self._process = subprocess.Popen(
            [
                *("docker", "exec", "-i"),
                *(word for name, value in environment.items() for word in ("-e", f"{name}={value}")),
                *(f"golive-{self.stack.name}-app1", "/opt/erp/current/venv/bin/python"),
                *(f"{FOLDER}/writer.py", FOLDER, str(self.rate)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._process.stdin.write(self.stack.password("erp_database_password") + "\n")
        self._process.stdin.flush()
        eventually("the first 100 rows", lambda: len(self._acks("app1", "writer.acks")) > 100, 20)
        self.begin = time.time()
        return self

    def probe(self, node: str) -> None:
        """Start the client of a node (again, when its container was started anew)."""
        command = ["runuser", "-u", "postgres", "--", "python3", f"{FOLDER}/probe.py", FOLDER]
        self.stack.docker("exec", "-d", f"golive-{self.stack.name}-{node}", *command)

    def _acks(self, host: str, name: str) -> list[tuple[float, float]]:
        lines = self.stack.run(host, "sh", "-c", f"cat {FOLDER}/{name} 2>/dev/null || true").splitlines()
        # The last line may be half of one.
        return [(float(words[0]), float(words[1])) for line in lines if len(words := line.split()) == 2]

    def resumed_after(self, moment: float) -> bool:
        """Whether a row was acknowledged at least a second after that moment, and one in the last second."""
        acks = self._acks("app1", "writer.acks")
        return bool(acks) and acks[-1][1] > max(moment + 1, time.time() - 1)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for host in ("app1", *NODES):
            self.stack.run(host, "touch", f"{FOLDER}/stop")
        self.messages = self._process.communicate(timeout=60)[0]
        self.writer = [(int(number), when) for number, when in self._acks("app1", "writer.acks")]
        self.probes = {node: self._acks(node, "probe.acks") for node in NODES}

    def gap(self) -> float:
        """The longest time in seconds without an acknowledged row."""
        return max(after[1] - before[1] for before, after in pairwise(self.writer))

    def summary(self) -> str:
        return f"{len(self.writer)} rows acknowledged, longest gap {self.gap():.1f} s"

    def lost(self) -> set[int]:
        """Acknowledged rows that the cluster does not hold."""
        self.database.wait_until_whole()
        rows = self.database.query(self.database.primary(), "SELECT number FROM golive_writer")
        return {number for number, when in self.writer} - {int(row) for row in rows.split()}

    def primaries(self) -> list[str]:
        """The nodes that acknowledged a write, in the order of time: a name twice in a row stands once."""
        writes = sorted((end, node) for node, times in self.probes.items() for begin, end in times)
        return [node for node, acks in groupby(node for end, node in writes)]
