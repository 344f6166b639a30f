# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the checks of one host side by side, each within its time, and turns what they found into results."""

from __future__ import annotations

import collections
import datetime
import queue
import socket
import threading
import time
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.checks import (
    command,
    etcd,
    evidence,
    files,
    haproxy,
    host,
    http,
    network,
    patroni,
    pgbackrest,
    postgresql,
    release,
    service,
    tls,
    value,
)
from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.definition import Definition
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import (
    ERROR,
    PASSED,
    SKIPPED,
    STATUSES,
    WAIVED,
    CheckError,
    Outcome,
    clip,
)

# Importing a family registers its types; a family that is not named here does not exist.
FAMILIES = (
    command,
    etcd,
    evidence,
    files,
    haproxy,
    host,
    http,
    network,
    patroni,
    pgbackrest,
    postgresql,
    release,
    service,
    tls,
    value,
)

# A check ends itself when its time is used up and can then say more and clean up; after this it is left alone.
_GRACE_SECONDS = 0.3


def run(definitions: list[Definition], workers: int = 8, today: datetime.date | None = None) -> list[dict[str, Any]]:
    """Return one result for each definition, in the same order.

    At most `workers` checks run at a time. A check that hangs is given up at its timeout and its place is taken by
    the next one; its thread is a daemon, so it cannot keep the module from ending.
    """
    today = today or datetime.datetime.now(datetime.timezone.utc).date()
    finished: queue.Queue[tuple[int, Outcome, float]] = queue.Queue()
    waiting = collections.deque(index for index, definition in enumerate(definitions) if definition.enabled)
    running: dict[int, Context] = {}
    outcomes: dict[int, tuple[Outcome, float]] = {
        index: (_disabled(definition), 0.0) for index, definition in enumerate(definitions) if not definition.enabled
    }
    while waiting or running:
        while waiting and len(running) < workers:
            index = waiting.popleft()
            running[index] = Context(definitions[index].timeout)
            arguments = (index, definitions[index], running[index], finished)
            try:
                threading.Thread(target=_run_one, args=arguments, daemon=True).start()
            except RuntimeError as exc:  # the limit of processes is reached
                finished.put((index, _error(str(exc)), 0.0))
        next_deadline = min(context.deadline for context in running.values()) + _GRACE_SECONDS
        try:
            index, outcome, seconds = finished.get(timeout=max(0.0, next_deadline - time.monotonic()))
        except queue.Empty:
            for index, context in list(running.items()):
                if time.monotonic() >= context.deadline + _GRACE_SECONDS:
                    context.close()
                    outcomes[index] = (_error(str(context.expired())), context.timeout)
                    del running[index]
            continue
        if index in running:  # otherwise it was given up before
            outcomes[index] = (outcome, seconds)
            del running[index]
    return [_result(definition, *outcomes[index], today) for index, definition in enumerate(definitions)]


def summarize(results: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many results there are of each status."""
    counts = collections.Counter(result["status"] for result in results)
    return {status: counts[status] for status in STATUSES}


def _run_one(index: int, definition: Definition, context: Context, finished: queue.Queue[Any]) -> None:
    """Run one check and put what it found, whatever happens in it, into the queue."""
    start = time.monotonic()
    try:
        outcome = definition.type.function(definition.parameters, context)
        if not isinstance(outcome, Outcome):
            outcome = _error(f"the check type {definition.type.name} returned no outcome")
    except CheckError as exc:
        outcome = _error(str(exc))
    except socket.timeout:  # every socket of a check has the time left as its timeout
        outcome = _error(str(context.expired()))
    except BaseException as exc:  # a check must never pass, nor end the module, by a mistake in it
        outcome = _error(f"{type(exc).__name__}: {exc}")
    try:
        context.close()
    finally:
        finished.put((index, outcome, time.monotonic() - start))


def _error(text: str) -> Outcome:
    return Outcome(ERROR, "the check can be made", text)


def _disabled(definition: Definition) -> Outcome:
    return Outcome(SKIPPED, "", "disabled", definition.reason or "enabled is false in the definition or its override")


def _result(definition: Definition, outcome: Outcome, seconds: float, today: datetime.date) -> dict[str, Any]:
    status, evidence, waiver = outcome.status, outcome.evidence, definition.waiver
    stands = False
    if waiver and status != PASSED:
        stands = waiver.stands(today)
        if stands:
            note = f"{status}, waived by {waiver.by} until {waiver.until}: {waiver.reason}."
            status = WAIVED
        else:
            note = f"The waiver by {waiver.by} ended on {waiver.until} and does not count."
        evidence = f"{note} {evidence}".strip()
    return {
        "id": definition.id,
        "title": definition.title,
        "area": definition.area,
        "type": definition.type.name,
        "severity": definition.severity,
        "status": status,
        "expected": clip(outcome.expected),
        "observed": clip(outcome.observed),
        "evidence": clip(evidence),
        "seconds": round(seconds, 3),
        "waiver": {"by": waiver.by, "reason": waiver.reason, "until": waiver.until} if stands else None,
    }
