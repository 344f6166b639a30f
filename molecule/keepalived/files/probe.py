"""Asks ADDRESS 20 times a second for SECONDS, each time by a new connection; prints what came of it.

requests, failed, gap (the longest time between two answers that came one after the other) and who answered, in order.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time

address, seconds = sys.argv[1], float(sys.argv[2])
answers: list[tuple[float, str]] = []
failures: list[float] = []


def ask() -> None:
    begin = time.time()
    try:
        connection = http.client.HTTPConnection(address, 80, timeout=1)
        connection.request("GET", "/")
        answers.append((time.time(), connection.getresponse().read().decode()))
        connection.close()
    except (OSError, http.client.HTTPException):
        failures.append(begin)


start, threads = time.time(), []
for number in range(int(seconds * 20)):
    time.sleep(max(0.0, start + number / 20 - time.time()))
    threads.append(threading.Thread(target=ask))
    threads[-1].start()
for thread in threads:
    thread.join()
answers.sort()
times = [answered for answered, _host in answers]
order: list[str] = []
for _answered, host in answers:
    if order[-1:] != [host]:
        order.append(host)
print(
    json.dumps(
        {
            "requests": len(threads),
            "failed": len(failures),
            "gap": round(max((after - before for before, after in zip(times, times[1:])), default=seconds), 2),
            "order": order,
        }
    )
)
