"""site.yml against wrong inventories: each is refused with one clear message before a host is touched.

The inventory is the demo's own, changed in one place by each test. Its hosts have addresses where nothing listens, so a
run that went as far as a host would end in UNREACHABLE.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = Path(__file__).resolve().parents[2]


class Inventory:
    """A copy of the demo's inventory, with secrets of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "inventories" / "demo", folder, ignore=shutil.ignore_patterns(".secrets"))
        self.secrets = folder / ".secrets" / "demo"
        self.secrets.mkdir(parents=True)
        self.hosts = yaml.safe_load((folder / "hosts.yml").read_text(encoding="utf-8"))
        for name in self.hosts["fleet"]["vars"]["fleet_passwords"]:
            (self.secrets / name).write_text("correct-horse-battery-staple", encoding="utf-8")
        self.hosts["fleet"]["vars"]["fleet_network"] = "127.9.9"
        self.hosts["fleet"]["vars"]["ansible_port"] = 9

    @property
    def groups(self) -> dict:
        return self.hosts["fleet"]["children"]

    def set(self, **variables: object) -> None:
        (self.folder / "group_vars" / "all" / "zz_test.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")

    def value(self, host: str, name: str) -> object:
        """What a variable of a host amounts to."""
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(self.hosts), encoding="utf-8")
        command = ["ansible", host, "-i", str(self.folder), "--playbook-dir", "playbooks"]
        run = subprocess.run(
            [*command, "-m", "ansible.builtin.debug", "-a", f"var={name}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )
        return json.loads(run.stdout.split("=>", 1)[1])[name]

    def run(self) -> subprocess.CompletedProcess:
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(self.hosts), encoding="utf-8")
        return subprocess.run(
            ["ansible-playbook", "-i", str(self.folder), "playbooks/site.yml"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return Inventory(tmp_path / "inventory")


def pair() -> tuple[str, str]:
    """A self-signed certificate and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "erp.golive.test")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )


def no_database_host(inventory: Inventory) -> tuple[str, ...]:
    inventory.groups["etcd"]["hosts"].update(inventory.groups["database"].pop("hosts"))
    return ("database", "1")


def two_standalone_databases(inventory: Inventory) -> tuple[str, ...]:
    path = inventory.folder / "group_vars" / "database.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("cluster: true", "cluster: false"), encoding="utf-8")
    return ("database", "at most 1", "db1, db2", "postgresql_cluster")


def even_number_of_etcd_members(inventory: Inventory) -> tuple[str, ...]:
    inventory.groups["etcd"]["hosts"]["lb1"] = None
    return ("etcd", "odd", "given 4")


def no_etcd(inventory: Inventory) -> tuple[str, ...]:
    del inventory.groups["etcd"]
    return ("etcd", "at least 3")


def unknown_value(inventory: Inventory) -> tuple[str, ...]:
    inventory.set(haproxy_tls_profile="fancy")
    return ("haproxy_tls_profile", "fancy", "intermediate", "modern")


def unknown_variable(inventory: Inventory) -> tuple[str, ...]:
    inventory.set(postgresql_paramters={"work_mem": "8MB"})
    return ("postgresql_paramters", "postgresql_parameters")


def password_missing(inventory: Inventory) -> tuple[str, ...]:
    (inventory.secrets / "erp_database_password").write_text("", encoding="utf-8")
    return ("erp_database_password",)


def exclusive_groups(inventory: Inventory) -> tuple[str, ...]:
    inventory.groups["load_balancer"]["hosts"]["db1"] = None
    return ("db1", "database", "load_balancer")


def address_does_not_resolve(inventory: Inventory) -> tuple[str, ...]:
    inventory.groups["app"]["hosts"]["app2"]["ansible_host"] = "app2.golive.invalid"
    return ("app2", "app2.golive.invalid", "resolve")


def key_does_not_match(inventory: Inventory) -> tuple[str, ...]:
    certificate, key = pair()[0], pair()[1]
    inventory.set(golive_certificates=[{"name": "haproxy", "certificate": certificate, "private_key": key}])
    return ("haproxy", "key")


def certificate_that_nothing_takes(inventory: Inventory) -> tuple[str, ...]:
    inventory.set(golive_certificates=[{"name": "ha-proxy"}])
    return ("ha-proxy", "expected haproxy")


@pytest.mark.parametrize(
    "spoil",
    [
        no_database_host,
        two_standalone_databases,
        even_number_of_etcd_members,
        no_etcd,
        unknown_value,
        unknown_variable,
        password_missing,
        exclusive_groups,
        address_does_not_resolve,
        key_does_not_match,
        certificate_that_nothing_takes,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_refused(inventory: Inventory, spoil: Callable[[Inventory], tuple[str, ...]]) -> None:
    expected = spoil(inventory)
    run = inventory.run()
    output = run.stdout + run.stderr
    assert run.returncode != 0, output
    assert "1 problem" in output, output
    assert "UNREACHABLE" not in output
    assert output.count("PLAY [") == 1, output
    for word in expected:
        assert word in output, output
    assert "correct-horse" not in output
    assert "PRIVATE KEY" not in output


@pytest.mark.parametrize(
    ("instance", "words"),
    [
        ({"addresses": ["127.9.9.11"]}, ("127.9.9.11", "a member's own address")),
        ({"addresses": ["127.9.9.300"]}, ("127.9.9.300", "IPv4 or IPv6 addresses")),
        ({"virtual_router_id": 256}, ("virtual_router_id is from 1 to 255", "256")),
        ({"first": "lb3"}, ("first is one of keepalived_members", "lb1, lb2", "lb3")),
    ],
)
def test_wrong_floating_addresses_are_refused(inventory: Inventory, instance: dict, words: tuple[str, ...]) -> None:
    """What only the role itself can judge: it is asked before a host is."""
    inventory.groups["load_balancer"]["vars"]["keepalived_instances"][0].update(instance)
    run = inventory.run()
    assert run.returncode != 0
    for word in ("keepalived_instances", *words):
        assert word in run.stdout, run.stdout
    assert "UNREACHABLE" not in run.stdout, run.stdout
    assert "correct-horse" not in run.stdout


def test_a_balancer_that_cannot_work_is_refused(inventory: Inventory) -> None:
    inventory.set(haproxy_routes=[{"paths": ["/shop"], "backend": "shop"}])
    run = inventory.run()
    assert run.returncode != 0
    for word in ("haproxy_routes", "shop", "erp"):
        assert word in run.stdout, run.stdout
    assert "UNREACHABLE" not in run.stdout, run.stdout


def test_the_floating_address_reaches_certificate_firewall_and_report(inventory: Inventory) -> None:
    assert inventory.value("lb1", "golive_virtual_addresses") == ["127.9.9.10"]
    assert inventory.value("app1", "golive_public_address") == "127.9.9.10"
    assert "IP:127.9.9.10" in inventory.value("lb2", "certificates_list")[0]["subject_alt_names"]
    rule = next(r for r in inventory.value("lb1", "golive_firewall_rules") if r.get("protocol") == "vrrp")
    assert rule["sources"] == ["127.9.9.11/32", "127.9.9.12/32"]
    assert inventory.value("app1", "golive_expected_checks")["keepalived"] == ["lb1", "lb2"]
    del inventory.groups["load_balancer"]["vars"]
    assert inventory.value("app1", "golive_public_addresses") == ["127.9.9.11", "127.9.9.12"]
    assert not [r for r in inventory.value("lb1", "golive_firewall_rules") if r.get("protocol") == "vrrp"]
    assert inventory.value("app1", "golive_expected_checks")["keepalived"] == []


def test_the_unspoilt_inventory_gets_as_far_as_the_hosts(inventory: Inventory) -> None:
    """Or the refusals above would prove nothing."""
    run = inventory.run()
    assert "UNREACHABLE" in run.stdout, run.stdout + run.stderr


def test_ports_of_the_roles_reach_firewall_and_clients_and_nobody_means_no_rule(inventory: Inventory) -> None:
    inventory.groups["etcd"]["hosts"].update(inventory.groups.pop("monitoring")["hosts"])
    inventory.set(etcd_client_port=12379, haproxy_database_primary_port=6432)
    value = inventory.value

    balancer = {rule["name"]: rule for rule in value("lb1", "golive_firewall_rules")}
    assert set(balancer) == {"http", "floating addresses", "database"}, "statistics would be open to everybody"
    assert balancer["database"]["ports"] == [6432, 5433]
    assert value("app1", "golive_database_port") == 6432
    assert 12379 in next(rule for rule in value("db1", "golive_firewall_rules") if rule["name"] == "etcd")["ports"]
    assert set(value("db1", "golive_etcd_endpoints")) == {f"127.9.9.{number}:12379" for number in (31, 32, 41)}


def test_the_example_is_refused_until_its_passwords_are_set(tmp_path: Path) -> None:
    site = tmp_path / "my-site"
    shutil.copytree(ROOT / "inventories" / "example", site)  # follows the links, as cp -rL in the README does
    hosts = (site / "hosts.yml").read_text(encoding="utf-8")
    (site / "hosts.yml").write_text(hosts.replace("192.0.2.", "127.9.9."), encoding="utf-8")

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["ansible-playbook", "-i", str(site), "playbooks/site.yml", "-e", "ansible_port=9", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )

    vault = (site / "group_vars" / "all" / "vault.yml").read_text(encoding="utf-8")
    names = yaml.safe_load(vault)
    assert len(names) >= 9
    refused = run()
    assert refused.returncode != 0
    for number, line in enumerate(vault.splitlines(), 1):
        assert line.endswith("changeme") == (f"vault.yml:{number})" in refused.stdout + refused.stderr), line
    accepted = run("-e", " ".join(f"{name}=a-good-long-one" for name in names))
    assert "UNREACHABLE" in accepted.stdout, accepted.stdout + accepted.stderr
