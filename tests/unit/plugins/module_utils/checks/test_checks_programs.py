# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""command, postgresql, haproxy and value: fake programs and a fake socket."""

from __future__ import annotations

import getpass
import os
import socket
import threading

import pytest


@pytest.mark.parametrize(
    ("parameters", "status", "observed"),
    [
        ({"argv": ["true"]}, "pass", "return code 0"),
        ({"argv": ["false"]}, "fail", "return code 1"),
        ({"argv": ["sh", "-c", "exit 3"], "rc": [0, 3]}, "pass", "return code 3"),
        ({"argv": ["echo", "$HOME", 5], "stdout": r"^\$HOME 5$"}, "pass", None),
        ({"argv": ["sh", "-c", "echo no >&2"], "stderr": "yes"}, "fail", None),
        (
            {"argv": ["sh", "-c", "echo $A $LC_ALL"], "environment": {"A": 1, "LC_ALL": "x"}, "stdout": "^1 C$"},
            "pass",
            None,
        ),
        ({"argv": ["cat"], "stdout": "^$"}, "pass", None),
        ({"argv": ["/no/such/program"]}, "error", "/no/such/program is not installed on this host"),
        ({"argv": ["/etc/passwd"]}, "error", None),
    ],
)
def test_command(check, parameters, status, observed):
    result = check("command", **parameters)
    assert result["status"] == status
    assert observed is None or result["observed"] == observed


@pytest.fixture
def psql(program, tmp_path):
    """A psql that writes down how it was called, and answers with a script."""

    def create(script: str):
        record = (
            f'exec 3>{tmp_path}/record; echo "argv $*" >&3; env | grep ^PG >&3; cat >{tmp_path}/query\n'
            f'if [ -f "$PGPASSFILE" ]; then stat -c %a "$PGPASSFILE" >&3; cat "$PGPASSFILE" >&3; fi\n'
        )
        program("psql", record + script)
        return lambda: (tmp_path / "record").read_text(encoding="utf-8")

    return create


LOCAL = {"system_user": getpass.getuser(), "query": "SELECT 1"}


@pytest.mark.parametrize(
    ("answer", "parameters", "status"),
    [
        ("5", {"expected": 5}, "pass"),
        ("5", {"expected": "6"}, "fail"),
        ("t", {"expected": True}, "pass"),
        ("f", {"expected": True}, "fail"),
        ("", {"expected": ""}, "pass"),
        ("10", {"expected": 9, "operator": ">="}, "pass"),
        ("10", {"expected": "9.5", "operator": "<"}, "fail"),
        ("ten", {"expected": 9, "operator": ">="}, "error"),
        ("a|b", {"expected": "^a[|]", "operator": "matches"}, "pass"),
        ("a", {"expected": "a", "operator": "!="}, "fail"),
    ],
)
def test_postgresql_query(check, psql, answer, parameters, status):
    psql(f"echo '{answer}'")
    assert check("postgresql_query", **LOCAL, **parameters)["status"] == status


def test_postgresql_query_by_the_local_socket(check, psql, tmp_path):
    record = psql("echo 1")
    assert check("postgresql_query", **LOCAL, database="erp", expected=1)["status"] == "pass"
    assert "PGDATABASE=erp" in record()
    assert "PGHOST=\n" in record()
    assert "default_transaction_read_only=on" in record()
    assert (tmp_path / "query").read_text(encoding="utf-8") == "SELECT 1"


def test_postgresql_query_by_another_user(check, psql, program):
    psql("echo 1")
    program("runuser", '[ "$1 $2 $3" = "-u nobody --" ] || exit 9; shift 3; exec "$@"')
    assert check("postgresql_query", query="SELECT 1", system_user="nobody", expected=1)["status"] == "pass"
    result = check("postgresql_query", query="SELECT 1", system_user="no-such-user", expected=1)
    assert (result["status"], result["observed"]) == ("error", "this host has no user no-such-user")


def test_postgresql_password_is_in_a_private_file_only(check, psql, tmp_path):
    record = psql("echo 1")
    (tmp_path / "password").write_text("se:cr\\et\n", encoding="utf-8")
    parameters = {"host": "db", "user": "app", "password_file": str(tmp_path / "password")}
    assert check("postgresql_query", query="SELECT 1", expected=1, **parameters)["status"] == "pass"
    lines = record().splitlines()
    assert lines[0].startswith("argv -")
    assert lines[-2:] == ["600", "*:*:*:*:se\\:cr\\\\et"]
    assert sum("cr" in line for line in lines if not line.startswith("PGSSLROOTCERT")) == 1
    assert "PGSSLMODE=verify-full" in lines
    path = next(line for line in lines if line.startswith("PGPASSFILE=")).split("=", 1)[1]
    assert not os.path.exists(path)


@pytest.mark.parametrize(("sslmode", "root"), [("verify-ca", "/ca.pem"), ("require", "/dev/null/none")])
def test_postgresql_verifies_only_in_the_modes_that_say_so(check, psql, sslmode, root):
    record = psql("echo 1")
    parameters = {"host": "db", "user": "app", "sslmode": sslmode, "sslrootcert": "/ca.pem"}
    check("postgresql_query", query="SELECT 1", expected=1, **parameters)
    assert f"PGSSLROOTCERT={root}\n" in record()


def test_postgresql_query_that_fails_is_an_error(check, psql):
    psql("echo 'psql: error: connection failed: Connection refused' >&2; exit 2")
    result = check("postgresql_query", **LOCAL, expected=1)
    assert result["status"] == "error"
    assert "Connection refused" in result["observed"]


@pytest.mark.parametrize("text", ["", "one\ntwo"])
def test_postgresql_password_file_must_hold_one_line(check, psql, tmp_path, text):
    psql("echo 1")
    (tmp_path / "password").write_text(text, encoding="utf-8")
    parameters = {"host": "db", "user": "app", "password_file": str(tmp_path / "password")}
    result = check("postgresql_query", query="SELECT 1", expected=1, **parameters)
    assert result["status"] == "error"
    assert "one" not in result["observed"].replace("must hold one line", "")


SERVER = 'psql: error: connection to server at "10.77.0.31", port 5432 failed: '


@pytest.mark.parametrize(
    ("message", "parameters", "status"),
    [
        ('FATAL:  password authentication failed for user "app"', {}, "pass"),
        ('FATAL:  password authentication failed for user "app"', {"sslmode": "disable"}, "error"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app", no encryption', {"sslmode": "disable"}, "pass"),
        ("FATAL:  the database system is starting up", {}, "error"),
        ('FATAL:  database "app" does not exist', {"expected": "does not exist"}, "pass"),
        ("Connection refused", {}, "error"),
        ("Connection refused", {"expected": "refused"}, "error"),
        ("server does not support SSL, but SSL was required", {}, "error"),
    ],
)
def test_postgresql_refused(check, psql, message, parameters, status):
    psql(f"cat >&2 <<'END'\n{SERVER}{message}\nEND\nexit 2")
    assert check("postgresql_refused", host="db", user="app", **parameters)["status"] == status


def test_postgresql_that_lets_in_is_a_failure(check, psql):
    record = psql("echo 1")
    assert check("postgresql_refused", host="db", user="app")["status"] == "fail"
    first = record()
    check("postgresql_refused", host="db", user="app")
    assert first.splitlines()[-1] != record().splitlines()[-1], "the wrong password is another one every time"


STATISTICS = """# pxname,svname,qcur,status,weight,act,bck,
public,FRONTEND,,OPEN,,,,
app,app1,0,UP,1,1,0,
app,app2,0,{},1,1,0,
app,BACKEND,0,UP,2,2,0,
primary,db1,0,UP,1,1,0,
primary,db2,0,DOWN,1,1,0,
primary,BACKEND,0,UP,1,1,0,
replicas,db1,0,DOWN,1,1,0,
replicas,db2,0,DOWN,1,1,0,
replicas,primary-db1,0,UP,1,0,1,
replicas,BACKEND,0,UP,1,0,1,

"""


@pytest.fixture
def statistics(tmp_path):
    """A socket that answers `show stat` as HAProxy does."""
    path = str(tmp_path / "admin.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def start(text: str) -> str:
            def answer() -> None:
                connection = listener.accept()[0]
                with connection:
                    assert connection.recv(100) == b"show stat\n"
                    connection.sendall(text.encode())

            threading.Thread(target=answer, daemon=True).start()
            return path

        yield start


@pytest.mark.parametrize(
    ("state", "parameters", "verdict"),
    [
        ("UP", {"backend": "app"}, ("pass", "2 of 2 servers UP")),
        ("UP 1/3", {"backend": "app"}, ("pass", "2 of 2 servers UP")),
        ("DOWN 1/2", {"backend": "app"}, ("fail", "1 of 2 servers UP")),
        ("MAINT", {"backend": "app"}, ("fail", "1 of 2 servers UP")),
        ("no check", {"backend": "app"}, ("fail", "1 of 2 servers UP")),
        ("DOWN", {"backend": "app", "min_up": 1}, ("pass", "1 of 2 servers UP")),
        ("DOWN", {"backend": "app", "min_up": 1, "all_up": True}, ("fail", "1 of 2 servers UP")),
        ("UP", {"backend": "primary", "min_up": 1, "max_up": 1}, ("pass", "1 of 2 servers UP")),
        ("UP", {"backend": "app", "max_up": 1}, ("fail", "2 of 2 servers UP")),
        ("UP", {"backend": "replicas", "min_up": 1}, ("pass", "1 of 3 servers UP")),
        ("UP", {"backend": "replicas", "min_up": 1, "backup": False}, ("fail", "0 of 2 servers UP")),
        ("UP", {"backend": "replicas", "backup": True}, ("pass", "1 of 1 servers UP")),
        ("UP", {"backend": "public"}, ("fail", "no such backend or no server")),
        ("UP", {"backend": "nothing", "min_up": 0}, ("fail", "no such backend or no server")),
    ],
)
def test_haproxy_backend(check, statistics, state, parameters, verdict):
    result = check("haproxy_backend", socket=statistics(STATISTICS.format(state)), **parameters)
    assert (result["status"], result["observed"]) == verdict


def test_haproxy_that_does_not_answer_is_an_error(check, statistics, tmp_path):
    assert check("haproxy_backend", backend="app", socket=str(tmp_path / "none.sock"))["status"] == "error"
    assert check("haproxy_backend", backend="app", socket=statistics("Permission denied\n"))["status"] == "error"


def test_haproxy_config(check, program):
    program("haproxy", '[ "$*" = "-c -f /a -f /b" ] && echo "Configuration file is valid"')
    result = check("haproxy_config", files=["/a", "/b"])
    assert (result["status"], result["evidence"]) == ("pass", "Configuration file is valid")
    result = check("haproxy_config")
    assert (result["status"], result["expected"]) == ("fail", "haproxy accepts /etc/haproxy/haproxy.cfg")


@pytest.mark.parametrize(
    ("observed", "operator", "expected", "status"),
    [
        (3, "==", "3", "pass"),
        ("True", "==", True, "pass"),
        (False, "==", True, "fail"),
        ({"b": 1, "a": [2]}, "==", {"a": [2], "b": 1}, "pass"),
        ("应用", "matches", "^应", "pass"),
        ("x", "matches", "(", "error"),
        ("1e3", ">", 999, "pass"),
        ("nan", ">", 1, "error"),
        (0, "!=", 0, "fail"),
    ],
)
def test_value(check, observed, operator, expected, status):
    assert check("value", observed=observed, operator=operator, expected=expected)["status"] == status
