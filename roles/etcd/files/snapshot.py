# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Save a snapshot of etcd, verify it, keep the newest ones, and leave evidence and metrics of how it went.

Space that compaction has freed is given back too when it is most of the database, in a member that is not the leader.
Ends with 1 and the reason when there is no good snapshot. The file `.good` beside the snapshots is there while the last
run was good.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

MEBIBYTE = 1024 * 1024
DEFRAGMENT_FROM = 64 * MEBIBYTE  # bytes of a database; a smaller one is not worth the pause
HASH = 32  # bytes of SHA-256, which etcd adds behind the pages of 512 bytes and more


class SnapshotError(Exception):
    """There is no good snapshot; the text says why."""


def etcdctl(options: argparse.Namespace, *arguments: str) -> str:
    """Return what etcdctl prints; raise SnapshotError with its last words."""
    argv = ["etcdctl", f"--endpoints={options.endpoint}", f"--cert={options.certificate}", f"--key={options.key}"]
    argv += [f"--cacert={options.ca}", "--dial-timeout=5s", "--command-timeout=600s", *arguments]
    environment = {**os.environ, "ETCDCTL_API": "3"}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = [line for line in done.stderr.splitlines() if line.strip()]
        raise SnapshotError(f"etcdctl {' '.join(arguments[:2])}: {words[-1] if words else done.returncode}")
    return done.stdout


def verify(path: pathlib.Path) -> None:
    """Compare the file with the hash that etcd has put at its end; raise SnapshotError if it is another."""
    size = path.stat().st_size
    if size % 512 != HASH:
        raise SnapshotError(f"the snapshot has no hash at its end ({size} bytes)")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        left = size - HASH
        while left > 0:
            part = file.read(min(MEBIBYTE, left))
            if not part:
                break
            digest.update(part)
            left -= len(part)
        if digest.digest() != file.read(HASH):
            raise SnapshotError("the snapshot is damaged: its hash differs")


def save(options: argparse.Namespace, moment: datetime.datetime) -> dict[str, object]:
    """Return what is known of a new, verified snapshot."""
    folder = pathlib.Path(options.directory)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    # What an earlier run left that was cut off.
    for left in folder.glob(".new*"):
        left.unlink()
    new = folder / ".new.db"
    etcdctl(options, "snapshot", "save", str(new))
    verify(new)
    status = json.loads(etcdctl(options, "snapshot", "status", str(new), "--write-out=json").splitlines()[-1])
    path = folder / f"snapshot-{moment:%Y%m%dT%H%M%SZ}.db"
    new.chmod(0o600)
    new.rename(path)
    for old in sorted(folder.glob("snapshot-*.db"))[: -options.keep]:
        old.unlink()
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "revision": status.get("revision", 0),
        "total_keys": status.get("totalKey", 0),
        "kept": len(list(folder.glob("snapshot-*.db"))),
    }


def defragment(options: argparse.Namespace) -> bool:
    """Give space back when more than half of the database is free, unless this member leads; return whether it did."""
    status = json.loads(etcdctl(options, "endpoint", "status", "--write-out=json"))[0]["Status"]
    size, used = status["dbSize"], status.get("dbSizeInUse", status["dbSize"])
    if size < DEFRAGMENT_FROM or used > size / 2 or status["leader"] == status["header"]["member_id"]:
        return False
    etcdctl(options, "defrag")
    return True


def write(path: str, text: str, mode: int) -> None:
    """Replace a file in one step, its folder made if it is not there."""
    target = pathlib.Path(path)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    part = target.with_name(f".{target.name}.part")
    part.write_text(text, encoding="utf-8")
    part.chmod(mode)
    part.rename(target)


def metrics(passed: bool, seconds: float, details: dict[str, object], finished: float) -> str:
    """Return the result in the text format of Prometheus."""
    values: dict[str, object] = {
        "success": int(passed),
        "last_run_timestamp_seconds": round(finished),
        "duration_seconds": round(seconds, 3),
    }
    if passed:
        values["last_success_timestamp_seconds"] = round(finished)
        values["size_bytes"] = details["bytes"]
    lines = []
    for name, value in values.items():
        lines += [f"# TYPE golive_etcd_snapshot_{name} gauge", f"golive_etcd_snapshot_{name} {value}"]
    return "\n".join(lines) + "\n"


def last_success(path: str) -> str:
    """Return the lines on the last success of the metrics so far, to be kept when a run fails."""
    with contextlib.suppress(OSError):
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
        return "".join(line for line in lines if "last_success" in line or "size_bytes" in line)
    return ""


def main() -> int:
    """Do it and say how it went."""
    os.umask(0o022)
    parser = argparse.ArgumentParser()
    for name in ("endpoint", "certificate", "key", "ca", "directory", "evidence", "metrics"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--keep", type=int, required=True)
    options = parser.parse_args()
    begin, moment = time.monotonic(), datetime.datetime.now(datetime.timezone.utc)
    reason, details = "", {}
    good = pathlib.Path(options.directory, ".good")
    try:
        good.unlink(missing_ok=True)
        details = save(options, moment)
        good.touch()
        # The snapshot is good whatever comes of this.
        with contextlib.suppress(SnapshotError):
            details["defragmented"] = defragment(options)
    except (SnapshotError, OSError, ValueError, KeyError, IndexError) as exc:
        reason = str(exc) if isinstance(exc, SnapshotError) else f"{type(exc).__name__}: {exc}"
    seconds, finished = time.monotonic() - begin, time.time()
    evidence = {
        "name": "etcd_snapshot",
        "status": "failed" if reason else "passed",
        "started_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "finished_at": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(seconds, 3),
        "reason": reason,
        "details": details,
    }
    kept = last_success(options.metrics) if reason else ""
    write(options.evidence, json.dumps(evidence, indent=2) + "\n", 0o640)
    write(options.metrics, metrics(not reason, seconds, details, finished) + kept, 0o644)
    print(reason or f"saved {details['path']}, {details['bytes']} bytes", file=sys.stderr if reason else sys.stdout)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
