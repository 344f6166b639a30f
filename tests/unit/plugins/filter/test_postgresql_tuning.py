# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the filter postgresql_tuning."""

from __future__ import annotations

import re

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.filter.postgresql_tuning import (
    STORAGES,
    FilterModule,
    postgresql_tuning,
)

GIB = 1024


def test_an_ordinary_host() -> None:
    assert postgresql_tuning(16 * GIB, 4) == {
        "max_connections": 100,
        "shared_buffers": "4096MB",
        "effective_cache_size": "12288MB",
        "work_mem": "19418kB",
        "maintenance_work_mem": "1024MB",
        "autovacuum_work_mem": "409MB",
        "wal_buffers": "16MB",
        "min_wal_size": "1024MB",
        "max_wal_size": "4096MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": 0.9,
        "default_statistics_target": 100,
        "jit": False,
        "random_page_cost": 1.1,
        "effective_io_concurrency": 200,
        "max_worker_processes": 8,
        "max_parallel_workers": 4,
        "max_parallel_workers_per_gather": 2,
        "max_parallel_maintenance_workers": 2,
        "autovacuum_max_workers": 3,
        "autovacuum_vacuum_cost_limit": 1000,
        "autovacuum_vacuum_scale_factor": 0.1,
        "autovacuum_vacuum_insert_scale_factor": 0.1,
        "autovacuum_analyze_scale_factor": 0.05,
        "autovacuum_naptime": "30s",
    }


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        # The least: one operation in each process decides work_mem, twice the memory the WAL.
        (
            (512, 1, "hdd", "mixed", 100),
            {
                "shared_buffers": "128MB",
                "work_mem": "1820kB",
                "maintenance_work_mem": "32MB",
                "autovacuum_work_mem": "12MB",
                "wal_buffers": "4MB",
                "min_wal_size": "256MB",
                "max_wal_size": "1024MB",
                "random_page_cost": 4.0,
                "effective_io_concurrency": 2,
                "max_worker_processes": 8,
                "max_parallel_workers": 1,
                "max_parallel_workers_per_gather": 0,
                "max_parallel_maintenance_workers": 0,
                "autovacuum_vacuum_cost_limit": 200,
            },
        ),
        (
            (1 * GIB, 1),
            {"shared_buffers": "256MB", "work_mem": "3640kB", "max_wal_size": "2048MB", "wal_buffers": "8MB"},
        ),
        ((2 * GIB, 2), {"shared_buffers": "512MB", "work_mem": "4096kB", "max_wal_size": "4096MB"}),
        (
            (64 * GIB, 16, "ssd", "oltp", 300),
            {
                "shared_buffers": "16384MB",
                "effective_cache_size": "49152MB",
                "work_mem": "26546kB",
                "maintenance_work_mem": "2048MB",
                "autovacuum_work_mem": "1024MB",
                "min_wal_size": "2048MB",
                "max_wal_size": "8192MB",
                "max_worker_processes": 16,
                "max_parallel_workers_per_gather": 4,
                "autovacuum_max_workers": 4,
                "autovacuum_vacuum_cost_limit": 1333,
                "autovacuum_vacuum_scale_factor": 0.05,
                "autovacuum_analyze_scale_factor": 0.025,
                "autovacuum_naptime": "15s",
            },
        ),
        (
            (256 * GIB, 64, "san", "reporting", 40),
            {
                "shared_buffers": "65536MB",
                "effective_cache_size": "196608MB",
                "work_mem": "322638kB",
                "maintenance_work_mem": "2048MB",
                "min_wal_size": "8192MB",
                "max_wal_size": "32768MB",
                "checkpoint_timeout": "30min",
                "default_statistics_target": 500,
                "jit": True,
                "effective_io_concurrency": 300,
                "max_worker_processes": 64,
                "max_parallel_workers": 64,
                "max_parallel_workers_per_gather": 32,
                "max_parallel_maintenance_workers": 4,
                "autovacuum_max_workers": 5,
                "autovacuum_vacuum_cost_limit": 1666,
                "autovacuum_vacuum_scale_factor": 0.2,
            },
        ),
        ((8 * GIB, 4, "ssd", "reporting"), {"maintenance_work_mem": "1024MB", "max_wal_size": "16384MB"}),
    ],
)
def test_known_values(arguments: tuple, values: dict) -> None:
    tuned = postgresql_tuning(*arguments)
    assert {name: tuned[name] for name in values} == values


def test_the_storage_decides_what_reads_and_vacuuming_cost() -> None:
    tuned = {storage: postgresql_tuning(8 * GIB, 4, storage=storage) for storage in STORAGES}
    concurrency = [tuned[storage]["effective_io_concurrency"] for storage in STORAGES]
    assert concurrency == sorted(set(concurrency))
    assert [tuned[storage]["random_page_cost"] for storage in STORAGES] == [4.0, 1.1, 1.1]
    assert [tuned[storage]["autovacuum_vacuum_cost_limit"] for storage in STORAGES] == [200, 1000, 1000]


def test_more_connections_get_less_each() -> None:
    few = postgresql_tuning(8 * GIB, 4, connections=50)
    many = postgresql_tuning(8 * GIB, 4, connections=500)
    assert (few["work_mem"], many["work_mem"]) == ("18078kB", "4096kB")
    assert many["max_connections"] == 500


def test_writes_are_vacuumed_sooner_than_reports() -> None:
    tuned = [postgresql_tuning(8 * GIB, 4, workload=workload) for workload in ("oltp", "mixed", "reporting")]
    for name in ("autovacuum_vacuum_scale_factor", "autovacuum_analyze_scale_factor"):
        values = [parameters[name] for parameters in tuned]
        assert values == sorted(set(values)), name
    assert [parameters["autovacuum_naptime"] for parameters in tuned] == ["15s", "30s", "60s"]


def test_more_cores_than_one_query_can_use() -> None:
    tuned = postgresql_tuning(1024 * GIB, 2000, workload="reporting")
    assert tuned["max_parallel_workers"] == 1024
    assert tuned["max_parallel_workers_per_gather"] == 512


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
        ((4096, 2, "ssd", "dw"), "workload: expected one of oltp, mixed, reporting, got 'dw'"),
        ((4096, 2, "ssd", "mixed", 1), "connections: expected a number of at least 10, got 1"),
        ((512, 2, "ssd", "mixed", 5000), "connections: 512 MiB are too little for so many connections"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=re.escape(message)):
        postgresql_tuning(*arguments)


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"postgresql_tuning": postgresql_tuning}
