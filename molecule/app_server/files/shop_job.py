"""The processes without a port (argument: worker or cron) and the initialisation (argument: initialise)."""

import os
import pathlib
import sys
import time

STATE = pathlib.Path(os.environ["STATE_DIRECTORY"])


def main(job):
    """Do the job."""
    if job == "initialise":
        with open(os.environ["SHOP_PASSWORD_FILE"], encoding="utf-8") as password:
            password_length = len(password.read().strip())
        with open(STATE / "initialisations", "a", encoding="utf-8") as log:
            log.write(f"{' '.join(sys.argv[2:])} {password_length}\n")
        return
    while True:
        (STATE / ("heartbeat-" + job)).write_text("alive\n", encoding="utf-8")
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1])
