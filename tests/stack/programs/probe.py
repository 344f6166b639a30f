"""Tries to write on this very node, ten times a second, whoever the primary is, and notes each acknowledged write.

Usage: probe.py FOLDER, as the user postgres. Appends lines of "BEGIN END" (seconds since the epoch) to
FOLDER/probe.acks and ends when FOLDER/stop is there. By the local socket, so a node that is cut off the network is
asked too.
"""

import os
import sys
import time

import psycopg2

folder = sys.argv[1]
connection = None
with open(f"{folder}/probe.acks", "a", buffering=1, encoding="utf-8") as acks:
    while not os.path.exists(f"{folder}/stop"):
        begin = time.time()
        try:
            if connection is None:
                connection = psycopg2.connect(dbname="erp")
                connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO golive_probe VALUES (default)")
            acks.write(f"{begin:.4f} {time.time():.4f}\n")
        except psycopg2.errors.ReadOnlySqlTransaction:
            pass
        except psycopg2.Error:
            if connection is not None:
                connection.close()
            connection = None
        time.sleep(0.1)
