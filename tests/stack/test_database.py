"""No acknowledged row is lost, whatever happens to a database node, and never are two of them writable."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from conftest import Stack, eventually
from load import NODES, Database, Load


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    database = Database(stack)
    database.wait_until_whole()
    yield database
    database.query(database.primary(), "DROP TABLE IF EXISTS golive_writer, golive_probe")


def other(node: str) -> str:
    return next(name for name in NODES if name != node)


def container(stack: Stack, host: str) -> str:
    return f"golive-{stack.name}-{host}"


def kill(stack: Stack, node: str) -> Callable[[], None]:
    stack.docker("kill", container(stack, node))
    return lambda: stack.docker("start", container(stack, node))


def pause(stack: Stack, node: str) -> Callable[[], None]:
    stack.docker("pause", container(stack, node))
    return lambda: stack.docker("unpause", container(stack, node))


def cut_off(stack: Stack, node: str) -> Callable[[], None]:
    network = f"golive-{stack.name}"
    stack.docker("network", "disconnect", network, container(stack, node))
    return lambda: stack.docker("network", "connect", "--ip", stack.address(node), network, container(stack, node))


@pytest.mark.parametrize("fault", [kill, pause, cut_off])
def test_primary_fails_under_load(stack: Stack, database: Database, fault: Callable) -> None:
    old = database.primary()
    new = other(old)
    with Load(database) as load:
        moment = time.time()
        heal = fault(stack, old)
        try:
            eventually(f"{new} takes over", lambda: load.resumed_after(moment) and database.primary() == new, 60)
        finally:
            heal()
        if fault is kill:
            eventually("the container is up", lambda: alive(stack, old), 30)
            load.probe(old)
        rejoined = database.wait_until_whole()
        time.sleep(2)
    print(f"{fault.__name__}: {load.summary()}, rejoined {rejoined:.1f} s after")
    assert load.lost() == set()
    assert load.primaries() == [old, new]
    assert load.gap() < 30, load.messages
    assert database.primary() == new


def read_only(database: Database, node: str) -> bool:
    """Whether the server answers and takes no writes; False while it starts."""
    with contextlib.suppress(subprocess.CalledProcessError):
        return database.query(node, "SELECT pg_is_in_recovery()") == "t"
    return False


def alive(stack: Stack, host: str) -> bool:
    probe = ["docker", "exec", container(stack, host), "systemctl", "is-active", "dbus"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def test_switchover_under_load_and_a_run_afterwards_changes_nothing(stack: Stack, database: Database) -> None:
    old = database.primary()
    with Load(database) as load:
        run = stack.playbook("switchover.yml")
        assert run.returncode == 0, run.stdout[-5000:]
        database.wait_until_whole()
        time.sleep(2)
    print(f"switchover: {load.summary()}")
    assert load.lost() == set()
    assert load.primaries() == [old, other(old)]
    assert load.gap() < 5, load.messages
    run = stack.playbook("database.yml", "--diff")
    assert run.returncode == 0, run.stdout[-5000:]
    assert "changed=0" in run.stdout
    assert "changed=1" not in run.stdout, run.stdout[-5000:]


def test_one_etcd_member_lost_changes_nothing_two_make_it_read_only(stack: Stack, database: Database) -> None:
    primary = database.primary()
    lost = ["mon1", other(primary)]
    with Load(database) as load:
        stack.run("mon1", "systemctl", "stop", "etcd")
        time.sleep(20)
    print(f"one etcd member stopped for 20 s: longest gap {load.gap():.1f} s")
    assert load.lost() == set()
    assert load.gap() < 2, load.messages
    assert load.primaries() == [primary]
    try:
        with Load(database) as load:
            moment = time.time()
            stack.run(lost[1], "systemctl", "stop", "etcd")
            seconds = eventually(
                "no node takes writes",
                lambda: all(read_only(database, node) for node in NODES),
                60,
            )
            assert database.query(primary, "SELECT count(*) >= 0 FROM golive_writer") == "t"
            starters = [threading.Thread(target=stack.run, args=(host, "systemctl", "start", "etcd")) for host in lost]
            for starter in starters:
                starter.start()
            for starter in starters:
                starter.join()
            back = eventually("writes again", lambda: load.resumed_after(moment), 60)
            database.wait_until_whole()
        print(f"two etcd members stopped: read-only after {seconds:.1f} s, writes {back:.1f} s after their return")
        assert load.lost() == set()
        assert len(load.primaries()) <= 2
    finally:
        for host in lost:
            stack.run(host, "systemctl", "start", "etcd")
