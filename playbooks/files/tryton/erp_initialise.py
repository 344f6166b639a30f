# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""trytond-admin that also finishes what an interrupted one has begun. Arguments as trytond-admin without --config.

trytond-admin 8.0 sets the series of the database and the password of admin only if it began with an empty database.
Where it was cut off (the host or the database went down), a second one finds tables and leaves both out for ever: the
nodes are never ready and nobody can log in. A database without a series is one that was never finished.
"""

from __future__ import annotations

import os
import sys

import psycopg
from trytond import __series__, config
from trytond.cli.admin import main


def connect() -> psycopg.Connection:
    """A connection to the one database in TRYTOND_DATABASE_NAMES."""
    uri = config.parse_uri(config.get("database", "uri"))
    path = "/" + os.environ["TRYTOND_DATABASE_NAMES"]
    return psycopg.connect(uri._replace(scheme="postgresql", path=path).geturl(), autocommit=True)


def finished() -> bool:
    """Whether the database has a series."""
    with connect() as connection:
        if connection.execute("SELECT to_regclass('ir_configuration')").fetchone()[0] is None:
            return False
        return connection.execute("SELECT 1 FROM ir_configuration WHERE series IS NOT NULL").fetchone() is not None


if __name__ == "__main__":
    was_finished = finished()
    if not was_finished:
        sys.argv.append("--password")
    main()
    if not was_finished:
        with connect() as connection:
            connection.execute("UPDATE ir_configuration SET series = %s WHERE series IS NULL", [__series__])
