"""The processes without a port (argument: worker, cron), the initialisation (initialise) and the hooks (hook NAME)."""

import os
import pathlib
import sys
import time

STATE = pathlib.Path(os.environ["STATE_DIRECTORY"])
RELEASE = pathlib.Path.cwd()


def hook(name, seconds="0"):
    """Say what the hook sees: the release, the new configuration, the folder that is shared."""
    time.sleep(int(seconds))
    if os.environ["SHOP_FAULT"] == "slow" and name == "pre_release":
        time.sleep(600)
    if os.environ["SHOP_FAULT"] == name:
        sys.exit(f"the hook {name} does not like {os.environ['SHOP_SECRET']}")
    colour = pathlib.Path(os.environ["SHOP_CONFIG"]).read_text(encoding="utf-8").split()[-1]
    with open(STATE / "hooks", "a", encoding="utf-8") as log:
        log.write(f"{name} {RELEASE.name.split('-')[0]} {colour}\n")
    (RELEASE / "uploads" / name).touch()


def main(job):
    """Do the job."""
    if job == "initialise":
        with open(os.environ["SHOP_PASSWORD_FILE"], encoding="utf-8") as password:
            password_length = len(password.read().strip())
        with open(STATE / "initialisations", "a", encoding="utf-8") as log:
            log.write(f"{' '.join(sys.argv[2:])} {password_length}\n")
        return
    if job == "hook":
        hook(*sys.argv[2:])
        return
    if job == "worker" and os.environ["SHOP_FAULT"] == "crash":
        sys.exit("the worker gives up")
    while True:
        (STATE / ("heartbeat-" + job)).write_text("alive\n", encoding="utf-8")
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1])
