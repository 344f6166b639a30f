# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program of the role etcd that takes snapshots, with an etcdctl that is played."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pathlib
import sys

import pytest

SOURCE = pathlib.Path(__file__).parents[3] / "roles/etcd/files/snapshot.py"
SPEC = importlib.util.spec_from_file_location("etcd_snapshot", SOURCE)
snapshot = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(snapshot)

PAGES = b"golive" * 1024  # 12 pages
GOOD = PAGES + hashlib.sha256(PAGES).digest()


@pytest.fixture(name="run")
def _run(tmp_path, monkeypatch):
    """Return a function that runs the program; `saved` is what etcdctl writes, None makes it fail."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "etcdctl").write_text(
        f"""#!/bin/sh
echo "$*" >>{tmp_path}/calls
case "$*" in
  *save*) for file; do :; done; cat {tmp_path}/saved >"$file" || {{ echo "Error: no leader" >&2; exit 1; }} ;;
  *snapshot*status*) echo '{{"hash":1,"revision":7,"totalKey":3,"totalSize":6144}}' ;;
  *endpoint*status*) cat {tmp_path}/status ;;
esac
""",
        encoding="utf-8",
    )
    (tmp_path / "etcdctl").chmod(0o755)

    def run(saved=GOOD, keep=2, size=20480, used=20480, leader=1):
        status = {"header": {"member_id": 2}, "leader": leader, "dbSize": size, "dbSizeInUse": used}
        (tmp_path / "status").write_text(json.dumps([{"Status": status}]), encoding="utf-8")
        (tmp_path / "saved").unlink(missing_ok=True)
        if saved is not None:
            (tmp_path / "saved").write_bytes(saved)
        values = {
            "endpoint": "https://a:2379",
            "certificate": "c",
            "key": "k",
            "ca": "a",
            "directory": f"{tmp_path}/snapshots",
            "evidence": f"{tmp_path}/evidence/etcd_snapshot.json",
            "metrics": f"{tmp_path}/metrics/snapshot.prom",
            "keep": keep,
        }
        monkeypatch.setattr(sys, "argv", ["snapshot", *(f"--{name}={value}" for name, value in values.items())])
        code = snapshot.main()
        evidence = json.loads((tmp_path / "evidence/etcd_snapshot.json").read_text(encoding="utf-8"))
        metrics = (tmp_path / "metrics/snapshot.prom").read_text(encoding="utf-8")
        return code, evidence, metrics

    return run


def test_good_snapshot(run, tmp_path):
    code, evidence, metrics = run()
    assert (code, evidence["name"], evidence["status"], evidence["reason"]) == (0, "etcd_snapshot", "passed", "")
    details = evidence["details"]
    assert (details["revision"], details["total_keys"], details["bytes"], details["kept"]) == (7, 3, len(GOOD), 1)
    assert pathlib.Path(details["path"]).read_bytes() == GOOD
    assert oct(pathlib.Path(details["path"]).stat().st_mode)[-3:] == "600"
    assert oct((tmp_path / "snapshots").stat().st_mode)[-3:] == "700"
    assert oct((tmp_path / "evidence/etcd_snapshot.json").stat().st_mode)[-3:] == "640"
    assert (tmp_path / "snapshots/.good").exists()
    assert "golive_etcd_snapshot_success 1\n" in metrics
    assert f"golive_etcd_snapshot_size_bytes {len(GOOD)}\n" in metrics


def test_only_the_newest_are_kept(run, tmp_path):
    folder = tmp_path / "snapshots"
    folder.mkdir()
    for year in (2001, 2002, 2003):
        (folder / f"snapshot-{year}0101T000000Z.db").touch()
    (folder / "notes.txt").touch()
    (folder / ".new.db.part").touch()
    run(keep=2)
    names = sorted(path.name for path in folder.iterdir() if path.name != ".good")
    assert (len(names), names[0], names[1]) == (3, "notes.txt", "snapshot-20030101T000000Z.db")


@pytest.mark.parametrize(
    ("saved", "reason"),
    [
        (None, "etcdctl snapshot save: Error: no leader"),
        (PAGES, "no hash at its end"),
        (b"X" + GOOD[1:], "damaged"),
        (GOOD[:-512], "damaged"),
    ],
)
def test_bad_snapshot_is_no_snapshot(run, tmp_path, saved, reason):
    assert run()[0] == 0
    before = sorted((tmp_path / "snapshots").glob("snapshot-*"))
    code, evidence, metrics = run(saved)
    assert (code, evidence["status"]) == (1, "failed")
    assert reason in evidence["reason"]
    assert sorted((tmp_path / "snapshots").glob("snapshot-*")) == before
    # The next run of the role tries again.
    assert not (tmp_path / "snapshots/.good").exists()
    assert "golive_etcd_snapshot_success 0\n" in metrics
    # When it last went well is still known.
    assert "golive_etcd_snapshot_last_success_timestamp_seconds " in metrics


@pytest.mark.parametrize(
    ("state", "done"),
    [
        ({"size": 100 << 20, "used": 10 << 20}, True),
        ({"size": 100 << 20, "used": 60 << 20}, False),
        ({"size": 10 << 20, "used": 1 << 20}, False),
        ({"size": 100 << 20, "used": 10 << 20, "leader": 2}, False),
    ],
)
def test_defragmentation(run, tmp_path, state, done):
    evidence = run(**state)[1]
    assert evidence["details"]["defragmented"] is done
    assert (" defrag\n" in (tmp_path / "calls").read_text(encoding="utf-8")) is done
