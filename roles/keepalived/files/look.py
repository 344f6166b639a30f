# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find the interfaces of the floating addresses; end with 1 and the reasons if they cannot be on this host.

The argument is JSON of address, interface and instances; the answer is the interface by name of instance.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys


def look(wanted, links):
    """Return the interface of each instance, and what is wrong."""
    networks, owner = {}, {}
    for link in links:
        networks[link["ifname"]] = []
        for entry in link.get("addr_info", []):
            owner[entry["local"]] = link["ifname"]
            networks[link["ifname"]].append(ipaddress.ip_interface(f"{entry['local']}/{entry['prefixlen']}").network)
    problems, found = [], {}
    own = owner.get(str(ipaddress.ip_address(wanted["address"])))
    if own is None:
        here = ", ".join(sorted(address for address, name in owner.items() if name != "lo"))
        problems.append(
            f"keepalived_address is {wanted['address']}, which is on no interface of this host: "
            f"expected one of its own ({here})."
        )
    for instance in wanted["instances"]:
        name = instance.get("interface") or wanted["interface"] or own
        found[instance["name"]] = name
        if name is None:
            continue
        if name not in networks:
            problems.append(
                f"keepalived_instances, {instance['name']}: there is no interface {name} on this host, "
                f"expected one of {', '.join(sorted(networks))}."
            )
            continue
        for text in instance["addresses"]:
            address = ipaddress.ip_interface(text)
            same = [network for network in networks[name] if network.version == address.version]
            wide = [network for network in same if network.prefixlen < network.max_prefixlen]
            if not same and address.version == 6:
                problems.append(f"keepalived_instances, {instance['name']}: {text} needs IPv6, which {name} has not.")
            elif "/" not in text and not any(address.ip in network for network in wide):
                shown = ", ".join(sorted({str(network) for network in wide})) or "none"
                problems.append(
                    f"keepalived_instances, {instance['name']}: {text} is in no network of {name} ({shown}): expected "
                    f"one that is, or the address with its prefix length where the network is another one."
                )
    return found, problems


if __name__ == "__main__":
    LINKS = subprocess.run(["ip", "-json", "address", "show"], check=True, capture_output=True, text=True).stdout
    FOUND, PROBLEMS = look(json.loads(sys.argv[1]), json.loads(LINKS))
    if PROBLEMS:
        sys.exit(" ".join(PROBLEMS))
    print(json.dumps(FOUND))
