"""Looks every 20 ms which ADDRESSES the host has until STOP exists; writes down when: {address: [[from, to], ...]}.

Arguments: STOP REPORT ADDRESS... It is the kernel that is asked, not keepalived. A host that is killed leaves what it
wrote last, at most 0.1 s before.
"""

from __future__ import annotations

import ipaddress
import json
import os
import sys
import time


def own() -> set[str]:
    with open("/proc/net/fib_trie", encoding="ascii") as table:
        found = {line.split()[-1] for line in table if "|--" in line}
    with open("/proc/net/if_inet6", encoding="ascii") as table:
        return found | {str(ipaddress.ip_address(bytes.fromhex(line.split()[0]))) for line in table}


stop, report, *addresses = sys.argv[1:]
spans: dict[str, list[list[float]]] = {address: [] for address in addresses}
had: set[str] = set()
written = 0.0
while not os.path.exists(stop):
    has = own() & set(addresses)
    now = time.time()
    for address in has - had:
        spans[address].append([now, now])
    for address in has:
        spans[address][-1][1] = now
    if has != had or now - written > 0.1:
        with open(f"{report}.new", "w", encoding="utf-8") as file:
            json.dump(spans, file)
        os.replace(f"{report}.new", report)
        written = now
    had = has
    time.sleep(0.02)
