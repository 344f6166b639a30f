# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with an inventory, in words: collecting, merging and numbering the problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SHOWN_HOSTS = 6
SHOWN_CHARACTERS = 80


@dataclass(frozen=True)
class Problem:
    """One problem, of one host or of the inventory as a whole.

    The sentence is ``before`` + the hosts + ``after``; a problem without a host has all of it in ``before``.
    ``origin`` is the file and line where the wrong value stands, empty when unknown.
    """

    before: str
    host: str | None = None
    after: str = ""
    origin: str = ""


def name_hosts(hosts: list[str]) -> str:
    """Return "host a" or "hosts a, b, c"; of a long list the first ones and how many more there are."""
    if len(hosts) == 1:
        return f"host {hosts[0]}"
    shown = hosts if len(hosts) <= SHOWN_HOSTS else hosts[: SHOWN_HOSTS - 1]
    rest = len(hosts) - len(shown)
    return f"hosts {', '.join(shown)}" + (f" and {rest} more" if rest else "")


def merge(problems: Iterable[Problem]) -> list[str]:
    """Return one line for each problem in the order of their discovery; what several hosts share is one line."""
    hosts_of: dict[tuple[str, str, str], list[str]] = {}
    for problem in problems:
        hosts = hosts_of.setdefault((problem.before, problem.after, problem.origin), [])
        if problem.host is not None and problem.host not in hosts:
            hosts.append(problem.host)
    return [
        before + (name_hosts(hosts) if hosts else "") + after + (f" ({origin})" if origin else "")
        for (before, after, origin), hosts in hosts_of.items()
    ]


def report(lines: list[str]) -> str:
    """Return the one message that lists every problem, numbered, one line each."""
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    width = len(str(len(lines)))
    numbered = [f" {number:>{width}}. {line}" for number, line in enumerate(lines, start=1)]
    return "\n".join([f"The inventory is not fit: {count}", *numbered])


def given(value: object, secret: bool = False) -> str:
    """Return how to speak of a wrong value: the value itself, its kind if it has parts, or nothing of a secret."""
    if secret:
        return "given a value that is not shown"
    if value is None:
        return "given nothing (null)"
    if isinstance(value, bool):
        return f"given {str(value).lower()}"
    if isinstance(value, Mapping):
        return "given a mapping"
    if isinstance(value, (list, tuple)):
        return f"given a list of {len(value)}"
    text = f"'{value}'" if isinstance(value, str) else str(value)
    # One problem is one line, whatever the value holds.
    text = text.replace("\n", "\\n")
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[:SHOWN_CHARACTERS]}... ({len(str(value))} characters)"
    return f"given {text}"
