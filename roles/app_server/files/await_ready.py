# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until the processes of an application are ready.

Argument: a JSON object with `application`, `ready` ({process: {url, status, timeout}}), `settling` (processes that were
just started) and `settle` (seconds that each of these has to run without dying). Prints a JSON object: `process` and
`message` of what is not ready, or nothing in it; the return code is 1 then. Reads only.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

DELAY = 1.0
TIMEOUT = 120  # of a process without a readiness of its own


class Unfollowed(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other, as it is for the check of the same address."""

    def redirect_request(self, *_arguments: object) -> None:
        """Do not follow it."""


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), Unfollowed)


def ask(url: str, status: int) -> str:
    """Return why the application is not ready, empty if it is."""
    try:
        with OPENER.open(url, timeout=10) as answer:
            found, content = answer.status, b""
    except urllib.error.HTTPError as exc:
        with exc:
            found, content = exc.code, exc.read(500)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        return str(getattr(exc, "reason", exc)) or type(exc).__name__
    return "" if found == status else f"status {found} instead of {status} {content.decode(errors='replace')}".strip()


def unsettled(unit: str, seconds: float) -> str:
    """Return why the process cannot be relied on yet, empty if it runs for so long."""
    names = "ActiveState,SubState,ExecMainStartTimestampMonotonic,NRestarts,ExecMainStatus,Result"
    shown = subprocess.run(
        ["systemctl", "show", "--property=" + names, unit], check=True, stdout=subprocess.PIPE, text=True
    )
    values = dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)
    started = int(values.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    age = time.clock_gettime(time.CLOCK_MONOTONIC) - started
    if values.get("ActiveState") == "active" and age >= seconds:
        return ""
    return (
        f"{values.get('ActiveState')} ({values.get('SubState')}), result {values.get('Result')}, "
        f"exit status {values.get('ExecMainStatus')}, {values.get('NRestarts')} restarts"
    )


def wait(asked: dict) -> tuple[str, str]:
    """Return the process that is not ready in its time and why; two empty texts if all are."""
    began = time.monotonic()
    longest = max([int(health.get("timeout") or TIMEOUT) for health in asked["ready"].values()], default=TIMEOUT)
    ready, settling = dict(asked["ready"]), list(asked["settling"])
    while True:
        passed = time.monotonic() - began
        for process, health in list(ready.items()):
            reason = ask(health["url"], int(health.get("status") or 200))
            if not reason:
                del ready[process]
            elif passed >= int(health.get("timeout") or TIMEOUT):
                seconds = int(health.get("timeout") or TIMEOUT)
                return process, f"{health['url']} was not ready in {seconds} s: {reason}"
        for process in list(settling):
            reason = unsettled(f"{asked['application']}-{process}.service", float(asked["settle"]))
            if not reason:
                settling.remove(process)
            # When all else is ready there is no use in waiting much longer for one that dies again and again.
            elif passed >= longest:
                return process, f"does not stay up: {reason}"
        if not ready and not settling:
            return "", ""
        time.sleep(DELAY)


def main() -> int:
    """Read the argument, print the answer."""
    process, message = wait(json.loads(sys.argv[1]))
    json.dump({"process": process, "message": message} if message else {}, sys.stdout)
    return 1 if message else 0


if __name__ == "__main__":
    sys.exit(main())
