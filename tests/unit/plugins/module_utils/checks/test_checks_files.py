# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""file, disk and link in a temporary folder."""

from __future__ import annotations

import grp
import os
import pwd

import pytest


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "app.conf"
    path.write_text("# head\nlisten = 10.0.0.1\npassword = secret\n", encoding="utf-8")
    path.chmod(0o640)
    return str(path)


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({}, "pass"),
        ({"exists": False}, "fail"),
        ({"mode": "0640"}, "pass"),
        ({"mode": "0600"}, "fail"),
        ({"mode": "0755"}, "pass"),
        ({"mode": "0604"}, "fail"),
        ({"contains": "^listen = 10"}, "pass"),
        ({"contains": "^listen = 11"}, "fail"),
        ({"absent": "^debug"}, "pass"),
        ({"absent": "^password"}, "fail"),
        ({"owner": "no-such-user"}, "fail"),
        ({"group": "no-such-group"}, "fail"),
    ],
)
def test_file(check, config, parameters, status):
    result = check("file", path=config, **parameters)
    assert result["status"] == status
    assert "secret" not in str(result), "content of a file never gets into a result"


def test_file_owner_by_name_and_number(check, config):
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    assert check("file", path=config, owner=user, group=group)["status"] == "pass"
    assert check("file", path=config, owner=os.getuid(), group=os.getgid())["status"] == "pass"


def test_file_that_is_absent(check, tmp_path):
    path = tmp_path / "none"
    assert check("file", path=str(path))["observed"] == "absent"
    assert check("file", path=str(path), exists=False)["status"] == "pass"
    path.symlink_to("nowhere")
    assert check("file", path=str(path))["observed"] == "a dangling link"
    assert check("file", path=str(path), exists=False)["status"] == "fail"


def test_file_content_of_something_else_is_an_error(check, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert check("file", path=str(tmp_path / "pipe"), contains="x")["status"] == "error"
    assert check("file", path=str(tmp_path), contains="x")["status"] == "error"


def test_disk(check, tmp_path):
    assert check("disk", path=str(tmp_path), min_free_percent=0)["status"] == "pass"
    result = check("disk", path=str(tmp_path), min_free_percent=100, min_free_gib=0)
    assert result["status"] == "fail"
    assert "% free; " in result["observed"]
    assert check("disk", path=str(tmp_path), min_free_gib=1e9)["status"] == "fail"
    assert check("disk", path=str(tmp_path / "none"), min_free_gib=1)["status"] == "fail"


def test_link(check, tmp_path):
    (tmp_path / "releases" / "2").mkdir(parents=True)
    current = tmp_path / "current"
    path = str(current)
    assert check("link", path=path)["observed"] == "absent"
    current.symlink_to("releases/2")
    assert check("link", path=path, target="releases/2$")["status"] == "pass"
    assert check("link", path=path, target="releases/1$")["observed"] == "a link; -> releases/2; target exists"
    (tmp_path / "releases" / "2").rmdir()
    assert check("link", path=path)["status"] == "fail"
    assert check("link", path=str(tmp_path))["observed"] == "not a link"
