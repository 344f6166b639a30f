# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What keepalived asks about this host every second, and who holds the floating addresses.

fit             the balancer answers, and the host is not cut off (1 and the reason otherwise)
alone INSTANCE  no host that comes before this one holds the instance's addresses as well
holders INSTANCE  one line for each address: ADDRESS HOST[,HOST...]

`alone` is for the case that VRRP itself is blocked between hosts that are well: both would be master. Who holds an
address says so to ARP and to IPv6's neighbour discovery; the host that comes later in the order gives it up. Not to one
whose balancer does not answer: the kernel of a host that hangs goes on answering. It comes back when it hears the
other's advertisements again: its keepalived then takes no address that is held already.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import select
import socket
import struct
import sys
import syslog
import time

CONFIGURATION = "/etc/keepalived/golive.json"
AUTHENTICATION = "/etc/keepalived/golive-authentication.conf"
RUN = "/run/golive-keepalived"
# Two failures in a row must be over before the others take the address, three advertisements after the last one.
PATIENCE = 0.4
ARP, IPV6, VRRP = 0x0806, 58, 112
ECHO_REPLIES = {socket.AF_INET: 0, socket.AF_INET6: 129}
SOLICITATION, ADVERTISEMENT = 135, 136


def family_of(address):
    """Return the address family of a text."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serves(address, port, path, seconds):
    """Tell whether something speaks HTTP there; any status will do, a balancer without servers is well."""
    question = f"GET {path} HTTP/1.1\r\nHost: golive-check.invalid\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((address, port), timeout=seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(question.encode())
            return connection.recv(64).startswith(b"HTTP/")
    except OSError:
        return False


def checksum(data):
    """Return the Internet checksum."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def reachable(addresses, seconds):
    """Return the first address that answers a ping, None if none does. Every host of the stack lets pings in."""
    identity = os.getpid() & 0xFFFF
    echo = struct.pack("!BBHHH", 8, 0, 0, identity, 1)
    echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
    sockets = {}
    try:
        for address in addresses:
            family = family_of(address)
            try:
                if family not in sockets:
                    protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else IPV6
                    sockets[family] = socket.socket(family, socket.SOCK_RAW, protocol)
                # The kernel computes the checksum of ICMPv6.
                message = echo if family == socket.AF_INET else b"\x80" + echo[1:2] + b"\0\0" + echo[4:]
                sockets[family].sendto(message, (address, 0))
            except OSError:
                continue
        deadline = time.monotonic() + seconds
        while sockets and time.monotonic() < deadline:
            for ready in select.select(list(sockets.values()), [], [], max(0.0, deadline - time.monotonic()))[0]:
                data, sender = ready.recvfrom(2048)
                if ready.family == socket.AF_INET:
                    data = data[(data[0] & 15) * 4 :]
                kind, answered = data[0], struct.unpack("!H", data[4:6])[0]
                if kind == ECHO_REPLIES[ready.family] and answered == identity and sender[0] in addresses:
                    return sender[0]
    finally:
        for opened in sockets.values():
            opened.close()
    return None


def ask_arp(opened, interface, own, address):
    """Send an ARP request."""
    hardware = opened.getsockname()[4][:6]
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + hardware + socket.inet_aton(own)
    opened.send(b"\xff" * 6 + hardware + struct.pack("!H", ARP) + body + b"\0" * 6 + socket.inet_aton(address))


def ask_ndp(opened, interface, own, address):
    """Send a neighbour solicitation."""
    target = socket.inet_pton(socket.AF_INET6, address)
    group = socket.inet_ntop(socket.AF_INET6, bytes.fromhex("ff0200000000000000000001ff") + target[13:])
    with open(f"/sys/class/net/{interface}/address", encoding="ascii") as link:
        hardware = bytes.fromhex(link.read().strip().replace(":", ""))
    message = struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + target + b"\x01\x01" + hardware
    opened.sendto(message, (group, 0, 0, socket.if_nametoindex(interface)))


def answer_of(opened):
    """Return address and hardware address of an answer of either protocol, None if it is something else."""
    data = opened.recv(2048)
    if opened.family == socket.AF_PACKET:
        if len(data) >= 42 and struct.unpack("!H", data[20:22])[0] == 2:
            return socket.inet_ntoa(data[28:32]), data[22:28].hex(":")
    elif len(data) >= 32 and data[0] == ADVERTISEMENT and data[24] == 2:
        return socket.inet_ntop(socket.AF_INET6, data[8:24]), data[26:32].hex(":")
    return None


def neighbours(interface, own, addresses, seconds):
    """Ask the network who has the addresses; return the hardware addresses that answered for each."""
    answers = {address: set() for address in addresses}
    opened = {}
    try:
        for address in answers:
            family = family_of(address)
            if family not in opened and family == socket.AF_INET:
                opened[family] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP))
                opened[family].bind((interface, ARP))
            elif family not in opened:
                opened[family] = socket.socket(socket.AF_INET6, socket.SOCK_RAW, IPV6)
                opened[family].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            # An IPv6 host asks for IPv4 addresses with none of its own, as in a search for duplicates.
            sender = own if family_of(own) == family else "0.0.0.0"
            (ask_arp if family == socket.AF_INET else ask_ndp)(opened[family], interface, sender, address)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for ready in select.select(list(opened.values()), [], [], max(0.0, deadline - time.monotonic()))[0]:
                found = answer_of(ready)
                if found and found[0] in answers:
                    answers[found[0]].add(found[1])
    finally:
        for used in opened.values():
            used.close()
    return answers


def own_addresses():
    """Return the addresses of this host. (One can bind to others where net.ipv4.ip_nonlocal_bind is set.)"""
    found = set()
    with open("/proc/net/fib_trie", encoding="ascii") as table:
        last = ""
        for words in (line.split() for line in table):
            if words[0] in ("|--", "+--"):
                last = words[1]
            elif words[1:3] == ["host", "LOCAL"]:
                found.add(last)
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as table:
            found |= {socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line.split()[0])) for line in table}
    except OSError:  # a kernel without IPv6
        pass
    return found


def read_settings(path):
    """Return what the role has written, each address in the form in which the kernel gives it back."""
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)

    def canonical(address):
        return socket.inet_ntop(family_of(address), socket.inet_pton(family_of(address), address))

    settings["address"] = canonical(settings["address"])
    settings["members"] = {name: canonical(address) for name, address in settings["members"].items()}
    settings["witnesses"] = [canonical(address) for address in settings["witnesses"]]
    for instance in settings["instances"].values():
        instance["addresses"] = [canonical(address) for address in instance["addresses"]]
        instance["elders"] = [{**elder, "address": canonical(elder["address"])} for elder in instance["elders"]]
    return settings


def fit(settings):
    """Return why this host should not hold an address, None if it may."""
    check = settings["check"]
    where = f"{check['address']}:{check['port']}"
    if not serves(check["address"], check["port"], check["path"], check["timeout"]):
        return f"the balancer does not answer on {where}"
    others = settings["witnesses"]
    if others and not reachable(others, PATIENCE):
        return f"cut off: none of {', '.join(others)} answers"
    return None


def understood(data, settings, instance):
    """Tell whether this is an advertisement of the instance that the keepalived of this host would take."""
    begin = bytes([0x21 if family_of(settings["address"]) == socket.AF_INET else 0x31, instance["virtual_router_id"]])
    if data[:2] != begin or begin[0] == 0x31:
        return data[:2] == begin
    # Version 2 says the interval and ends with the password.
    password = re.search(r"auth_pass (\S+)", pathlib.Path(AUTHENTICATION).read_text(encoding="utf-8"))[1].encode()
    return len(data) >= 16 and data[5] == settings["advert_interval"] and data[-8:] == password


def hears(settings, instance, elder):
    """Tell whether the elder's advertisements come through. A raw socket gets what the firewall lets in, no more."""
    deadline = time.monotonic() + settings["advert_interval"] + PATIENCE
    with socket.socket(family_of(elder), socket.SOCK_RAW, VRRP) as opened:
        while (left := deadline - time.monotonic()) > 0 and select.select([opened], [], [], left)[0]:
            data, sender = opened.recvfrom(2048)
            if family_of(elder) == socket.AF_INET:
                data = data[(data[0] & 15) * 4 :]
            if sender[0] == elder and understood(data, settings, instance):
                return True
    return False


def alone(settings, name):
    """Return who holds the instance's addresses beside this host and comes before it, None if nobody does."""
    instance = settings["instances"].get(name)
    if instance is None:  # taken off already; the reload follows
        return None
    mark = os.path.join(RUN, f"yielded-{name}")
    yielded = os.path.exists(mark)
    if not instance["elders"] or not (yielded or own_addresses() & set(instance["addresses"])):
        return None
    elders = {elder["address"]: elder["name"] for elder in instance["elders"]}
    wanted = [*instance["addresses"], *elders]
    answers = neighbours(instance["interface"], settings["address"], wanted, PATIENCE)
    holding = set().union(*(answers[address] for address in instance["addresses"]))
    check = settings["check"]
    for address, elder in elders.items():
        if holding & answers[address] and serves(address, check["port"], check["path"], check["timeout"]):
            if yielded and hears(settings, instance, address):
                break
            os.makedirs(RUN, exist_ok=True)
            with open(mark, "w", encoding="utf-8"):
                return f"{elder} holds the addresses of {name}, too: VRRP does not get through between us"
    if yielded:
        pathlib.Path(mark).unlink(missing_ok=True)
    return None


def holders(settings, name):
    """Return the hosts that hold each address of the instance, as this one sees it."""
    instance, members = settings["instances"][name], settings["members"]
    peers = {address: peer for peer, address in members.items() if address != settings["address"]}
    answers = neighbours(instance["interface"], settings["address"], [*instance["addresses"], *peers], PATIENCE)
    names = {hardware: peers[address] for address in peers for hardware in answers[address]}
    mine = own_addresses()
    return {
        address: ([settings["name"]] if address in mine else [])
        + sorted(names.get(hardware, f"stranger-{hardware}") for hardware in answers[address])
        for address in instance["addresses"]
    }


def log_change(subject, reason):
    """Write to the journal what is wrong when it begins, and that it is over: not every second."""
    os.makedirs(RUN, exist_ok=True)
    path = os.path.join(RUN, f"reason-{subject}")
    try:
        with open(path, encoding="utf-8") as before:
            known = before.read()
    except OSError:
        known = ""
    if (reason or "") != known:
        syslog.openlog("golive-keepalived")
        syslog.syslog(syslog.LOG_WARNING if reason else syslog.LOG_NOTICE, f"{subject}: {reason or 'well again'}")
        with open(path, "w", encoding="utf-8") as after:
            after.write(reason or "")


def main(arguments):
    """Answer one question; `--log` as the last argument tells the journal."""
    settings = read_settings(CONFIGURATION)
    log = arguments[-1] == "--log"
    words = arguments[:-1] if log else arguments
    if words[0] == "holders":
        for address, hosts in holders(settings, words[1]).items():
            print(address, ",".join(hosts) or "nobody")
        return 0
    reason = fit(settings) if words[0] == "fit" else alone(settings, words[1])
    if log:
        log_change("-".join(words), reason)
    if reason:
        print(reason)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
