# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tryton as a WSGI application with health pages: `gunicorn erp_wsgi:app`.

Reads TRYTOND_CONFIG and TRYTOND_DATABASE_NAMES (exactly one) like trytond does, and ERP_DRAIN_FILE. The import fails
when the database cannot be loaded: an application without its models would answer, but wrongly, until a restart.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg
import psycopg_pool
from erp_health import DatabaseProbe, Health

# Seconds that a request waits for a connection. trytond leaves it at the pool's default of 30, and as long would each
# request hold one of the few threads after the database has gone.
POOL_TIMEOUT = 5
PROBE_TIMEOUT = 2


class ImpatientPool(psycopg_pool.ConnectionPool):
    """The pool that trytond finds under its usual name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("timeout", POOL_TIMEOUT)
        super().__init__(*args, **kwargs)


psycopg_pool.ConnectionPool = ImpatientPool  # type: ignore[misc]

from trytond import __series__, config
from trytond.application import app as tryton
from trytond.pool import Pool

database = os.environ["TRYTOND_DATABASE_NAMES"]
if database not in Pool.database_list():
    raise SystemExit(f"The database {database} could not be loaded, see above.")


def connect() -> psycopg.Connection:
    """A connection of the probe's own: a full pool is no reason to call the database dead."""
    uri = config.parse_uri(config.get("database", "uri"))
    return psycopg.connect(
        uri._replace(scheme="postgresql", path="/" + database).geturl(),
        autocommit=True,
        connect_timeout=PROBE_TIMEOUT,
        application_name="readiness",
    )


app = Health(tryton, DatabaseProbe(connect, __series__, PROBE_TIMEOUT), os.environ.get("ERP_DRAIN_FILE"))
