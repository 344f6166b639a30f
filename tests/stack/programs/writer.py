"""Inserts numbered rows at a steady rate through the balancers and notes each one that was acknowledged.

Usage: writer.py FOLDER RATE, the password on standard input, the rest of the connection in libpq's environment.
Writes lines of "NUMBER SECONDS" (time of the acknowledgement since the epoch) to FOLDER/writer.acks and ends when
FOLDER/stop is there. A row whose fate is unknown is never tried again: its number is left out, so each acknowledged one
must be there.
"""

import os
import sys
import time

import psycopg

folder, rate = sys.argv[1], float(sys.argv[2])
os.environ["PGPASSWORD"] = sys.stdin.readline().strip()
connection = None
begin = time.monotonic()
number = 0
with open(f"{folder}/writer.acks", "w", buffering=1, encoding="utf-8") as acks:
    while not os.path.exists(f"{folder}/stop"):
        number += 1
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        try:
            if connection is None:
                connection = psycopg.connect("", autocommit=True, connect_timeout=2)
            connection.execute("INSERT INTO golive_writer (number) VALUES (%s)", (number,), prepare=False)
            acks.write(f"{number} {time.time():.4f}\n")
        except psycopg.Error as error:
            print(f"{time.time():.3f} {number}: {error}", flush=True)
            if connection is not None:
                connection.close()
            connection = None
            # The rate is that of a client that goes on, not one that makes up for what it has missed.
            time.sleep(0.1)
            begin = time.monotonic() - number / rate
