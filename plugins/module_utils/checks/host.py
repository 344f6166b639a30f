# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the host itself: time_sync, timezone, sysctl, memory, limit, firewall_table."""

from __future__ import annotations

import filecmp
import os
import re
from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.checks import systemd
from ansible_collections.golive.delivery.plugins.module_utils.checks.compare import OPERATORS, compare, describe
from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import (
    SKIPPED,
    CheckError,
    Outcome,
    Verdict,
    judge,
)
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type

_TRACKING_FIELDS = 14  # what `chronyc -c tracking` prints, in a line
_CAP_SYS_TIME = 25  # the number of the capability in linux/capability.h
_SYSCTL = "/proc/sys"
_ZONES = "/usr/share/zoneinfo"


@check_type("time_sync", Parameter("max_offset_seconds", "number", default=0.5))
def time_sync(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the offset that chrony measures; where the clock belongs to the container's host, that chrony runs."""
    wanted = parameters.max_offset_seconds
    done = context.run(["chronyc", "-c", "tracking"])
    fields = done.stdout.strip().split(",")
    if done.rc != 0 or len(fields) < _TRACKING_FIELDS:
        return judge(False, "chronyd answers", f"chronyd does not answer: {done.output[:200]}")
    if not _may_set_clock():
        return judge(True, "chronyd answers", "chronyd answers", "the clock of this container is that of its host")
    verdict = Verdict()
    offset, source = abs(float(fields[4])), fields[1] or fields[0]
    verdict.demand(fields[13] != "Not synchronised", "synchronised", f"leap status {fields[13]}")
    verdict.demand(offset <= wanted, f"offset of at most {wanted:g} s", f"offset {offset:.6f} s")
    return verdict.outcome(f"source {source}, stratum {fields[2]}, root delay {fields[10]} s")


def _may_set_clock() -> bool:
    """Return whether this host's processes can have the capability to set the clock."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        found = re.search("^CapBnd:\\s*([0-9a-f]+)$", file.read(), re.MULTILINE)
    return found is None or bool(int(found.group(1), 16) >> _CAP_SYS_TIME & 1)


@check_type("timezone", Parameter("name", "text", required=True))
def timezone(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the time zone; another name of the same zone is as good."""
    target = os.path.realpath("/etc/localtime")
    name = target.split("/zoneinfo/", 1)[1] if "/zoneinfo/" in target else ""
    if not name and os.path.exists("/etc/timezone"):  # /etc/localtime is a copy
        with open("/etc/timezone", encoding="utf-8", errors="replace") as file:
            name = file.read().strip()
    wanted = os.path.join(_ZONES, parameters.name)
    same = name == parameters.name
    if not same and os.path.isfile(wanted) and os.path.isfile(target):
        same = filecmp.cmp(wanted, target, shallow=False)
    return judge(same, f"time zone {parameters.name}", f"time zone {name or 'unknown'}", f"/etc/localtime is {target}")


@check_type(
    "sysctl",
    Parameter("name", "text", required=True),
    Parameter("value", "scalar", required=True),
    Parameter("operator", "text", default="==", choices=OPERATORS),
)
def sysctl(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare a kernel parameter; skipped where it differs and nobody on this host could set it."""
    # As sysctl(8) does: the separator that comes first is the one, so net.ipv4.conf.eth0/1.forwarding works.
    swap = str.maketrans("./", "/.") if re.search("[./]", parameters.name + ".")[0] == "." else {}
    path = os.path.normpath(os.path.join(_SYSCTL, parameters.name.translate(swap)))
    if not path.startswith(f"{_SYSCTL}/"):
        raise CheckError(f"{parameters.name} is no kernel parameter")
    expected = f"{parameters.name} {describe(parameters.operator, parameters.value)}"
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            observed = " ".join(file.read().split())
    except FileNotFoundError:
        observed = None
    wanted = parameters.value
    if isinstance(wanted, bool):
        wanted = int(wanted)  # an unquoted "yes" for a switch of the kernel
    elif isinstance(wanted, str):
        wanted = " ".join(wanted.split())
    if observed is not None and compare(observed, parameters.operator, wanted):
        return judge(True, expected, f"{parameters.name} {observed}")
    text = f"{parameters.name} {observed if observed is not None else 'does not exist'}"
    if os.statvfs(_SYSCTL).f_flag & os.ST_RDONLY:
        return Outcome(SKIPPED, expected, text, f"{_SYSCTL} is read-only here: it belongs to the container's host")
    return judge(False, expected, text)


@check_type("memory", Parameter("min_mib", "number", required=True))
def memory(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the memory that this host may use: what the kernel has, or the limit of the container."""
    with open("/proc/meminfo", encoding="ascii") as file:
        found = re.search(r"^MemTotal:\s+(\d+) kB", file.read(), re.MULTILINE)
    if not found:
        raise CheckError("/proc/meminfo tells no MemTotal")
    sizes = {"MemTotal": int(found.group(1)) / 1024}
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path, encoding="ascii") as file:
                text = file.read().strip()
        except OSError:
            continue
        if text.isdigit():  # "max" is no limit
            sizes[path] = int(text) / 1024**2
    source = min(sizes, key=lambda name: sizes[name])
    size = sizes[source]
    return judge(
        size >= parameters.min_mib, f"at least {parameters.min_mib:g} MiB", f"{size:.0f} MiB", f"from {source}"
    )


_LIMITS = {
    "AS": "Max address space",
    "CORE": "Max core file size",
    "CPU": "Max cpu time",
    "DATA": "Max data size",
    "FSIZE": "Max file size",
    "MEMLOCK": "Max locked memory",
    "NOFILE": "Max open files",
    "NPROC": "Max processes",
    "RSS": "Max resident set",
    "STACK": "Max stack size",
}


def _limit_rule(parameters: SimpleNamespace) -> Problem | None:
    if parameters.min == "infinity" or str(parameters.min).isdigit():
        return None
    return Problem("parameters.min", f"expected a whole number or infinity, got {parameters.min!r}")


@check_type(
    "limit",
    Parameter("unit", "text", required=True),
    Parameter("name", "text", required=True, choices=tuple(_LIMITS)),
    Parameter("min", "text", required=True),
    rule=_limit_rule,
)
def limit(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the soft limit that the main process of a unit really has."""
    expected = f"{parameters.name} of {parameters.unit} at least {parameters.min}"
    pid = systemd.show(context, parameters.unit, "MainPID").get("MainPID", "0")
    if pid == "0":
        return judge(False, expected, f"{parameters.unit} has no running main process")
    try:
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            found = re.search(rf"^{_LIMITS[parameters.name]}\s+(\S+)\s+(\S+)", file.read(), re.MULTILINE)
    except FileNotFoundError as exc:
        raise CheckError(f"process {pid} of {parameters.unit} ended meanwhile") from exc
    if not found:
        raise CheckError(f"/proc/{pid}/limits tells no {parameters.name}")
    soft, hard = found.groups()
    enough = soft == "unlimited" or (parameters.min != "infinity" and int(soft) >= int(parameters.min))
    return judge(enough, expected, f"{soft}", f"process {pid}: soft {soft}, hard {hard}")


@check_type(
    "firewall_table",
    Parameter("family", "text", default="inet", choices=("ip", "ip6", "inet", "arp", "bridge", "netdev")),
    Parameter("table", "text", required=True),
    Parameter("contains", "pattern"),
)
def firewall_table(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare whether a table of nftables is loaded, and its rules."""
    name = f"table {parameters.family} {parameters.table}"
    done = context.run(["nft", "--stateless", "list", "table", parameters.family, parameters.table])
    verdict = Verdict()
    if done.rc != 0:
        if "No such file or directory" not in done.stderr:
            raise CheckError(f"nft failed: {done.output[:200]}")
        verdict.demand(False, f"{name} is loaded", "not loaded")
        return verdict.outcome()
    verdict.demand(True, f"{name} is loaded", "loaded")
    if parameters.contains:
        hit = parameters.contains.search(done.stdout) is not None
        pattern = repr(parameters.contains.pattern)
        verdict.demand(hit, f"its rules match {pattern}", f"rules {'match' if hit else 'do not match'} {pattern}")
    return verdict.outcome(f"{len(done.stdout.splitlines())} lines")
