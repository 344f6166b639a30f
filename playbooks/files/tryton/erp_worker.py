# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""trytond-worker that ends when its connection is dead, so that systemd starts it anew. Arguments as trytond-worker
without --config: the configuration is that of TRYTOND_CONFIG.

trytond 8.0 takes a lost connection for a passing error: after a restart of the database its worker runs on, asks the
dead connection again and again, and no task is ever done until somebody restarts it.
"""

from __future__ import annotations

import sys
from typing import Any

from trytond import backend, worker
from trytond.cli.worker import main


def end_with_connection() -> None:
    """Make the queue's pull end the worker, after its running tasks, when the connection is closed."""
    pull = worker.Queue.pull

    def pull_or_end(self: Any, name: str | None = None) -> Any:
        try:
            return pull(self, name)
        except backend.DatabaseOperationalError:
            if self.connection.closed:
                sys.stderr.write("The connection to the database was lost, the worker ends.\n")
                raise SystemExit(1) from None
            raise

    worker.Queue.pull = pull_or_end


if __name__ == "__main__":
    end_with_connection()
    main()
