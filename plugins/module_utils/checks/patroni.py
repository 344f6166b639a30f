# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a PostgreSQL cluster through Patroni's REST API: patroni_cluster."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError, Outcome, Verdict, judge
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type
from ansible_collections.golive.delivery.plugins.module_utils.patroni import cluster as state
from ansible_collections.golive.delivery.plugins.module_utils.patroni import settings
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Answer, Client, PatroniError

_REFUSALS = (401, 403)


def _primary(_parameters: SimpleNamespace, client: Client) -> Outcome:
    """Ask each member itself: a second primary would not stand in the store."""
    answers, silent = _ask(client)
    primaries = [name for name, answer in answers.items() if answer.data.get("role") in state.PRIMARY_ROLES]
    verdict = Verdict()
    verdict.demand(len(primaries) == 1, "exactly one primary", f"primaries: {', '.join(primaries) or 'none'}")
    # Who does not answer may believe to be one.
    verdict.demand(not silent, "every member answers", f"no answer: {', '.join(silent)}" if silent else "all answer")
    return verdict.outcome("; ".join(silent.values()))


def _members(_parameters: SimpleNamespace, client: Client) -> Outcome:
    cluster = state.read(client)
    verdict = Verdict()
    declared, known = set(client.members), set(cluster.members)
    verdict.demand(known == declared, f"members {', '.join(sorted(declared))}", f"members {', '.join(sorted(known))}")
    idle = [f"{member.name} {member.state or 'unknown'}" for member in cluster.members.values() if not member.working]
    verdict.demand(not idle, "every server runs", ", ".join(idle) or "all run")
    return verdict.outcome(cluster.describe())


def _streaming(_parameters: SimpleNamespace, client: Client) -> Outcome:
    cluster, leader = _leader(client)
    lags = state.streaming(client, leader)
    verdict = Verdict()
    missing = [name for name in client.members if name != leader and name not in lags]
    verdict.demand(
        not missing,
        f"every replica streams from {leader}",
        f"not streaming: {', '.join(missing)}" if missing else "all stream",
    )
    timelines = {member.name: member.timeline for member in cluster.members.values()}
    words = ", ".join(f"{name} {timeline}" for name, timeline in timelines.items())
    verdict.demand(len(set(timelines.values())) == 1, "all on the same timeline", f"timelines {words}")
    return verdict.outcome()


def _lag(parameters: SimpleNamespace, client: Client) -> Outcome:
    _cluster, leader = _leader(client)
    lags = state.streaming(client, leader)
    late = {name: lag for name, lag in lags.items() if lag > parameters.max_lag_bytes}
    words = ", ".join(f"{name} {lag} bytes" for name, lag in lags.items()) or "no replica streams"
    return judge(
        bool(lags or len(client.members) == 1) and not late,
        f"replicas at most {parameters.max_lag_bytes} bytes behind",
        words,
    )


def _synchronous(parameters: SimpleNamespace, client: Client) -> Outcome:
    """Ask the primary's server: only what it waits for counts."""
    _cluster, leader = _leader(client)
    rows = client.get(leader, "/patroni").data.get("replication") or []
    names = sorted(str(row.get("application_name")) for row in rows if row.get("sync_state") in ("sync", "quorum"))
    verdict = Verdict()
    wanted = parameters.standbys
    verdict.demand(
        len(names) >= wanted, f"at least {wanted} synchronous standbys", f"synchronous: {', '.join(names) or 'none'}"
    )
    strangers = [name for name in names if name not in client.members]
    verdict.demand(
        not strangers,
        "none of them undeclared",
        f"not declared: {', '.join(strangers)}" if strangers else "all are declared",
    )
    return verdict.outcome()


def _restart(_parameters: SimpleNamespace, client: Client) -> Outcome:
    answers, silent = _ask(client)
    waiting = [name for name, answer in answers.items() if answer.data.get("pending_restart")]
    verdict = Verdict()
    verdict.demand(not waiting, "nobody waits for a restart", f"waiting: {', '.join(waiting) or 'nobody'}")
    verdict.demand(not silent, "every member answers", f"no answer: {', '.join(silent)}" if silent else "all answer")
    return verdict.outcome()


def _automatic(_parameters: SimpleNamespace, client: Client) -> Outcome:
    answers, _silent = _ask(client)
    verdict = Verdict()
    paused = state.read(client).paused
    verdict.demand(not paused, "failover is automatic", "Patroni is paused" if paused else "not paused")
    failed = [name for name, answer in answers.items() if answer.data.get("watchdog_failed")]
    verdict.demand(not failed, "the watchdog is healthy", f"watchdog failed: {', '.join(failed) or 'nowhere'}")
    return verdict.outcome()


def _config(parameters: SimpleNamespace, client: Client) -> Outcome:
    lacking = settings.lacking(client.ask_any("/config").data, parameters.config)
    return judge(not lacking, "the shared configuration as declared", ", ".join(lacking) or "as declared")


def _credentials(_parameters: SimpleNamespace, client: Client) -> Outcome:
    """Ask for nothing without credentials: a server that does not ask for them declines the empty request as such."""
    verdict = Verdict()
    for name in client.members:
        try:
            # Not by `send`, which takes a refusal for a mistake of the caller.
            status = client.attempt("POST", name, "/switchover").status
            text = f"status {status}"
        except PatroniError as exc:
            raise CheckError(str(exc)) from exc
        verdict.demand(status in _REFUSALS, f"{name} refuses who gives no password", f"{name}: {text}")
    return verdict.outcome()


_ASPECTS: dict[str, Callable[[SimpleNamespace, Client], Outcome]] = {
    "automatic": _automatic,
    "config": _config,
    "credentials": _credentials,
    "lag": _lag,
    "members": _members,
    "primary": _primary,
    "restart": _restart,
    "streaming": _streaming,
    "synchronous": _synchronous,
}
# What an aspect compares with.
_NEEDED = {"config": "config", "lag": "max_lag_bytes", "synchronous": "standbys"}


def _rule(parameters: SimpleNamespace) -> Problem | None:
    needed = _NEEDED.get(parameters.aspect)
    if needed and getattr(parameters, needed) is None:
        return Problem(f"parameters.{needed}", f"required with the aspect {parameters.aspect}")
    if parameters.config is not None and not isinstance(parameters.config, dict):
        return Problem("parameters.config", f"expected a dictionary, got {parameters.config!r}")
    return None


@check_type(
    "patroni_cluster",
    Parameter("members", "mapping", required=True),
    Parameter("port", "port", default=8008),
    Parameter("ca_path", "path"),
    Parameter("aspect", "text", required=True, choices=tuple(_ASPECTS)),
    Parameter("max_lag_bytes", "integer"),
    Parameter("standbys", "integer"),
    Parameter("config", "any"),
    rule=_rule,
)
def patroni_cluster(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Judge one aspect of a cluster by what its members say."""
    # Members are asked side by side; a few questions have to fit into the check's time.
    seconds = max(0.5, min(3.0, context.remaining() / 3))
    try:
        client = Client(parameters.members, parameters.port, parameters.ca_path, question_seconds=seconds)
        return _ASPECTS[parameters.aspect](parameters, client)
    except PatroniError as exc:
        raise CheckError(str(exc)) from exc


def _ask(client: Client) -> tuple[dict[str, Answer], dict[str, str]]:
    """Return the answers to /patroni by name, and the excuses of the others."""
    answers: dict[str, Any] = client.ask_all("/patroni")
    fine = {name: answer for name, answer in answers.items() if isinstance(answer, Answer)}
    return fine, {name: str(answer) for name, answer in answers.items() if name not in fine}


def _leader(client: Client) -> tuple[state.Cluster, str]:
    cluster = state.read(client)
    if cluster.leader is None:
        raise PatroniError(f"the cluster has no primary: {cluster.describe()}")
    return cluster, cluster.leader.name
