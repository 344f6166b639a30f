# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of etcd: etcd_cluster, etcd_refused."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError, Outcome, Verdict, judge
from ansible_collections.golive.delivery.plugins.module_utils.checks.sockets import client_tls, connect, reason
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type
from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import Etcdctl, EtcdctlError, Identity
from ansible_collections.golive.delivery.plugins.module_utils.etcd.view import Status, View, look

_ASPECTS = ("members", "leader", "lag", "size")
_WITHOUT = ("certificate", "tls", "user")
# The alerts of servers that miss a certificate, of which Go sends the second and, since TLS 1.3, the first.
_ALERTS = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE")
_MEBIBYTE = 1024 * 1024


def _cluster_rule(parameters: SimpleNamespace) -> Problem | None:
    if parameters.name is not None and parameters.name not in parameters.members:
        return Problem("parameters.name", f"expected one of the members, got {parameters.name!r}")
    if parameters.aspect in ("lag", "size") and parameters.name is None:
        return Problem("parameters.name", f"required for the aspect {parameters.aspect}, expected one of the members")
    if parameters.aspect == "size" and parameters.quota_mib is None:
        return Problem("parameters.quota_mib", "required for the aspect size, expected a number of MiB")
    return None


@check_type(
    "etcd_cluster",
    Parameter("aspect", "text", required=True, choices=_ASPECTS),
    Parameter("members", "mapping", required=True),
    Parameter("name", "text"),
    Parameter("certificate", "path", required=True),
    Parameter("key", "path", required=True),
    Parameter("ca_path", "path", required=True),
    Parameter("max_lag", "integer", default=1000),
    Parameter("quota_mib", "number"),
    Parameter("max_percent", "number", default=80),
    rule=_cluster_rule,
)
def etcd_cluster(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Ask all members for the state of their cluster and judge one aspect of it."""
    identity = Identity(parameters.certificate, parameters.key, parameters.ca_path)
    etcdctl = _etcdctl(context, identity, list(parameters.members.values()))
    try:
        view = look(etcdctl)
        if not view.statuses:
            raise CheckError(view.error)
        if parameters.aspect == "members":
            return _members(parameters.members, view, etcdctl)
        if parameters.aspect == "leader":
            return _leader(parameters.members, view)
        own = [status for status in view.statuses if status.endpoint == parameters.members[parameters.name]]
        if not own:
            raise CheckError(f"{parameters.name} does not answer")
        return _lag(parameters, view, own[0]) if parameters.aspect == "lag" else _size(parameters, own[0])
    except EtcdctlError as exc:
        raise CheckError(str(exc)) from exc


def _members(declared: Mapping[str, str], view: View, etcdctl: Etcdctl) -> Outcome:
    """Every declared member answers a read that needs the others and votes, nobody else is there, none has an alarm."""
    found = {member.name or f"unstarted {member.id}" for member in view.members}
    health = {item["endpoint"]: item.get("health") for item in etcdctl.ask_each("endpoint", "health")}
    voters = {member.name for member in view.members if not member.learner}
    ill = sorted(name for name, url in declared.items() if health.get(url) is not True or name not in voters)
    verdict = Verdict()
    verdict.demand(
        found == set(declared), f"the members are {_names(declared)}", f"the members are {_names(found) or 'unknown'}"
    )
    verdict.demand(not ill, "all of them are healthy and vote", f"not healthy: {_names(ill)}" if ill else "all healthy")
    alarms = {alarm for status in view.statuses for alarm in status.alarms}
    verdict.demand(not alarms, "no alarm", f"alarm {_names(alarms)}: no writes" if alarms else "no alarm")
    return verdict.outcome(view.error)


def _leader(declared: Mapping[str, str], view: View) -> Outcome:
    """All members see the same leader in the same term."""
    names = {member.id: member.name for member in view.members}
    seen = {(status.leader, status.term) for status in view.statuses}
    leaders = {leader for leader, unused in seen}
    verdict = Verdict()
    verdict.demand(
        bool(view.leader) and len(view.statuses) >= len(declared),
        f"{len(declared)} members see a leader",
        f"{sum(status.leader != '0' for status in view.statuses)} members see a leader",
    )
    shown = _names({"none" if leader == "0" else names.get(leader, leader) for leader in leaders})
    verdict.demand(len(leaders) == 1, "the same leader", f"leader {shown}")
    terms = sorted({term for unused, term in seen})
    verdict.demand(len(terms) == 1, "in the same term", f"term {', '.join(map(str, terms))}")
    return verdict.outcome(view.error)


def _lag(parameters: SimpleNamespace, view: View, own: Status) -> Outcome:
    newest = max(status.index for status in view.statuses)
    behind = max(0, newest - own.applied)
    return judge(
        behind <= parameters.max_lag,
        f"at most {parameters.max_lag} entries behind",
        f"{behind} entries behind",
        f"applied {own.applied}, the newest entry of the cluster is {newest}",
    )


def _size(parameters: SimpleNamespace, own: Status) -> Outcome:
    size = own.db_size / _MEBIBYTE
    percent = 100 * size / parameters.quota_mib if parameters.quota_mib else 100.0
    expected = f"at most {parameters.max_percent:g} % of {parameters.quota_mib:g} MiB"
    return judge(percent <= parameters.max_percent, expected, f"{size:.1f} MiB, {percent:.0f} %")


def _refused_rule(parameters: SimpleNamespace) -> Problem | None:
    if parameters.without == "user" and not (parameters.certificate and parameters.key):
        return Problem(
            "parameters.certificate", "required with its key to come without a user, expected absolute paths"
        )
    return None


@check_type(
    "etcd_refused",
    Parameter("without", "text", required=True, choices=_WITHOUT),
    Parameter("host", "text", required=True),
    Parameter("port", "port", default=2379),
    Parameter("ca_path", "path", required=True),
    Parameter("certificate", "path"),
    Parameter("key", "path"),
    rule=_refused_rule,
)
def etcd_refused(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Prove that etcd itself refuses who lacks something; that nobody listens is no proof."""
    if parameters.without == "user":
        return _without_user(parameters, context)
    try:
        with connect(parameters.host, parameters.port, context) as connection:
            if parameters.without == "tls":
                return _without_tls(connection)
            return _without_certificate(connection, parameters)
    except ssl.SSLCertVerificationError as exc:
        raise CheckError(f"the certificate of the server is not trusted: {exc.verify_message}") from exc
    except OSError as exc:
        raise CheckError(f"{parameters.host}:{parameters.port}: {reason(exc)}") from exc


def _without_user(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Ask with a certificate whose common name is no user of etcd."""
    identity = Identity(parameters.certificate, parameters.key, parameters.ca_path)
    host = f"[{parameters.host}]" if ":" in parameters.host else parameters.host
    answer = _etcdctl(context, identity, [f"https://{host}:{parameters.port}"]).call("get", "golive", "--keys-only")
    expected = "a request without a user is refused"
    if answer.rc == 0:
        return judge(False, expected, "it was answered")
    if "permission denied" in answer.stderr or "user name is empty" in answer.stderr:
        return judge(True, expected, f"refused: {answer.reason}")
    raise CheckError(f"no refusal by etcd: {answer.reason}")


def _without_tls(connection: socket.socket) -> Outcome:
    """Send plain HTTP; a server that wants TLS hangs up or answers 400."""
    try:
        connection.sendall(b"GET /version HTTP/1.0\r\n\r\n")
        answer = connection.recv(200)
    except ConnectionError:
        answer = b""
    expected = "plain HTTP is refused"
    line = answer.split(b"\r\n")[0].decode(errors="replace")
    return judge(" 200 " not in line, expected, f"answer {line!r}" if line else "connection closed")


def _without_certificate(connection: socket.socket, parameters: SimpleNamespace) -> Outcome:
    """Come by TLS without a client certificate. With TLS 1.3 the refusal arrives after the handshake."""
    tls = client_tls(parameters.ca_path)
    expected = "a client without a certificate is refused"
    try:
        with tls.wrap_socket(connection, server_hostname=parameters.host) as wrapped:
            # The server of a client that it takes waits for the request.
            wrapped.settimeout(1)
            hung_up = not wrapped.recv(1)
    except socket.timeout:
        return judge(False, expected, "the server waits for the request")
    except ssl.SSLError as exc:
        if not any(word in str(exc.reason) for word in _ALERTS):
            raise
        return judge(True, expected, f"refused: {exc.reason}")
    return judge(hung_up, expected, "the server hung up" if hung_up else "the server sent an answer")


def _etcdctl(context: Context, identity: Identity, endpoints: list[str]) -> Etcdctl:
    def run(argv: Sequence[str], environment: Mapping[str, str], stdin: str | None) -> tuple[int, str, str]:
        done = context.run(argv, environment, stdin)
        return done.rc, done.stdout, done.stderr

    return Etcdctl(run, identity, endpoints, max(1.0, context.remaining() / 3))


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
