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
  - The formulas are those of PGTune and of the chapter "Server Configuration" of PostgreSQL's documentation; each is
    named beside its line in the source. They never give less for more memory or more cores.
  - If every connection sorts at once, the buffers, the sorts and three autovacuum workers still fit in three quarters
    of the memory (seven eighths for V(dw)), as long as there is 1 MiB for each connection at all.
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
      - V(web) is many short queries, V(oltp) many short writes, V(dw) few large reports.
      - V(mixed) is an application with all of them, as an ERP system is.
    type: str
    choices: [web, oltp, dw, mixed]
    default: mixed
  connections:
    description: Value of C(max_connections).
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
  description: Parameters of PostgreSQL. Amounts of memory are texts with a unit, everything else is a number.
  type: dict
  sample:
    max_connections: 100
    shared_buffers: 4096MB
    effective_cache_size: 12288MB
    maintenance_work_mem: 1024MB
    work_mem: 19418kB
"""

STORAGES = ("hdd", "ssd", "san")
WORKLOADS = ("web", "oltp", "dw", "mixed")
MINIMUM_MEMORY_MIB = 512

# PGTune: a random read costs 4 times a sequential one on turning disks, hardly more on the others; and so many reads
# can be under way at once.
_RANDOM_PAGE_COST = {"hdd": 4.0, "ssd": 1.1, "san": 1.1}
_IO_CONCURRENCY = {"hdd": 2, "ssd": 200, "san": 300}
# PGTune: WAL kept and WAL between checkpoints, in MiB.
_WAL_SIZES = {"web": (1024, 4096), "oltp": (2048, 8192), "dw": (4096, 16384), "mixed": (1024, 4096)}
# PostgreSQL needs worker processes for more than parallel queries (replication, extensions): never below its default.
_MINIMUM_WORKERS = 8


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


def postgresql_tuning(
    memory_mib: int,
    cores: int,
    storage: str = "ssd",
    workload: str = "mixed",
    connections: int = 100,
) -> dict[str, int | float | str]:
    """Return the parameters for this much memory (MiB) and this many cores.

    Raises AnsibleFilterError when an argument is no number, too small or not among the choices.
    """
    memory = _number("memory", memory_mib, MINIMUM_MEMORY_MIB)
    cores = _number("cores", cores, 1)
    connections = _number("connections", connections, 10)
    storage = _choice("storage", storage, STORAGES)
    workload = _choice("workload", workload, WORKLOADS)

    # PostgreSQL, 20.4 Resource Consumption: "a reasonable starting value for shared_buffers is 25% of the memory".
    buffers = memory // 4
    workers = max(_MINIMUM_WORKERS, cores)
    # PGTune: a sixteenth (an eighth for reports), 2 GiB at most: each autovacuum worker may take as much.
    maintenance = min(memory // (8 if workload == "dw" else 16), 2048)
    # PGTune: what the buffers leave, over three sorts in each process; half of it where queries sort and hash a lot.
    # The floor keeps a small host usable: below 1 MiB even short lists spill to disk.
    sorts = (memory - buffers) * 1024 // ((connections + workers) * 3)
    work = max(sorts // 2 if workload in ("dw", "mixed") else sorts, 1024)
    # PGTune: half of the cores for one query, four at most, as more rarely helps; reports may have all of the half.
    per_query = max(1, (cores + 1) // 2) if workload == "dw" else min(4, max(1, (cores + 1) // 2))
    wal_kept, wal_between = _WAL_SIZES[workload]

    return {
        "max_connections": connections,
        "shared_buffers": f"{buffers}MB",
        # PGTune, and PostgreSQL 20.7: the buffers and the kernel's cache together; an estimate, nothing is allocated.
        "effective_cache_size": f"{memory * 3 // 4}MB",
        "maintenance_work_mem": f"{maintenance}MB",
        "work_mem": f"{work}kB",
        "min_wal_size": f"{wal_kept}MB",
        "max_wal_size": f"{wal_between}MB",
        # PGTune, and PostgreSQL's default since 14: spread the writes of a checkpoint.
        "checkpoint_completion_target": 0.9,
        # PGTune: reports gain from better statistics, short queries from quicker plans.
        "default_statistics_target": 500 if workload == "dw" else 100,
        "random_page_cost": _RANDOM_PAGE_COST[storage],
        "effective_io_concurrency": _IO_CONCURRENCY[storage],
        "max_worker_processes": workers,
        "max_parallel_workers": cores,
        "max_parallel_workers_per_gather": per_query,
        "max_parallel_maintenance_workers": min(4, max(1, (cores + 1) // 2)),
    }


class FilterModule:
    """The filter by its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"postgresql_tuning": postgresql_tuning}
