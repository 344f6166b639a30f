"""Ask the balancer at a steady rate, GET and POST in turn, and print what came of it as JSON.

--held SECONDS makes four more POSTs at the start that a backend answers only after that time. --keep-alive asks on
connections that stay open, as browsers do; none of them may be closed under a request. One that has been idle for long
is not used again: the balancer closes it after its time-out. Ends with 1 if any failed.
"""

import argparse
import collections
import concurrent.futures
import http.client
import json
import ssl
import sys
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--address", required=True)
parser.add_argument("--name", required=True)
parser.add_argument("--ca", required=True)
parser.add_argument("--seconds", type=float, required=True)
parser.add_argument("--rate", type=float, default=20)
parser.add_argument("--held", type=float, default=0)
parser.add_argument("--keep-alive", action="store_true")
options = parser.parse_args()
tls = ssl.create_default_context(cafile=options.ca)
kept = threading.local()
IDLE_SECONDS = 5  # half of the balancer's `timeout http-keep-alive`


def connection():
    """Return the connection of this thread, or a new one."""
    if not options.keep_alive:
        return http.client.HTTPSConnection(options.address, context=tls, timeout=options.held + 15)
    if not hasattr(kept, "connection") or time.monotonic() - kept.used > IDLE_SECONDS:
        kept.connection = http.client.HTTPSConnection(options.address, context=tls, timeout=options.held + 15)
    return kept.connection


def ask(method, path):
    """Return the backend that answered, or what went wrong, and the seconds it took."""
    start = time.monotonic()
    client = connection()
    try:
        client.request(method, path, body=b"{}" if method == "POST" else None, headers={"Host": options.name})
        answer = client.getresponse()
        body = answer.read()
        result = json.loads(body)["backend"] if answer.status == 200 else f"status {answer.status}"
    except (OSError, http.client.HTTPException, ValueError) as exc:
        result = f"failed: {exc!r}"
        client.close()
    if not options.keep_alive:
        client.close()
    kept.used = time.monotonic()
    return f"{method} {result}" if result.startswith(("failed", "status")) else result, time.monotonic() - start


with concurrent.futures.ThreadPoolExecutor(40) as pool:
    held = [pool.submit(ask, "POST", f"/slow?{options.held}") for number in range(4)] if options.held else []
    asked = []
    begin = time.monotonic()
    for number in range(int(options.seconds * options.rate)):
        time.sleep(max(0.0, begin + number / options.rate - time.monotonic()))
        asked.append(pool.submit(ask, ("GET", "POST")[number % 2], "/"))
    results = [future.result() for future in asked]

failures = [outcome[0] for outcome in results if outcome[0].startswith(("GET", "POST"))]
report = {
    "requests": len(results),
    "failures": failures,
    "answers": collections.Counter(outcome[0] for outcome in results),
    "slowest_seconds": round(max(outcome[1] for outcome in results), 3),
    "held": [future.result()[0] for future in held],
}
print(json.dumps(report))
sys.exit(bool(failures) or any(answer.startswith("POST") for answer in report["held"]))
