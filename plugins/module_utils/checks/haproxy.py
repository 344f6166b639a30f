# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of HAProxy: haproxy_backend, haproxy_config."""

from __future__ import annotations

import csv
import socket
from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError, Outcome, Verdict, judge
from ansible_collections.golive.delivery.plugins.module_utils.checks.sockets import reason
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, check_type


@check_type(
    "haproxy_backend",
    Parameter("socket", "path", default="/run/haproxy/admin.sock"),
    Parameter("backend", "text", required=True),
    Parameter("min_up", "integer"),
    Parameter("max_up", "integer"),
    Parameter("all_up", "boolean"),
    Parameter("backup", "boolean"),
)
def haproxy_backend(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare how many servers of a backend pass their health check; all of them, unless a number is given.

    Of all servers, unless `backup` asks for the backup servers or for the others only.
    """
    rows = list(csv.DictReader(_ask(parameters.socket, "show stat", context).lstrip("# ").splitlines()))
    servers = {
        row["svname"]: row["status"]
        for row in rows
        if row["pxname"] == parameters.backend
        and row["svname"] not in ("FRONTEND", "BACKEND")
        and parameters.backup in (None, row["bck"] == "1")
    }
    name = parameters.backend
    if not servers:
        backends = ", ".join(sorted({row["pxname"] for row in rows if row["svname"] == "BACKEND"}))
        return judge(False, f"backend {name} has servers", "no such backend or no server", f"backends: {backends}")
    # "UP 1/3" is on its way down but still serves; "no check" says nothing about the server.
    count = sum(status.startswith("UP") for status in servers.values())
    observed = f"{count} of {len(servers)} servers UP"
    verdict = Verdict()
    numbered = parameters.min_up is not None or parameters.max_up is not None
    if parameters.all_up or (parameters.all_up is None and not numbered):
        verdict.demand(count == len(servers), f"all servers of {name} UP", observed)
    if parameters.min_up is not None:
        verdict.demand(count >= parameters.min_up, f"at least {parameters.min_up} servers of {name} UP", observed)
    if parameters.max_up is not None:
        verdict.demand(count <= parameters.max_up, f"at most {parameters.max_up} servers of {name} UP", observed)
    return verdict.outcome(", ".join(f"{server} {status}" for server, status in servers.items()))


def _ask(path: str, question: str, context: Context) -> str:
    """Return HAProxy's answer on its socket; raise CheckError when it does not answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(context.remaining())
        try:
            connection.connect(path)
            connection.sendall(f"{question}\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except socket.timeout:
            raise context.expired() from None
        except OSError as exc:
            raise CheckError(f"haproxy does not answer on {path}: {reason(exc)}") from exc
    text = answer.decode(errors="replace")
    if not text.startswith("# pxname"):
        raise CheckError(f"haproxy gave no statistics on {path}: {text[:200]!r}")
    return text


@check_type("haproxy_config", Parameter("files", "paths", default=["/etc/haproxy/haproxy.cfg"]))
def haproxy_config(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Let haproxy validate the configuration on disk, the one that the next reload takes."""
    argv = ["haproxy", "-c"]
    for path in parameters.files:
        argv += ["-f", path]
    done = context.run(argv)
    names = ", ".join(parameters.files)
    observed = "valid" if done.rc == 0 else f"refused with return code {done.rc}"
    return judge(done.rc == 0, f"haproxy accepts {names}", observed, done.output)
