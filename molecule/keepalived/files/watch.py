"""Looks every 20 ms whether the host has ADDRESS until STOP exists; writes down when it had it: [[from, to], ...].

It is the kernel that is asked, not keepalived. A host that is killed leaves what it wrote last, at most 0.1 s before.
"""

from __future__ import annotations

import json
import os
import sys
import time

address, stop, report = sys.argv[1:4]
spans, had, written = [], False, 0.0
while True:
    with open("/proc/net/fib_trie", encoding="ascii") as table:
        has = any(line.split()[-1] == address for line in table if "|--" in line)
    now = time.time()
    if has and not had:
        spans.append([now, now])
    elif has:
        spans[-1][1] = now
    if has != had or now - written > 0.1:
        with open(f"{report}.new", "w", encoding="utf-8") as file:
            json.dump(spans, file)
        os.replace(f"{report}.new", report)
        written = now
    had = has
    if os.path.exists(stop):
        break
    time.sleep(0.02)
