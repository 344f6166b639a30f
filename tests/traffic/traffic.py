"""Requests at a steady rate while something is done to the stack: hey, a load tool, and what it counted."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from types import TracebackType


class Traffic:
    """Within the block requests are made; afterwards `answers` (by status) and `errors` (by message) have their counts.

    rate: requests a second; host: name to ask for where the URL has an address; patience: seconds for an answer; least:
    share of the rate that has to be made, as requests that hang hold up those after them.
    """

    def __init__(self, url: str, rate: int = 50, host: str = "", patience: int = 20, least: float = 0.8) -> None:
        self.url, self.rate, self.least = url, rate, least
        self.command = ["hey", "-z", "60m", "-c", str(rate), "-q", "1", "-t", str(patience)]
        self.command += [*(("-host", host) if host else ()), url]
        self.answers: dict[int, int] = {}
        self.errors: dict[str, int] = {}
        self.seconds = 0.0

    def __enter__(self) -> Traffic:
        self._begin = time.monotonic()
        self._process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(2)  # the first requests are made before anything is done
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        time.sleep(2)  # what is done last shows in the requests after it
        ended = self._process.poll()
        self._process.send_signal(signal.SIGINT)  # it prints what it has counted
        self.report = self._process.communicate(timeout=60)[0]
        self.seconds = time.monotonic() - self._begin
        assert ended is None, f"the load ended by itself ({ended}): {self.report}"
        # The requests that the end of the load cuts off are none of the stack's.
        for line in self.report.splitlines():
            if found := re.match(r"\s*\[(\d+)\]\s+(\d+) responses", line):
                self.answers[int(found[1])] = int(found[2])
            elif (found := re.match(r"\s*\[(\d+)\]\s+(.*)", line)) and "operation was canceled" not in line:
                self.errors[found[2]] = int(found[1])

    @property
    def total(self) -> int:
        return sum(self.answers.values()) + sum(self.errors.values())

    @property
    def lost(self) -> int:
        """How many requests got no answer, or another than 200, of a load that was as great as it should be."""
        assert self.total >= self.least * self.rate * self.seconds, (
            f"{self.total} in {self.seconds:.0f} s: {self.report}"
        )
        return sum(self.errors.values()) + sum(n for status, n in self.answers.items() if status != 200)

    def summary(self, what: str) -> str:
        """Return the counts, and of what failed the kinds."""
        bad = {**{status: n for status, n in self.answers.items() if status != 200}, **self.errors}
        return f"{what}: {self.total} requests in {self.seconds:.0f} s, {self.lost} lost {bad or ''}".rstrip()
