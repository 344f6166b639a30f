# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The programs of the role keepalived: who is fit, who yields, what is written down, where addresses may be."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import socket
import threading

import pytest

FILES = pathlib.Path(__file__).parents[3] / "roles/keepalived/files"


def load(name):
    """Import a program by its file's name, which is no module's."""
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), FILES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


program, notify, look = load("golive-keepalived"), load("golive-keepalived-notify"), load("look")

SETTINGS = {
    "name": "lb2",
    "address": "192.0.2.12",
    "members": {"lb1": "192.0.2.11", "lb2": "192.0.2.12"},
    "metrics": "",
    "check": {"address": "127.0.0.1", "port": 80, "path": "/", "timeout": 0.5},
    "witnesses": ["192.0.2.11", "192.0.2.21"],
    "advert_interval": 1,
    "instances": {
        "public": {
            "interface": "eth0",
            "virtual_router_id": 51,
            "addresses": ["192.0.2.10", "2001:db8::10"],
            "elders": [{"name": "lb1", "address": "192.0.2.11"}],
        }
    },
}
LB1, STRANGER = "02:00:00:00:00:01", "02:00:00:00:00:99"


@pytest.fixture(name="network")
def _network(monkeypatch, tmp_path):
    """Return what the network says, to be changed: own addresses, answers to ARP, who serves, who answers pings."""
    said = {
        "own": {"192.0.2.12", "192.0.2.10"},
        "answers": {},
        "serves": True,
        "reachable": "192.0.2.21",
        "hears": False,
    }
    monkeypatch.setattr(program, "RUN", str(tmp_path / "run"))
    monkeypatch.setattr(program, "own_addresses", lambda: said["own"])
    monkeypatch.setattr(
        program, "neighbours", lambda _i, _o, wanted, _s: {name: said["answers"].get(name, set()) for name in wanted}
    )
    monkeypatch.setattr(program, "serves", lambda *_: said["serves"])
    monkeypatch.setattr(program, "reachable", lambda *_: said["reachable"])
    monkeypatch.setattr(program, "hears", lambda *_: said["hears"])
    return said


def test_a_later_host_yields_to_one_that_holds_the_address_and_serves(network):
    network["answers"] = {"192.0.2.11": {LB1}}
    assert program.alone(SETTINGS, "public") is None
    network["answers"]["192.0.2.10"] = {LB1}
    assert "lb1 holds the addresses of public, too" in program.alone(SETTINGS, "public")
    # It has given the address up, and stays away as long as the other has it.
    network["own"] = {"192.0.2.12"}
    assert program.alone(SETTINGS, "public")
    network["answers"].pop("192.0.2.10")
    assert program.alone(SETTINGS, "public") is None
    network["answers"]["192.0.2.10"] = {LB1}
    assert program.alone(SETTINGS, "public") is None, "a host in reserve is not at fault"


def test_a_host_that_yielded_comes_back_when_it_hears_the_other(network):
    network["answers"] = {"192.0.2.11": {LB1}, "192.0.2.10": {LB1}}
    network["hears"] = True
    assert program.alone(SETTINGS, "public"), "both hold the address, whatever is heard"
    network["own"] = {"192.0.2.12"}
    network["hears"] = False
    assert program.alone(SETTINGS, "public")
    network["hears"] = True
    assert program.alone(SETTINGS, "public") is None
    network["hears"] = False
    assert program.alone(SETTINGS, "public") is None, "it is in reserve again"


ELDER = "192.0.2.11"
VERSION2 = bytes.fromhex("2133960101010000 c000020a") + b"password"
VERSION3 = bytes.fromhex("3133960100640000 20010db8000000000000000000000010")


@pytest.mark.parametrize(
    ("settings", "sender", "data", "heard"),
    [
        ({}, ELDER, VERSION2, True),
        ({}, "192.0.2.13", VERSION2, False),
        ({}, ELDER, b"!4" + VERSION2[2:], False),
        ({}, ELDER, VERSION2[:-8] + b"another!", False),
        ({"advert_interval": 2}, ELDER, VERSION2, False),
        ({"address": "2001:db8::12"}, "2001:db8::11", VERSION3, True),
        ({"address": "2001:db8::12"}, "2001:db8::11", VERSION2, False),
    ],
)
def test_only_an_advertisement_that_keepalived_would_take_is_heard(
    monkeypatch, tmp_path, settings, sender, data, heard
):
    (tmp_path / "authentication").write_text("authentication {\n    auth_pass password\n}\n", encoding="utf-8")
    monkeypatch.setattr(program, "AUTHENTICATION", str(tmp_path / "authentication"))
    monkeypatch.setattr(program, "PATIENCE", -settings.get("advert_interval", 1) + 0.1)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    class Raw:
        """A raw socket to which one packet comes, of IPv4 with its header."""

        def __init__(self, family, kind, protocol):
            assert (kind, protocol) == (socket.SOCK_RAW, 112)
            theirs.send((b"E" + bytes(19) if family == socket.AF_INET else b"") + data)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            ours.close()

        def fileno(self):
            return ours.fileno()

        def recvfrom(self, size):
            return ours.recv(size), (sender, 0)

    monkeypatch.setattr(program.socket, "socket", Raw)
    elder = "2001:db8::11" if ":" in settings.get("address", "") else ELDER
    assert program.hears({**SETTINGS, **settings}, SETTINGS["instances"]["public"], elder) is heard
    theirs.close()


def test_nobody_yields_to_a_host_that_hangs_nor_to_a_stranger(network):
    network["answers"] = {"192.0.2.11": {LB1}, "192.0.2.10": {LB1}}
    network["serves"] = False
    assert program.alone(SETTINGS, "public") is None
    network["serves"] = True
    network["answers"]["192.0.2.10"] = {STRANGER}
    assert program.alone(SETTINGS, "public") is None


def test_the_first_host_never_yields(network):
    network["answers"] = {"192.0.2.11": {LB1}, "192.0.2.10": {LB1}}
    first = {**SETTINGS, "instances": {"public": {**SETTINGS["instances"]["public"], "elders": []}}}
    assert program.alone(first, "public") is None


def test_fit(network):
    assert program.fit(SETTINGS) is None
    network["reachable"] = None
    assert program.fit(SETTINGS) == "cut off: none of 192.0.2.11, 192.0.2.21 answers"
    assert program.fit({**SETTINGS, "witnesses": []}) is None
    network["serves"] = False
    assert "does not answer on 127.0.0.1:80" in program.fit(SETTINGS)


def test_holders_are_named_and_strangers_too(network):
    network["answers"] = {"192.0.2.11": {LB1}, "2001:db8::10": {LB1}, "192.0.2.10": {STRANGER}}
    assert program.holders(SETTINGS, "public") == {
        "192.0.2.10": ["lb2", f"stranger-{STRANGER}"],
        "2001:db8::10": ["lb1"],
    }


@pytest.mark.parametrize(
    ("answer", "expected"), [(b"HTTP/1.1 421 Misdirected\r\n", True), (b"SSH-2.0\r\n", False), (b"", False)]
)
def test_serves(answer, expected):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reply():
            with server.accept()[0] as connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        port = server.getsockname()[1]
        assert program.serves("127.0.0.1", port, "/", 2) is expected
        thread.join()
    assert program.serves("127.0.0.1", port, "/", 2) is False


def test_settings_have_addresses_as_the_kernel_writes_them(tmp_path):
    written = json.dumps(SETTINGS).replace("2001:db8::10", "2001:0DB8:0::10")
    (tmp_path / "golive.json").write_text(written, encoding="utf-8")
    assert program.read_settings(tmp_path / "golive.json") == SETTINGS


def test_own_addresses_hold_the_loopback():
    assert "127.0.0.1" in program.own_addresses()


def test_checksum_of_an_echo_request():
    assert program.checksum(bytes.fromhex("0800000000010001")) == 0xF7FD


def test_changes_are_counted_kept_and_published(tmp_path, monkeypatch):
    monkeypatch.setattr(notify, "STATES", str(tmp_path))
    monkeypatch.setattr(notify, "CONFIGURATION", str(tmp_path / "conf/golive.json"))
    settings = {"metrics": str(tmp_path), "instances": {"public": {}, "internal": {}}}
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/golive.json").write_text(json.dumps(settings), encoding="utf-8")
    for number, state in enumerate(["BACKUP", "MASTER", "FAULT", "BACKUP"] * 30):
        notify.main(1000.0 + number, "public", state)
    notify.main(2000.0, "internal", "MASTER")
    record = json.loads((tmp_path / "public.json").read_text(encoding="utf-8"))
    assert (record["state"], record["since"], record["counts"]["BACKUP"]) == ("BACKUP", 1119.0, 60)
    assert len(record["changes"]) == notify.KEPT
    assert '\n "state": "BACKUP"' in (tmp_path / "public.json").read_text(encoding="utf-8")
    metrics = (tmp_path / "golive_keepalived.prom").read_text(encoding="utf-8")
    assert 'golive_keepalived_master{instance_name="internal"} 1\n' in metrics
    assert 'golive_keepalived_master{instance_name="public"} 0\n' in metrics
    assert metrics.count("# TYPE golive_keepalived_master gauge\n") == 1
    assert 'golive_keepalived_changes_total{instance_name="public",state="MASTER"} 30\n' in metrics
    # An instance that is no longer declared leaves nothing, whatever keepalived still says of it.
    del settings["instances"]["public"]
    (tmp_path / "conf/golive.json").write_text(json.dumps(settings), encoding="utf-8")
    notify.main(3000.0)
    notify.main(3001.0, "public", "FAULT")
    assert [file.name for file in tmp_path.glob("*.json")] == ["internal.json"]
    metrics = (tmp_path / "golive_keepalived.prom").read_text(encoding="utf-8")
    assert "public" not in metrics
    assert 'golive_keepalived_master{instance_name="internal"} 1\n' in metrics


LINKS = [
    {"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}]},
    {
        "ifname": "eth0",
        "addr_info": [{"local": "192.0.2.12", "prefixlen": 24}, {"local": "192.0.2.10", "prefixlen": 32}],
    },
    {"ifname": "eth1", "addr_info": [{"local": "fd00::2", "prefixlen": 64}]},
]


@pytest.mark.parametrize(
    ("change", "instance", "message"),
    [
        ({}, {}, ""),
        ({}, {"addresses": ["203.0.113.10/28"]}, ""),
        ({}, {"addresses": ["fd00::10"], "interface": "eth1"}, ""),
        ({"address": "192.0.2.99"}, {}, "keepalived_address is 192.0.2.99, which is on no interface"),
        ({}, {"addresses": ["203.0.113.10"]}, "203.0.113.10 is in no network of eth0 (192.0.2.0/24)"),
        ({}, {"addresses": ["2001:db8::10/64"]}, "2001:db8::10/64 needs IPv6, which eth0 has not"),
        ({}, {"interface": "eth7"}, "there is no interface eth7 on this host, expected one of eth0, eth1, lo"),
    ],
)
def test_look(change, instance, message):
    wanted = {
        "address": "192.0.2.12",
        "interface": "",
        "instances": [{"name": "public", "addresses": ["192.0.2.10"], **instance}],
        **change,
    }
    found, problems = look.look(wanted, LINKS)
    assert message in " ".join(problems) if message else not problems, problems
    if not message:
        assert found == {"public": instance.get("interface", "eth0")}
