# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What roles/pgbackrest derives from its variables and from what it read."""

from __future__ import annotations

import base64
import json
import pathlib

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROLE = pathlib.Path(__file__).parents[3] / "roles/pgbackrest"
FILES = ("defaults/main/main.yml", "defaults/main/checks.yml", "defaults/main/checks_repository.yml", "vars/main.yml")
SECOND = {"type": "posix", "path": "/second", "cipher_passphrase": "x" * 20}
BUCKET = {
    "type": "s3",
    "path": "/",
    "cipher_passphrase": "x" * 20,
    **{f"s3_{name}": "x" for name in ("endpoint", "bucket", "region", "key", "key_secret")},
}


@pytest.fixture
def derived():
    """Return a variable of the role, derived from these ones."""

    def run(name, **variables):
        loader = DataLoader()
        values = {}
        for file in FILES:
            values.update(loader.load_from_file(str(ROLE / file), trusted_as_template=True))
        values.update(
            inventory_hostname="backup1",
            pgbackrest_repository_host="backup1",
            pgbackrest_database_hosts=[{"name": "db1", "address": "10.0.0.1"}, {"name": "db2", "address": "10.0.0.2"}],
            pgbackrest_cipher_passphrase="x" * 20,
            pgbackrest_postgresql_version="15",
        )
        return Templar(loader, variables={**values, **variables}).template(values[name])

    return run


def read(status):
    return {"content": base64.b64encode(json.dumps({"status": status}).encode()).decode()}


@pytest.mark.parametrize(
    ("answer", "status"),
    [({"failed": False, "msg": "file not found"}, "none"), (read("failed"), "failed"), (read("passed"), "passed")],
)
def test_the_last_drill(derived, answer, status):
    # The drill is repeated unless this is `passed`.
    assert derived("_pgbackrest_drill_status", __pgbackrest_drill=answer) == status
    tasks = DataLoader().load_from_file(str(ROLE / "tasks/begin.yml"))
    conditions = [task["when"] for task in tasks if "drill" in str(task.get("ansible.builtin.command"))]
    assert conditions == ["pgbackrest_first_drill and _pgbackrest_drill_status != 'passed'"]


@pytest.mark.parametrize(
    ("further", "full_in", "missing"),
    [([], [], True), ([], [1], False), ([SECOND], [1], True), ([SECOND], [1, 2], False)],
)
def test_a_first_backup_is_taken_for_a_repository_without_one(derived, further, full_in, missing):
    info = [{"backup": [{"type": "full", "database": {"repo-key": key}} for key in full_in]}]
    found = derived(
        "_pgbackrest_full_backup_missing",
        pgbackrest_further_repositories=further,
        __pgbackrest_info={"stdout": json.dumps(info)},
    )
    assert found is missing


@pytest.mark.parametrize(
    ("host", "paths"), [("backup1", ["/var/lib/pgbackrest", "/second", ""]), ("db1", ["", "", ""])]
)
def test_where_the_repositories_are(derived, host, paths):
    given = {"inventory_hostname": host, "pgbackrest_further_repositories": [SECOND, BUCKET]}
    assert derived("_pgbackrest_settings", **given)["repositories"] == paths
    folders = [item["path"] for item in derived("_pgbackrest_directories", **given)]
    assert ("/second" in folders) == (host == "backup1")
    assert ("/etc/systemd/system/postgresql@15-main.service.d" in folders) == (host == "db1")


@pytest.mark.parametrize(
    ("play", "without", "nodes", "missing"),
    [
        (["db1", "db2"], [], ["db1", "db2"], []),
        (["db1"], [], ["db1"], ["db2"]),
        (["db1"], ["db2"], ["db1"], []),
        (["app1"], [], [], ["db1", "db2"]),
    ],
)
def test_a_restore_misses_no_node(derived, play, without, nodes, missing):
    given = {"ansible_play_hosts_all": play, "pgbackrest_restore_without": without}
    assert derived("_pgbackrest_restore_nodes", **given) == nodes
    assert derived("_pgbackrest_restore_missing", **given) == missing


def test_the_drills_check_counts_the_declared_tables(derived):
    for tables, title in (([], "no table is declared"), ([{"database": "erp", "table": "invoice"}], "and compared")):
        checks = derived("_pgbackrest_checks_repository", pgbackrest_drill_tables=tables)
        check = next(item for item in checks if item["id"] == "pgbackrest.drill")
        fields = check["parameters"]["fields"]
        assert title in check["title"]["en"]
        assert fields["details.tables_compared"] == {"operator": ">=", "value": len(tables)}
        assert fields["details.absent_tables"] == "[]"


def test_a_backup_after_a_restore_expires_nothing():
    for name in ("restore_run.yml", "restore_cluster.yml"):
        tasks = DataLoader().load_from_file(str(ROLE / "tasks" / name))
        backups = [
            task["ansible.builtin.command"]["argv"] for task in tasks if task["name"].startswith("Take a full backup")
        ]
        assert backups == [["/usr/local/sbin/golive-backup", "full", "--no-expire"]]
