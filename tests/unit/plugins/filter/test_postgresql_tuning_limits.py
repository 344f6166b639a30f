# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the filter postgresql_tuning on every host: PostgreSQL's limits, the memory, monotony."""

from __future__ import annotations

import itertools
import re

import pytest
from ansible_collections.golive.delivery.plugins.filter.postgresql_tuning import STORAGES, WORKLOADS, postgresql_tuning

GIB = 1024
# 1 GiB to 256 GiB, with the odd amounts that a host really reports, and the least that is taken.
MEMORIES = sorted({GIB << n for n in range(9)} | {512, 990, 1987, 3921, 7947, 24105, 64000, 128_777})
CORES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
CONNECTIONS = (10, 40, 100, 300)
SITUATIONS = list(itertools.product(MEMORIES, CORES, STORAGES, WORKLOADS, CONNECTIONS))

# Units of PostgreSQL, in KiB and in seconds.
KIB = {"kB": 1, "MB": 1024, "GB": 1024 * 1024}
SECONDS = {"s": 1, "min": 60}

# Unit in KiB or seconds (or None), min_val and max_val of pg_settings; where 15, 16 and 17 differ, what all take.
# (The minimum of maintenance_work_mem is 64 kB from 17 on.)
PG_SETTINGS = {
    "max_connections": (None, 1, 262143),
    "shared_buffers": (8, 16, 1073741823),
    "effective_cache_size": (8, 1, 2147483647),
    "work_mem": (1, 64, 2147483647),
    "maintenance_work_mem": (1, 1024, 2147483647),
    "autovacuum_work_mem": (1, 1024, 2147483647),
    "wal_buffers": (8, 4, 262143),
    "min_wal_size": (1024, 32, 2147483647),
    "max_wal_size": (1024, 32, 2147483647),
    "checkpoint_timeout": (1, 30, 86400),
    "checkpoint_completion_target": (None, 0, 1),
    "default_statistics_target": (None, 1, 10000),
    "random_page_cost": (None, 0, 1.79769e308),
    "effective_io_concurrency": (None, 0, 1000),
    "max_worker_processes": (None, 0, 262143),
    "max_parallel_workers": (None, 0, 1024),
    "max_parallel_workers_per_gather": (None, 0, 1024),
    "max_parallel_maintenance_workers": (None, 0, 1024),
    "autovacuum_max_workers": (None, 1, 262143),
    "autovacuum_vacuum_cost_limit": (None, 1, 10000),
    "autovacuum_vacuum_scale_factor": (None, 0, 100),
    "autovacuum_vacuum_insert_scale_factor": (None, 0, 100),
    "autovacuum_analyze_scale_factor": (None, 0, 100),
    "autovacuum_naptime": (1, 1, 2147483),
}
BOOLEANS = {"jit"}


def amount(value: object) -> float:
    """Return a parameter as a number: memory in KiB, times in seconds."""
    if not isinstance(value, str):
        assert isinstance(value, (int, float))
        return value
    found = re.fullmatch(r"([1-9][0-9]*)(kB|MB|GB|s|min)", value)
    assert found, value
    return int(found.group(1)) * {**KIB, **SECONDS}[found.group(2)]


def busy(tuned: dict, operations: int) -> float:
    """Return the KiB that are in use when everything works at once."""
    processes = tuned["max_connections"] + tuned["max_worker_processes"]
    return (
        amount(tuned["shared_buffers"])
        + amount(tuned["wal_buffers"])
        + amount(tuned["maintenance_work_mem"])
        + tuned["autovacuum_max_workers"] * amount(tuned["autovacuum_work_mem"])
        + processes * operations * amount(tuned["work_mem"])
    )


def test_postgresql_takes_every_value() -> None:
    for memory, cores, storage, workload, connections in SITUATIONS:
        tuned = postgresql_tuning(memory, cores, storage, workload, connections)
        assert tuned.keys() == PG_SETTINGS.keys() | BOOLEANS
        assert all(isinstance(tuned[name], bool) for name in BOOLEANS)
        for name, (unit, least, most) in PG_SETTINGS.items():
            assert isinstance(tuned[name], str) == (unit is not None), name
            assert least <= amount(tuned[name]) / (unit or 1) <= most, (name, tuned[name], memory, cores, workload)
        # MaxBackends, with the default of max_wal_senders.
        assert connections + tuned["autovacuum_max_workers"] + 1 + tuned["max_worker_processes"] + 10 <= 262143


def test_values_fit_each_other() -> None:
    for memory, cores, storage, workload, connections in SITUATIONS:
        tuned = postgresql_tuning(memory, cores, storage, workload, connections)
        assert amount(tuned["shared_buffers"]) < amount(tuned["effective_cache_size"]) <= memory * 1024
        assert amount(tuned["autovacuum_work_mem"]) <= amount(tuned["maintenance_work_mem"])
        assert amount(tuned["wal_buffers"]) <= 16 * 1024
        assert 4 * amount(tuned["min_wal_size"]) <= amount(tuned["max_wal_size"]) <= 32 * GIB * 1024
        assert tuned["max_parallel_workers_per_gather"] <= tuned["max_parallel_workers"] <= cores
        assert tuned["max_parallel_workers"] <= tuned["max_worker_processes"]
        assert tuned["max_parallel_maintenance_workers"] <= cores


def test_the_memory_is_never_overcommitted() -> None:
    for memory, cores, storage, workload, connections in SITUATIONS:
        tuned = postgresql_tuning(memory, cores, storage, workload, connections)
        # 16 MB of WAL buffers come on top of the division.
        limit = memory * 1024 * 7 / 8 + amount(tuned["wal_buffers"])
        assert busy(tuned, 1) <= limit, (memory, cores, workload, connections)
        if amount(tuned["work_mem"]) > 4096:
            assert busy(tuned, 3) <= limit, (memory, cores, workload, connections)


def test_more_memory_never_gives_less() -> None:
    for cores, storage, workload, connections in itertools.product(CORES, STORAGES, WORKLOADS, CONNECTIONS):
        tuned = [postgresql_tuning(memory, cores, storage, workload, connections) for memory in MEMORIES]
        for less, more in zip(tuned, tuned[1:]):
            assert less.keys() == more.keys()
            for name in less:
                assert amount(less[name]) <= amount(more[name]), name


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_gibibyte_counts(workload: str) -> None:
    tuned = [postgresql_tuning(memory, 8, workload=workload) for memory in range(512, 256 * GIB + 1, 512)]
    for less, more in zip(tuned, tuned[1:]):
        assert all(amount(less[name]) <= amount(more[name]) for name in less)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_more_cores_never_give_less_but_memory_to_each(workload: str) -> None:
    tuned = [postgresql_tuning(32 * GIB, cores, workload=workload) for cores in range(1, 65)]
    for less, more in zip(tuned, tuned[1:]):
        for name in less:
            if name == "work_mem":
                assert amount(less[name]) >= amount(more[name])
            else:
                assert amount(less[name]) <= amount(more[name]), name
