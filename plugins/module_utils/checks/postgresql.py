# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of PostgreSQL through psql: postgresql_query, postgresql_refused."""

from __future__ import annotations

import os
import pwd
import re
import secrets
from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.checks.compare import OPERATORS, compare, describe
from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Completed, Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError, Outcome, judge
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type

_SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
_NO_FILE = "/dev/null/none"  # libpq passes over a file that cannot be, without a word
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# The words with which a server declines who comes, or how; another FATAL (starting up, too many) is no refusal.
_REFUSED = (
    "password authentication failed|no pg_hba\\.conf entry|pg_hba\\.conf rejects|certificate authentication failed|"
    'role ".*" does not exist|role ".*" is not permitted to log in'
)
# Without TLS "wrong password" would mean that the server listened to one in clear text.
_REFUSED_CLEAR_TEXT = "no encryption|SSL off"


def _query_rule(parameters: SimpleNamespace) -> Problem | None:
    if parameters.host is None and parameters.password_file is not None:
        return Problem("parameters.host", "required with password_file, expected a text that is not empty")
    if parameters.host is not None and parameters.user is None:
        return Problem("parameters.user", "required with host, expected a text that is not empty")
    return None


@check_type(
    "postgresql_query",
    Parameter("query", "text", required=True),
    Parameter("database", "text", default="postgres"),
    Parameter("expected", "scalar", required=True),
    Parameter("operator", "text", default="==", choices=OPERATORS),
    Parameter("system_user", "text", default="postgres"),
    Parameter("host", "text"),
    Parameter("port", "port", default=5432),
    Parameter("user", "text"),
    Parameter("sslmode", "text", default="verify-full", choices=_SSL_MODES),
    Parameter("sslrootcert", "path", default=_SYSTEM_CA),
    Parameter("password_file", "path"),
    rule=_query_rule,
)
def postgresql_query(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the result of a read-only query."""
    password = _password(parameters.password_file)
    done = _psql(parameters, context, parameters.query, password)
    if done.rc != 0:
        raise CheckError(f"psql failed: {done.stderr.strip() or f'return code {done.rc}'}")
    observed = done.stdout.rstrip("\n")
    wanted = parameters.expected
    if isinstance(wanted, bool):
        wanted = "t" if wanted else "f"  # as psql prints it
    fits = compare(observed, parameters.operator, wanted)
    return judge(fits, describe(parameters.operator, wanted), observed or "no rows or NULL", parameters.query)


@check_type(
    "postgresql_refused",
    Parameter("host", "text", required=True),
    Parameter("port", "port", default=5432),
    Parameter("user", "text", required=True),
    Parameter("database", "text", default="postgres"),
    Parameter("sslmode", "text", default="require", choices=_SSL_MODES),
    Parameter("sslrootcert", "path", default=_SYSTEM_CA),
    Parameter("password_file", "path"),
    Parameter("expected", "pattern"),
)
def postgresql_refused(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Prove that the server itself refuses a login; that nobody answers is no proof."""
    # Without a password_file the password is wrong by design: nobody knows it.
    password = _password(parameters.password_file) or secrets.token_hex(16)
    who = f"{parameters.user} with sslmode {parameters.sslmode}"
    expected = f"the server refuses {who}"
    done = _psql(parameters, context, "SELECT 1", password)
    if done.rc == 0:
        return judge(False, expected, f"the server lets {who} in")
    # A line of the server begins with its severity, which follows the address that libpq adds.
    refusal = parameters.expected or re.compile(_REFUSED_CLEAR_TEXT if parameters.sslmode == "disable" else _REFUSED)
    for answer in re.findall(r"(?:^|: )FATAL: +(.*)", done.stderr, re.MULTILINE):
        if refusal.search(answer):
            return judge(True, expected, f"refused: {answer}")
    raise CheckError(f"no refusal by the server: {done.stderr.strip() or f'return code {done.rc}'}")


def _password(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read().rstrip("\r\n")
    except OSError as exc:
        raise CheckError(f"password_file {path} cannot be read: {exc.strerror}") from exc
    if not text or "\n" in text:
        raise CheckError(f"password_file {path} must hold one line")
    return text


def _psql(parameters: SimpleNamespace, context: Context, query: str, password: str | None) -> Completed:
    """Run a query with settings in the environment and the password in a file: argv holds nothing to hide."""
    milliseconds = max(1, int(context.remaining() * 1000))
    environment = {
        "PGAPPNAME": "golive-technical-check",
        "PGCLIENTENCODING": "UTF8",
        "PGCONNECT_TIMEOUT": str(max(2, int(context.remaining()))),
        "PGDATABASE": parameters.database,
        "PGPORT": str(parameters.port),
        # A check only reads, and its query must not go on when nobody waits for it any more.
        "PGOPTIONS": f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}",
        "PGPASSFILE": _NO_FILE,  # not the one of the user who happens to run this
    }
    argv = ["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    if parameters.host is None:
        user = parameters.system_user
        environment.update({"PGUSER": parameters.user or user, "PGHOST": ""})
        try:
            me = pwd.getpwuid(os.geteuid()).pw_name
            pwd.getpwnam(user)
        except KeyError as exc:
            raise CheckError(f"this host has no user {user}") from exc
        if me != user:
            argv = ["runuser", "-u", user, "--", *argv]
    else:
        environment.update(
            {
                "PGHOST": parameters.host,
                "PGUSER": parameters.user,
                "PGSSLMODE": parameters.sslmode,
                # With a file of CAs libpq would verify in the mode "require" as well.
                "PGSSLROOTCERT": parameters.sslrootcert if parameters.sslmode.startswith("verify") else _NO_FILE,
            }
        )
        if password is not None:
            environment["PGPASSFILE"] = context.secret_file(f"*:*:*:*:{_escape(password)}\n")
    return context.run(argv, environment, stdin=query)


def _escape(text: str) -> str:
    """Return a field of a password file: backslash and colon are escaped."""
    return text.replace("\\", "\\\\").replace(":", "\\:")
