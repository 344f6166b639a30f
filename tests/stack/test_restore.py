"""The real restore, on the cluster that serves the application."""

from __future__ import annotations

import time

import pytest
from conftest import Stack, eventually
from load import NODES, Database


@pytest.fixture
def database(stack: Stack) -> Database:
    database = Database(stack)
    database.wait_until_whole()
    return database


def test_restore_to_a_second_returns_exactly_the_first_row(stack: Stack, database: Database) -> None:
    def query(statement: str) -> str:
        return database.query(database.primary(), statement)

    query("DROP TABLE IF EXISTS golive_restore; CREATE TABLE golive_restore (number int); ")
    query("INSERT INTO golive_restore VALUES (1)")
    time.sleep(2)
    moment = query("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')")
    time.sleep(2)
    query("INSERT INTO golive_restore VALUES (2)")

    refused = stack.playbook("restore.yml", "-e", f"golive_restore_time={moment}")
    assert refused.returncode != 0
    assert "golive_restore_confirm" in refused.stdout
    assert query("SELECT count(*) FROM golive_restore") == "2"

    # A node that is left out would be promoted with the old data.
    confirmed = ("-e", f"golive_restore_time={moment}", "-e", "golive_restore_confirm=main")
    for wrong in (("--limit", "db1"), ("-e", "golive_restore_host=bd1")):
        refused = stack.playbook("restore.yml", *confirmed, *wrong)
        assert refused.returncode != 0
        assert "golive_restore_host" in refused.stdout
    database.wait_until_whole(5)
    assert query("SELECT count(*) FROM golive_restore") == "2"

    begin = time.monotonic()
    run = stack.playbook("restore.yml", *confirmed)
    assert run.returncode == 0, run.stdout[-5000:]
    database.wait_until_whole()
    print(f"restored to a second, both nodes again: {time.monotonic() - begin:.0f} s")
    for node in NODES:
        assert database.query(node, "SELECT string_agg(number::text, ',') FROM golive_restore") == "1"
    eventually("the application", lambda: stack.get(f"https://{stack.address('lb1')}/", timeout=3)[0] == 200, 60)
    # What the restore left behind is what the playbooks declare.
    run = stack.playbook("database.yml", "--diff")
    assert run.returncode == 0, run.stdout[-5000:]
    assert "changed=1" not in run.stdout, run.stdout[-5000:]
    query("DROP TABLE golive_restore")
