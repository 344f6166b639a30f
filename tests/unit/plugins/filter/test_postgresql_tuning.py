# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the filter postgresql_tuning."""

from __future__ import annotations

import itertools
import re

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.filter.postgresql_tuning import (
    STORAGES,
    WORKLOADS,
    FilterModule,
    postgresql_tuning,
)

GIB = 1024
# 1 GiB to 256 GiB, with the odd amounts that a host really reports.
MEMORIES = sorted({GIB << n for n in range(9)} | {990, 1987, 3921, 7947, 24105, 64000, 128_777})
CORES = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128)
KIB = {"kB": 1, "MB": 1024, "GB": 1024 * 1024}


def kib(value: str) -> int:
    """Return an amount of memory of PostgreSQL in KiB."""
    found = re.fullmatch(r"([0-9]+)(kB|MB|GB)", value)
    assert found, value
    return int(found.group(1)) * KIB[found.group(2)]


def comparable(value: object) -> float:
    """Return a parameter as a number."""
    return kib(value) if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def test_an_ordinary_host() -> None:
    assert postgresql_tuning(16 * GIB, 4) == {
        "max_connections": 100,
        "shared_buffers": "4096MB",
        "effective_cache_size": "12288MB",
        "maintenance_work_mem": "1024MB",
        "work_mem": "19418kB",
        "min_wal_size": "1024MB",
        "max_wal_size": "4096MB",
        "checkpoint_completion_target": 0.9,
        "default_statistics_target": 100,
        "random_page_cost": 1.1,
        "effective_io_concurrency": 200,
        "max_worker_processes": 8,
        "max_parallel_workers": 4,
        "max_parallel_workers_per_gather": 2,
        "max_parallel_maintenance_workers": 2,
    }


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("cores", CORES)
def test_more_memory_never_gives_less(cores: int, workload: str) -> None:
    tuned = [postgresql_tuning(memory, cores, workload=workload) for memory in MEMORIES]
    for less, more in zip(tuned, tuned[1:]):
        assert less.keys() == more.keys()
        for name in less:
            assert comparable(less[name]) <= comparable(more[name]), name


@pytest.mark.parametrize("workload", WORKLOADS)
def test_more_cores_never_give_less_parallelism(workload: str) -> None:
    tuned = [postgresql_tuning(32 * GIB, cores, workload=workload) for cores in CORES]
    for less, more in zip(tuned, tuned[1:]):
        for name in (name for name in less if "worker" in name):
            assert less[name] <= more[name], name


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("memory", MEMORIES)
def test_values_stay_within_their_limits(memory: int, workload: str) -> None:
    for cores, connections in itertools.product(CORES, (10, 100, 500)):
        tuned = postgresql_tuning(memory, cores, workload=workload, connections=connections)
        assert 128 * 1024 <= kib(tuned["shared_buffers"]) <= memory * 1024 * 0.25
        assert kib(tuned["shared_buffers"]) < kib(tuned["effective_cache_size"]) <= memory * 1024 * 0.75
        assert 32 * 1024 <= kib(tuned["maintenance_work_mem"]) <= 2 * 1024 * 1024
        assert 1024 <= kib(tuned["work_mem"]) <= memory * 1024 * 0.25
        assert kib(tuned["min_wal_size"]) < kib(tuned["max_wal_size"])
        assert 1 <= tuned["max_parallel_workers_per_gather"] <= tuned["max_parallel_workers"] <= cores
        assert tuned["max_parallel_workers"] <= tuned["max_worker_processes"]


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("memory", MEMORIES)
def test_all_connections_at_once_do_not_overcommit(memory: int, workload: str) -> None:
    tuned = postgresql_tuning(memory, 16, workload=workload)
    autovacuum = 3 * kib(tuned["maintenance_work_mem"])
    busy = kib(tuned["shared_buffers"]) + autovacuum + tuned["max_connections"] * kib(tuned["work_mem"])
    # Reports get more for maintenance: an eighth each.
    assert busy <= memory * 1024 * (0.875 if workload == "dw" else 0.75)


def test_the_storage_decides_what_reads_cost() -> None:
    costs = {storage: postgresql_tuning(8 * GIB, 4, storage=storage) for storage in STORAGES}
    assert costs["hdd"]["random_page_cost"] == 4.0
    assert costs["hdd"]["effective_io_concurrency"] < costs["ssd"]["effective_io_concurrency"]
    assert costs["ssd"]["effective_io_concurrency"] < costs["san"]["effective_io_concurrency"]


def test_more_connections_get_less_each() -> None:
    few = postgresql_tuning(8 * GIB, 4, connections=50)
    many = postgresql_tuning(8 * GIB, 4, connections=500)
    assert kib(few["work_mem"]) > kib(many["work_mem"])
    assert many["max_connections"] == 500


def test_reports_get_more_for_one_query() -> None:
    assert postgresql_tuning(64 * GIB, 32, workload="dw")["max_parallel_workers_per_gather"] == 16
    assert postgresql_tuning(64 * GIB, 32, workload="oltp")["max_parallel_workers_per_gather"] == 4


def test_texts_are_numbers_too() -> None:
    assert postgresql_tuning("4096", "2", connections="50") == postgresql_tuning(4096, 2, connections=50)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("much", 2), "memory: expected a number of at least 512, got 'much'"),
        ((100, 2), "memory: expected a number of at least 512, got 100"),
        ((4096, 0), "cores: expected a number of at least 1, got 0"),
        ((4096, True), "cores: expected"),
        ((4096, None), "cores: expected"),
        ((4096, 2, "tape"), "storage: expected one of hdd, ssd, san, got 'tape'"),
        ((4096, 2, "ssd", "desktop"), "workload: expected one of web, oltp, dw, mixed, got 'desktop'"),
        ((4096, 2, "ssd", "mixed", 1), "connections: expected a number of at least 10, got 1"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=re.escape(message)):
        postgresql_tuning(*arguments)


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"postgresql_tuning": postgresql_tuning}
