"""Change the roles of the members and print as JSON what a client of the balancer sees. Argument: its address.

db-one begins and ends as the primary, db-two as its replica. Seconds count from the change of the roles.
"""

import json
import pathlib
import socket
import subprocess
import sys
import time

ADDRESS = sys.argv[1]
PATIENCE = 15
PRIMARY, REPLICAS = 5432, 5433


def role(**roles):
    """Set the roles, one=... and two=..."""
    for name, value in roles.items():
        pathlib.Path(f"/run/database-db-{name}.role").write_text(value)


def session(port):
    """Return a connection and the name that greeted, "" when it was closed."""
    connection = socket.create_connection((ADDRESS, port), timeout=PATIENCE)
    try:
        return connection, connection.recv(100).decode()
    except ConnectionError:
        return connection, ""


def who(port):
    connection, name = session(port)
    connection.close()
    return name


def wait_for(port, name, begin):
    """Return the seconds until new connections reach this member, and which others they reached before."""
    others = set()
    while (found := who(port)) != name:
        others.add(found)
        if time.monotonic() > begin + PATIENCE:
            raise SystemExit(f"port {port}: {name!r} is not reached, but {found!r}")
        time.sleep(0.05)
    return round(time.monotonic() - begin, 2), sorted(others)


def closed(connection, begin):
    """Return the seconds until a connection that is idle was closed."""
    try:
        data = connection.recv(100)
    except ConnectionError:
        data = b""
    assert data == b""
    return round(time.monotonic() - begin, 2)


report = {}
role(one="primary", two="replica")
wait_for(PRIMARY, "db-one", time.monotonic())
wait_for(REPLICAS, "db-two", time.monotonic())
report["primary"] = sorted({who(PRIMARY) for attempt in range(10)})
report["replicas"] = sorted({who(REPLICAS) for attempt in range(10)})

# No replica is left: reads go to the primary, until one is back and takes them over.
role(two="stopped")
report["fallback_seconds"], others = wait_for(REPLICAS, "db-one", time.monotonic())
reader = session(REPLICAS)[0]
role(two="replica")
begin = time.monotonic()
report["reader_moved_seconds"] = closed(reader, begin)
report["replica_seconds"], others = wait_for(REPLICAS, "db-two", begin)

# A switchover: the old primary steps down, then the other one is promoted.
writer = session(PRIMARY)[0]
writer.sendall(b"ping")
assert writer.recv(100) == b"ping"
role(one="stopped")
begin = time.monotonic()
time.sleep(0.5)
role(two="primary")
report["closed_seconds"] = closed(writer, begin)
report["promoted_seconds"], others = wait_for(PRIMARY, "db-two", begin)
report["after_demotion"] = others

# No primary at all: refused at once.
role(two="stopped")
begin = time.monotonic()
report["refused_seconds"], others = wait_for(PRIMARY, "", begin)
wait_for(REPLICAS, "", begin)
begin = time.monotonic()
for port in (PRIMARY, REPLICAS):
    assert who(port) == "", port
report["refusal_seconds"] = round(time.monotonic() - begin, 3)

# Two that call themselves primary: neither is taken.
role(one="primary")
wait_for(PRIMARY, "db-one", time.monotonic())
role(two="primary")
report["split_seconds"], others = wait_for(PRIMARY, "", time.monotonic())
role(two="replica")
wait_for(PRIMARY, "db-one", time.monotonic())

# A primary that says nothing any more, as one does that is paused: its sessions are closed too.
writer = session(PRIMARY)[0]
subprocess.run(["systemctl", "kill", "--signal=SIGSTOP", "database@db-one"], check=True)
report["hung_seconds"] = closed(writer, time.monotonic())
subprocess.run(["systemctl", "kill", "--signal=SIGCONT", "database@db-one"], check=True)
wait_for(PRIMARY, "db-one", time.monotonic())

# A reload: the open session goes on, and nobody reaches a replica while the new process does not yet know it as one.
writer = session(PRIMARY)[0]
with subprocess.Popen(["systemctl", "reload", "haproxy"]) as reload:
    found = []
    begin = time.monotonic()
    while time.monotonic() < begin + 4:
        start = time.monotonic()
        found.append((who(PRIMARY), time.monotonic() - start))
        time.sleep(0.01)
assert reload.returncode == 0
writer.sendall(b"still there")
report["over_reload"] = writer.recv(100).decode()
report["during_reload"] = sorted({name for name, seconds in found})
report["during_reload_slowest_seconds"] = round(max(seconds for name, seconds in found), 2)
print(json.dumps(report))
