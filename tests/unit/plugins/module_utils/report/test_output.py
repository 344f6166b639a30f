# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files: all or none of each, and not for everyone's eyes."""

from __future__ import annotations

import hashlib
import json
import os
import stat

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.report import output
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.report.samples import build, mixed


def _mode(path: object) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture(autouse=True)
def _usual_umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_modes_and_names(tmp_path: object) -> None:
    directory = tmp_path / "site" / "report"
    paths = output.write(str(directory), output.render(build(mixed())))
    assert _mode(directory) == 0o750
    assert sorted(os.listdir(directory)) == ["junit.xml", "report.html", "report.json"]
    assert paths == output.paths(str(directory))
    assert {_mode(path) for path in paths.values()} == {0o640}


def test_the_page_binds_the_data(tmp_path: object) -> None:
    paths = output.write(str(tmp_path), output.render(build(mixed())))
    with open(paths["json"], "rb") as stream:
        data = stream.read()
    with open(paths["html"], encoding="utf-8") as stream:
        assert hashlib.sha256(data).hexdigest() in stream.read()
    assert json.loads(data)["system"] == "Harbour ERP"


def test_an_existing_directory_keeps_its_mode(tmp_path: object) -> None:
    tmp_path.chmod(0o755)
    output.write(str(tmp_path), output.render(build(mixed())))
    assert _mode(tmp_path) == 0o755


def test_a_failed_write_leaves_the_old_report(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    output.write(str(tmp_path), {"html": b"old", "json": b"old", "junit": b"old"})

    def fail(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        output.write(str(tmp_path), output.render(build(mixed())))
    assert sorted(os.listdir(tmp_path)) == ["junit.xml", "report.html", "report.json"]
    assert {(tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == {b"old"}
