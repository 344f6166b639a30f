# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of PostgreSQL that follow from a host's memory and cores."""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: postgresql_tuning
short_description: Compute PostgreSQL parameters from memory and cores
version_added: "0.1.0"
author: The golive.delivery authors (@golive-delivery)
description:
  - Turns the memory and the cores that a host has for PostgreSQL into the parameters that depend on them.
  - Every value is one that PostgreSQL 15, 16 and 17 take, and none gets less when there is more memory.
  - >-
    The memory is never overcommitted. A quarter goes to the buffers, at most three eighths to the sorts and hashes of
    all connections and worker processes together, a sixteenth (an eighth with V(reporting)) to a maintenance operation,
    an eighth to all autovacuum workers together. An eighth at least is left to the kernel.
  - >-
    The formulas and where they come from follow, with M for the memory and C for the cores. Chapters in quotation marks
    are those of PostgreSQL's documentation, PGTune is U(https://pgtune.leopard.in.ua), EDB is the company's
    documentation and its article Autovacuum Tuning Basics. What is said to be ours has no source.
  - C(shared_buffers) is M/4 ("Resource Consumption", 25% of the memory; PGTune).
  - >-
    C(effective_cache_size) is 3M/4, an estimate for which nothing is allocated (PGTune; PostgreSQL's wiki, Tuning Your
    PostgreSQL Server).
  - >-
    C(work_mem) is half of what the buffers leave, over three operations in each of C(max_connections) and
    C(max_worker_processes) (PGTune for mixed; its oltp takes the whole, which would overcommit). Three are a sort and a
    hash table, which may take twice as much ("Resource Consumption", C(hash_mem_multiplier)). Where that is below
    PostgreSQL's default of 4 MB, it is 4 MB or what one operation in each process may take, whichever is less (ours).
  - C(maintenance_work_mem) is M/16, with V(reporting) M/8, at most 2 GB (PGTune).
  - >-
    C(autovacuum_work_mem) is M/40, an eighth of the memory over the five workers that there are at most (ours), up to 1
    GB, as VACUUM before version 17 uses no more ("Resource Consumption").
  - >-
    C(wal_buffers) is 1/32 of the buffers, at most a WAL segment of 16 MB ("Write Ahead Log", the rule behind -1;
    PGTune).
  - >-
    C(max_wal_size) is 4 GB, with V(oltp) 8 GB, with V(reporting) 16 GB (PGTune); at most 2M, as a small host has a
    small disk (ours); at least half of the buffers up to 32 GB, as more buffers want more WAL between checkpoints
    ("Resource Consumption"; the amount is ours). C(min_wal_size) is a quarter of it (PGTune).
  - >-
    C(checkpoint_timeout) is 15 minutes, with V(reporting) 30, so that fewer full pages are written ("WAL
    Configuration"; EDB names 15). C(checkpoint_completion_target) is 0.9 ("Write Ahead Log"; PGTune).
  - C(default_statistics_target) is 100, with V(reporting) 500 (PGTune).
  - C(jit) is on with V(reporting) only ("Just-in-Time Compilation", for long queries; PGTune).
  - C(random_page_cost) is 1.1, with V(hdd) 4.0 ("Query Planning"; PGTune).
  - >-
    C(effective_io_concurrency) is 2, 200 or 300 with V(hdd), V(ssd) or V(san) (PGTune; "Resource Consumption", hundreds
    for SSDs).
  - C(max_worker_processes) is C, at least PostgreSQL's default of 8, and C(max_parallel_workers) is C (PGTune).
  - >-
    C(max_parallel_workers_per_gather) and C(max_parallel_maintenance_workers) are C/2 rounded up, at most 4; one query
    with V(reporting) has no such limit (PGTune). A single core has none to share (ours).
  - C(autovacuum_max_workers) is 3, from 16 cores on 4, from 32 on 5 (PGTune).
  - >-
    C(autovacuum_vacuum_cost_limit) is 200 with V(hdd), PostgreSQL's default, otherwise 1000 (EDB), for each three
    workers, as they share it ("Automatic Vacuuming").
  - >-
    C(autovacuum_vacuum_scale_factor) and C(autovacuum_vacuum_insert_scale_factor) are 0.05, 0.1 or 0.2 with V(oltp),
    V(mixed) or V(reporting), C(autovacuum_analyze_scale_factor) is half of that. Reporting has PostgreSQL's defaults;
    the more is written, the smaller the steps ("Routine Vacuuming", EDB; the amounts are ours).
  - C(autovacuum_naptime) is 15, 30 or 60 seconds likewise, to see in time what is due sooner (ours).
positional: cores
options:
  _input:
    description: Memory in MiB that PostgreSQL may count on, at least 512.
    type: int
    required: true
  cores:
    description: Processor cores that PostgreSQL may count on.
    type: int
    required: true
  storage:
    description: What the data directory lies on.
    type: str
    choices: [hdd, ssd, san]
    default: ssd
  workload:
    description:
      - V(oltp) is many short queries and writes, V(reporting) few large queries.
      - V(mixed) is an application with both, as an ERP system is.
    type: str
    choices: [oltp, mixed, reporting]
    default: mixed
  connections:
    description: Value of C(max_connections). More than the memory can serve are refused.
    type: int
    default: 100
"""

EXAMPLES = r"""
- name: Show what a database host with 64 GiB and 16 cores gets
  ansible.builtin.debug:
    msg: "{{ 65536 | golive.delivery.postgresql_tuning(16, workload='oltp', connections=300) }}"
"""

RETURN = r"""
_value:
  description: Parameters of PostgreSQL. Amounts of memory and times are texts with a unit, C(jit) is a boolean,
    everything else is a number.
  type: dict
  sample:
    max_connections: 100
    shared_buffers: 4096MB
    effective_cache_size: 12288MB
    work_mem: 19418kB
    maintenance_work_mem: 1024MB
    autovacuum_work_mem: 409MB
    checkpoint_timeout: 15min
"""

STORAGES = ("hdd", "ssd", "san")
WORKLOADS = ("oltp", "mixed", "reporting")
MINIMUM_MEMORY_MIB = 512

# The limits of PostgreSQL that a formula could leave: processes for one query, and work_mem's minimum in kB.
_MAXIMUM_PARALLEL = 1024
_MINIMUM_WORK_MEM = 64
# PostgreSQL's defaults, below which nothing is gained: worker processes are for replication and extensions too, and
# with less work_mem (kB) even short lists spill to disk.
_DEFAULT_WORKERS = 8
_DEFAULT_WORK_MEM = 4096
_MAXIMUM_AUTOVACUUM_WORKERS = 5

# Sources and reasons of each number stand in DOCUMENTATION; here only who gave it.
# PostgreSQL, "Query Planning"; PGTune.
_RANDOM_PAGE_COST = {"hdd": 4.0, "ssd": 1.1, "san": 1.1}
# PGTune.
_IO_CONCURRENCY = {"hdd": 2, "ssd": 200, "san": 300}
# PostgreSQL's default; EDB, Autovacuum Tuning Basics.
_VACUUM_COST_LIMIT = {"hdd": 200, "ssd": 1000, "san": 1000}
# PGTune.
_MAX_WAL_MIB = {"oltp": 8192, "mixed": 4096, "reporting": 16384}
# PostgreSQL, "WAL Configuration"; EDB.
_CHECKPOINT_TIMEOUT = {"oltp": "15min", "mixed": "15min", "reporting": "30min"}
# PostgreSQL, "Routine Vacuuming", and its defaults; the other amounts are ours.
_VACUUM_SCALE_FACTOR = {"oltp": 0.05, "mixed": 0.1, "reporting": 0.2}
_ANALYZE_SCALE_FACTOR = {"oltp": 0.025, "mixed": 0.05, "reporting": 0.1}
_NAPTIME = {"oltp": "15s", "mixed": "30s", "reporting": "60s"}


def _number(name: str, value: Any, minimum: int) -> int:
    """Return the value as an int of at least `minimum`; raise AnsibleFilterError otherwise."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = None
    if number is None or isinstance(value, bool) or number < minimum:
        raise AnsibleFilterError(f"postgresql_tuning: {name}: expected a number of at least {minimum}, got {value!r}")
    return number


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise AnsibleFilterError(f"postgresql_tuning: {name}: expected one of {', '.join(choices)}, got {value!r}")
    return str(value)


def _memory(memory: int, workload: str, processes: int) -> dict[str, str]:
    """Divide the memory (MiB) among buffers and processes; raise AnsibleFilterError if it is too little for them."""
    # PostgreSQL, "Resource Consumption"; PGTune.
    buffers = memory // 4
    # PGTune: half of the rest for sorts and hashes. One operation in each process, and three in each.
    one = (memory - buffers) * 1024 // 2 // processes
    three = one // 3
    if one < _MINIMUM_WORK_MEM:
        raise AnsibleFilterError(
            f"postgresql_tuning: connections: {memory} MiB are too little for so many connections and worker processes "
            f"({processes}): each would have {one} kB to sort, PostgreSQL wants {_MINIMUM_WORK_MEM}"
        )
    return {
        "shared_buffers": f"{buffers}MB",
        # PGTune; PostgreSQL's wiki.
        "effective_cache_size": f"{memory * 3 // 4}MB",
        "work_mem": f"{max(three, min(one, _DEFAULT_WORK_MEM))}kB",
        # PGTune.
        "maintenance_work_mem": f"{min(memory // (8 if workload == 'reporting' else 16), 2048)}MB",
        # PostgreSQL, "Resource Consumption": VACUUM used 1 GB at most. The share is ours.
        "autovacuum_work_mem": f"{min(memory // 8 // _MAXIMUM_AUTOVACUUM_WORKERS, 1024)}MB",
        # PostgreSQL, "Write Ahead Log".
        "wal_buffers": f"{min(buffers // 32, 16)}MB",
    }


def _write_ahead_log(memory: int, workload: str) -> dict[str, float | str]:
    buffers = memory // 4
    # PGTune, within what the disk of such a host holds; PostgreSQL, "Resource Consumption": more for more buffers.
    size = max(min(_MAX_WAL_MIB[workload], memory * 2), min(buffers // 2, 32768))
    return {
        "min_wal_size": f"{size // 4}MB",
        "max_wal_size": f"{size}MB",
        "checkpoint_timeout": _CHECKPOINT_TIMEOUT[workload],
        "checkpoint_completion_target": 0.9,
    }


def _autovacuum(cores: int, storage: str, workload: str) -> dict[str, int | float | str]:
    # PGTune.
    workers = 5 if cores >= 32 else 4 if cores >= 16 else 3
    return {
        "autovacuum_max_workers": workers,
        # PostgreSQL, "Automatic Vacuuming": the workers share the limit.
        "autovacuum_vacuum_cost_limit": _VACUUM_COST_LIMIT[storage] * workers // 3,
        "autovacuum_vacuum_scale_factor": _VACUUM_SCALE_FACTOR[workload],
        "autovacuum_vacuum_insert_scale_factor": _VACUUM_SCALE_FACTOR[workload],
        "autovacuum_analyze_scale_factor": _ANALYZE_SCALE_FACTOR[workload],
        "autovacuum_naptime": _NAPTIME[workload],
    }


def postgresql_tuning(
    memory_mib: int,
    cores: int,
    storage: str = "ssd",
    workload: str = "mixed",
    connections: int = 100,
) -> dict[str, bool | int | float | str]:
    """Return the parameters for this much memory (MiB) and this many cores.

    Raises AnsibleFilterError when an argument is no number, too small or not among the choices, and when the memory
    cannot serve so many connections.
    """
    memory = _number("memory", memory_mib, MINIMUM_MEMORY_MIB)
    cores = min(_number("cores", cores, 1), _MAXIMUM_PARALLEL)
    connections = _number("connections", connections, 10)
    storage = _choice("storage", storage, STORAGES)
    workload = _choice("workload", workload, WORKLOADS)

    # PGTune, as the four parameters of parallelism below and the target of statistics.
    workers = max(_DEFAULT_WORKERS, cores)
    half = (cores + 1) // 2 if cores > 1 else 0
    return {
        "max_connections": connections,
        **_memory(memory, workload, connections + workers),
        **_write_ahead_log(memory, workload),
        "default_statistics_target": 500 if workload == "reporting" else 100,
        "jit": workload == "reporting",
        "random_page_cost": _RANDOM_PAGE_COST[storage],
        "effective_io_concurrency": _IO_CONCURRENCY[storage],
        "max_worker_processes": workers,
        "max_parallel_workers": cores,
        "max_parallel_workers_per_gather": half if workload == "reporting" else min(half, 4),
        "max_parallel_maintenance_workers": min(half, 4),
        **_autovacuum(cores, storage, workload),
    }


class FilterModule:
    """The filter by its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"postgresql_tuning": postgresql_tuning}
