"""Insert numbered rows into the cluster's primary until a file appears, then print what came of it as JSON.

A row counts as acknowledged when its commit was; at the end each of them has to be there. The longest pause between two
acknowledged rows is kept for every stage, whose name another file holds.
"""

import argparse
import json
import pathlib
import sys
import time

import psycopg2

parser = argparse.ArgumentParser()
parser.add_argument("--hosts", required=True)
parser.add_argument("--password-file", required=True)
parser.add_argument("--folder", required=True)
parser.add_argument("--rate", type=float, default=100)
options = parser.parse_args()
folder = pathlib.Path(options.folder)
password = pathlib.Path(options.password_file).read_text(encoding="utf-8").strip()


def connect():
    """Return a connection to whoever takes writes."""
    connection = psycopg2.connect(
        host=options.hosts,
        dbname="erp",
        user="erp",
        password=password,
        sslmode="verify-full",
        sslrootcert="/etc/golive/tls/ca.pem",
        target_session_attrs="read-write",
        connect_timeout=2,
        tcp_user_timeout=2000,
        application_name="writer",
    )
    connection.autocommit = True
    return connection


acknowledged, gaps, errors = [], {}, []
connection = connect()
with connection.cursor() as cursor:
    cursor.execute("SELECT coalesce(max(id), 0) FROM written")
    number = cursor.fetchone()[0]
last = time.monotonic()
while not (folder / "stop").exists():
    number += 1
    try:
        connection = connection or connect()
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO written VALUES (%s)", (number,))
    except psycopg2.Error as exc:
        errors.append(str(exc).strip().splitlines()[0][:120])
        if connection:
            connection.close()
        connection = None
        time.sleep(0.1)
        continue
    now = time.monotonic()
    stage = (folder / "stage").read_text(encoding="utf-8").strip()
    gaps[stage] = max(gaps.get(stage, 0.0), round(now - last, 2))
    last = now
    acknowledged.append(number)
    time.sleep(1 / options.rate)

with (connection or connect()).cursor() as cursor:
    cursor.execute("SELECT id FROM written")
    there = {row[0] for row in cursor.fetchall()}
lost = [number for number in acknowledged if number not in there]
print(json.dumps({"acknowledged": len(acknowledged), "lost": lost, "gaps": gaps, "errors": sorted(set(errors))}))
sys.exit(bool(lost))
