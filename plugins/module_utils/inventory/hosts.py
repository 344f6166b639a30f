# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups and addresses of an inventory."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.inventory.problems import Problem
from ansible_collections.golive.delivery.plugins.module_utils.inventory.variables import suggest

_THREADS = 32


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def check_required_groups(groups: Mapping[str, Sequence[str]], required: Mapping[str, int]) -> list[Problem]:
    """Return the groups that have fewer hosts than they need; with a hint when the name looks misspelt."""
    problems = []
    for group, minimum in required.items():
        count = len(groups.get(group, ()))
        if count >= minimum:
            continue
        if group in groups:
            what = f"given {_hosts(count) if count else 'none'}"
        else:
            strangers = [name for name in groups if name not in required and name not in ("all", "ungrouped")]
            what = f"but there is no such group{suggest(group, strangers)}"
        problems.append(Problem(f"group {group}: expected at least {_hosts(minimum)}, {what}"))
    return problems


def check_maximum(groups: Mapping[str, Sequence[str]], maximum: Mapping[str, Any]) -> list[Problem]:
    """Return the groups that have too many hosts. A limit is a number, or a mapping of ``hosts`` and ``reason``."""
    problems = []
    for group, limit in maximum.items():
        count, reason = (limit["hosts"], limit.get("reason")) if isinstance(limit, Mapping) else (limit, None)
        members = groups.get(group, ())
        if len(members) > int(count):
            text = f"group {group}: expected at most {_hosts(int(count))}, given {len(members)} ({', '.join(members)})"
            problems.append(Problem(text + (f": {reason}" if reason else "")))
    return problems


def check_odd(groups: Mapping[str, Sequence[str]], odd: Mapping[str, str]) -> list[Problem]:
    """Return the groups, each with the reason, that have an even number of hosts."""
    problems = []
    for group, reason in odd.items():
        members = groups.get(group, ())
        if members and len(members) % 2 == 0:
            names = ", ".join(members)
            problems.append(
                Problem(f"group {group}: expected an odd number of hosts, given {len(members)} ({names}): {reason}")
            )
    return problems


def check_exclusive(groups: Mapping[str, Sequence[str]], exclusive: Iterable[Sequence[str]]) -> list[Problem]:
    """Return the hosts that are in two groups which must not share one."""
    problems = []
    for names in exclusive:
        for one, other in combinations(names, 2):
            others = set(groups.get(other, ()))
            problems += [
                Problem("", host, f": is in the groups {one} and {other}, which must not share a host")
                for host in groups.get(one, ())
                if host in others
            ]
    return problems


def is_address(text: str) -> bool:
    """Tell whether a text is an IPv4 or IPv6 address, which needs no name service."""
    try:
        ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return False
    return True


def _look_up(name: str) -> str | None:
    try:
        socket.getaddrinfo(name, None)
    except OSError as error:
        return error.strerror or str(error)
    except UnicodeError:
        return "not a valid host name"
    return None


def resolve(names: Iterable[str], timeout: float) -> dict[str, str]:
    """Return the names that do not resolve, each with the reason.

    Names are looked up side by side; together they have ``timeout`` seconds for every 32 of them. The threads are
    daemons, because getaddrinfo cannot be interrupted and a dead name server must not hold the run.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    wanted = sorted({name for name in names if not is_address(name)})
    for name in wanted:
        waiting.put(name)
    answers: dict[str, str | None] = {}

    def work() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            answers[name] = _look_up(name)

    workers = [threading.Thread(target=work, daemon=True) for _unused in range(min(_THREADS, len(wanted)))]
    deadline = time.monotonic() + timeout * -(-len(wanted) // _THREADS)
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
    silence = f"no answer within {timeout:g} seconds"
    return {name: reason for name in wanted if (reason := dict(answers).get(name, silence)) is not None}
