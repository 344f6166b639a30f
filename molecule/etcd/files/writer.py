"""Write numbered keys through the JSON gateway as Patroni does, trying the members in turn, and print what came of it.

Arguments: folder of the TLS files, a file that ends it when it appears, user and prefix, then the members' addresses.
The password is read from standard input. Prints JSON: acknowledged writes, the longest time without one in seconds,
numbers that were acknowledged and are not there in the end.
"""

import base64
import http.client
import json
import pathlib
import ssl
import sys
import time

folder, stop, user, prefix, *addresses = sys.argv[1:]
password = sys.stdin.readline().rstrip("\n")
tls = ssl.create_default_context(cafile=f"{folder}/ca.pem")
tls.load_cert_chain(f"{folder}/client.pem", f"{folder}/client.pem.key")
tokens = {}
connections = {}


def encode(text):
    """Return the text as the gateway takes bytes."""
    return base64.b64encode(text.encode()).decode()


def ask(address, path, body):
    """Return the answer of one member; log in where there is no token yet."""
    if address not in connections:
        connections[address] = http.client.HTTPSConnection(address, 2379, context=tls, timeout=2)
    connection = connections[address]
    if path != "auth/authenticate" and address not in tokens:
        tokens[address] = ask(address, "auth/authenticate", {"name": user, "password": password})["token"]
    try:
        headers = {"Authorization": tokens[address]} if address in tokens else {}
        connection.request("POST", f"/v3/{path}", json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        connections.pop(address).close()
        tokens.pop(address, None)
        raise
    if response.status != 200:
        tokens.pop(address, None)
        raise OSError(str(answer))
    return answer


def insist(path, body, until):
    """Ask the members in turn until one has done it; give up at `until` and return what the last one said."""
    problem = "not tried"
    while time.monotonic() < until:
        for address in list(addresses):
            try:
                return ask(address, path, body), None
            except (OSError, http.client.HTTPException, ValueError, KeyError) as exc:
                problem = f"{address}: {exc!r}"
                # The next one first, until it fails too.
                addresses.append(addresses.pop(0))
        time.sleep(0.05)
    return None, problem


last = time.monotonic()
written, gap, problem = [], 0.0, None
while not pathlib.Path(stop).exists():
    number = len(written)
    answer, failed = insist(
        "kv/put", {"key": encode(f"{prefix}{number:06}"), "value": encode(str(number))}, time.monotonic() + 30
    )
    now = time.monotonic()
    gap, last = max(gap, now - last), now
    if not answer:
        problem = failed
        break
    written.append(number)
    time.sleep(0.02)
answer, failed = insist(
    "kv/range",
    {"key": encode(prefix), "range_end": encode(prefix[:-1] + chr(ord(prefix[-1]) + 1)), "keys_only": True},
    time.monotonic() + 30,
)
there = {base64.b64decode(item["key"]).decode() for item in (answer or {}).get("kvs", [])}
lost = [number for number in written if f"{prefix}{number:06}" not in there]
print(json.dumps({"written": len(written), "gap": round(gap, 2), "lost": lost, "problem": problem or failed}))
sys.exit(bool(problem or failed or lost))
