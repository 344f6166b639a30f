"""Measure pgbench on this host with the role's parameters and with the distribution's, in turn; print what was seen.

Runs as root on a host that the role postgresql has converged. Before each measurement: a restart with the one or the
other set of parameters, new data, a warm-up, a checkpoint.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

SHOWN = ("shared_buffers", "work_mem", "max_wal_size", "checkpoint_timeout", "wal_compression", "random_page_cost")


def run(*argv: str, user: str | None = None) -> str:
    """Return what a program prints; end with its complaint when it fails."""
    if user:
        argv = ("runuser", "-u", user, "--", *argv)
    done = subprocess.run(argv, capture_output=True, check=False, text=True, cwd="/")
    if done.returncode:
        sys.exit(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Server:
    """The host's only cluster."""

    def __init__(self) -> None:
        clusters = [path.parts[-2:] for path in Path("/etc/postgresql").glob("*/*")]
        if len(clusters) != 1:
            sys.exit(f"expected one cluster in /etc/postgresql, found {clusters}")
        self.version, name = clusters[0]
        self.unit = f"postgresql@{self.version}-{name}.service"
        self.programs = Path("/usr/lib/postgresql", self.version, "bin")
        self.tuned = Path("/etc/postgresql", self.version, name, "conf.d/50-golive.conf")
        self.aside = self.tuned.with_suffix(".aside")  # include_dir reads *.conf only

    def start(self, parameters: str) -> None:
        """Restart with the parameters `tuned` or `defaults`."""
        source, target = (self.aside, self.tuned) if parameters == "tuned" else (self.tuned, self.aside)
        if source.exists():
            source.rename(target)
        run("systemctl", "restart", self.unit)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if subprocess.run([self.programs / "pg_isready", "--quiet"], check=False).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit("PostgreSQL does not accept connections")

    def ask(self, query: str) -> str:
        return run("psql", "-XAtqc", query, user="postgres")

    def pgbench(self, *arguments: str) -> str:
        # Without a password and TLS: by the local socket.
        return run(str(self.programs / "pgbench"), *arguments, "pgbench", user="postgres")

    def prepare(self, scale: int, clients: int, warm_up: int) -> None:
        self.ask("DROP DATABASE IF EXISTS pgbench")
        self.ask("CREATE DATABASE pgbench")
        self.pgbench("--initialize", "--quiet", f"--scale={scale}")
        if warm_up:
            self.pgbench(f"--client={clients}", f"--time={warm_up}")
        self.ask("CHECKPOINT")

    def measure(self, clients: int, seconds: int) -> float:
        """Return transactions a second."""
        output = self.pgbench(f"--client={clients}", f"--time={seconds}")
        found = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
        if not found or "number of failed transactions: 0 " not in output:
            sys.exit(f"pgbench failed: {output}")
        return float(found.group(1))


def spread(values: list[float]) -> str:
    middle = statistics.median(values)
    return (
        f"median {middle:.0f} tps, {min(values):.0f} to {max(values):.0f} "
        f"(spread {(max(values) - min(values)) / middle:.0%})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=int, default=50)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--warm-up", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3, help="measurements with each set of parameters")
    options = parser.parse_args()

    server = Server()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(f"PostgreSQL {server.version}, {os.cpu_count()} cores, {memory:.0f} GiB; ", end="")
    print(f"pgbench: scale {options.scale}, {options.clients} clients, {options.seconds} s", flush=True)
    seen: dict[str, list[float]] = {"defaults": [], "tuned": []}
    for number in range(options.rounds):
        for parameters, results in seen.items():
            server.start(parameters)
            if number == 0:
                print(f"{parameters}: " + ", ".join(f"{name} {server.ask('SHOW ' + name)}" for name in SHOWN))
            server.prepare(options.scale, options.clients, options.warm_up)
            results.append(server.measure(options.clients, options.seconds))
            print(f"round {number + 1} {parameters:<8} {results[-1]:8.1f} tps", flush=True)
    pairs = [tuned / defaults for defaults, tuned in zip(seen["defaults"], seen["tuned"])]
    for parameters, results in seen.items():
        print(f"{parameters}: {spread(results)}")
    ratio = statistics.median(seen["tuned"]) / statistics.median(seen["defaults"])
    print(f"tuned / defaults: {ratio:.2f} of the medians, {min(pairs):.2f} to {max(pairs):.2f} in the rounds")


if __name__ == "__main__":
    main()
