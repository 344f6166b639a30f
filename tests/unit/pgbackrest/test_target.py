# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which backup leads to a target, and along which timeline."""

from __future__ import annotations

import subprocess
from typing import ClassVar

import pytest


@pytest.fixture
def choose(part, a_backup):
    backups = [a_backup("A", 1000), a_backup("B", 2000), a_backup("C", 3000)]

    def run(**target):
        return part("target").choose(backups, part("target").Target(**target))

    return run


@pytest.mark.parametrize(
    ("target", "label", "arguments"),
    [
        ({}, "C", ["--set=C", "--type=default"]),
        ({"time": "1970-01-01T00:40:00Z"}, "B", ["--set=B", "--type=time", "--target=1970-01-01 00:40:00+00"]),
        ({"time": "1970-01-01T02:40:00.5+02:00"}, "B", ["--target=1970-01-01 00:40:00.5+00"]),
        ({"time": "1970-01-01 00:40:00+00:00", "backup": "A"}, "A", ["--set=A"]),
        (
            {"name": "before_upgrade", "backup": "B"},
            "B",
            ["--set=B", "--type=name", "--target=before_upgrade", "--target-action=promote"],
        ),
        ({"name": "golive-A"}, "A", ["--set=A", "--target=golive-A", "--target-timeline=1"]),
        ({"backup": "B", "timeline": "3"}, "B", ["--set=B", "--target-timeline=3"]),
    ],
)
def test_choice(choose, target, label, arguments):
    choice = choose(**target)
    assert choice.backup.label == label
    assert [argument for argument in arguments if argument not in choice.arguments] == []


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"time": "1970-01-01T00:00:01Z"}, "before 1970-01-01T00:16:40Z, the end of the oldest backup A"),
        ({"time": "1970-01-01T00:40:00Z", "backup": "C"}, "before 1970-01-01T00:50:00Z, the end of the backup C"),
        ({"time": "1970-01-01T00:40:00"}, "has no time zone"),
        ({"time": "yesterday"}, "is no time such as"),
        ({"time": "2999-01-01T00:00:00Z"}, "is in the future"),
        ({"backup": "X"}, "holds no backup X, only A, B, C"),
        ({"name": "golive-X"}, "holds no backup X"),
        (
            {"name": "before_upgrade"},
            r"golive_restore_backup.*A ended 1970-01-01T00:16:40Z, B ended 1970-01-01T00:33:20Z, C ended",
        ),
    ],
)
def test_refusal(choose, part, target, message):
    with pytest.raises(part("settings").FailureError, match=message):
        choose(**target)


def test_no_backup(part):
    with pytest.raises(part("settings").FailureError, match="holds no backup"):
        part("target").choose([], part("target").Target())


class FakeRepository:
    """A repository with two timelines more: 2 left 1 at 0/5000000, and 3 left 1 at 0/4000000."""

    histories: ClassVar = {"00000002": "1\t0/5000000\tbefore\n", "00000003": "1\t0/4000000\tat restore point\n"}

    def __init__(self, backups):
        self._backups = backups

    def backups(self, info):
        return self._backups

    def command(self, verb, path):
        name = path.rpartition("/")[2].partition(".")[0]
        text = self.histories.get(name, "")
        if verb == "repo-ls":
            text = "".join(f"{name}.history\n" for name in self.histories) + "0000000100000000\n"
        return subprocess.CompletedProcess([], 0, text, "")


INFO = {"name": "main", "archive": [{"id": "15-1", "max": "000000020000000000000007"}]}


@pytest.mark.parametrize(
    ("timeline", "labels"),
    [
        ("", ["early"]),  # the newest timeline is 3, and it was left before the second one
        ("2", ["early", "late", "second"]),
        ("1", ["early", "late"]),
    ],
)
def test_backups_of_an_abandoned_timeline_are_left_out(part, a_backup, timeline, labels):
    early = a_backup("early", lsn_stop="0/3000100")
    late = a_backup("late", lsn_stop="0/4F00000")
    second = a_backup("second", archive_stop="000000020000000000000006", lsn_stop="0/6000000")
    repository = FakeRepository([early, late, second])
    target = part("target").Target(timeline=timeline)
    assert [item.label for item in part("lineage").usable(repository, INFO, target)] == labels
    named = part("target").Target(backup="second")
    assert len(part("lineage").usable(repository, INFO, named)) == 3


def test_no_backup_of_the_newest_timeline(part, a_backup):
    repository = FakeRepository([a_backup("late", lsn_stop="0/4F00000")])
    with pytest.raises(part("settings").FailureError, match=r"belongs to timeline 3.*take a full backup"):
        part("lineage").usable(repository, INFO, part("target").Target())
