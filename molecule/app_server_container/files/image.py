# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build a container image from a busybox, without an engine: an archive as `docker save` writes it, and a registry.

Usage: image.py FOLDER RELEASE BUSYBOX COMMAND...
Writes FOLDER/shop-RELEASE.tar with its id in .tar.id and its digest in .tar.digest, and what a registry would answer
with below FOLDER/registry.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pathlib
import platform
import sys
import tarfile

INFO = b"""#!/bin/sh
echo "Content-Type: application/json"
echo
hash=$(printf %s "$SHOP_SECRET" | /bin/busybox sha256sum | /bin/busybox cut -c1-64)
echo "{\\"release\\": \\"$(/bin/busybox cat /release)\\", \\"greeting\\": \\"$SHOP_GREETING\\","
echo "\\"secret_sha256\\": \\"$hash\\","
echo "\\"user\\": \\"$(/bin/busybox id -u)\\", \\"colour\\": \\"$(/bin/busybox cat /etc/shop/shop.conf)\\","
/bin/busybox touch /broken 2>/dev/null && echo '"read_only": false,' || echo '"read_only": true,'
/bin/busybox touch /var/lib/shop/answered && echo '"state": true}'
"""

SLOW = b"""#!/bin/sh
echo "Content-Type: text/plain"
echo
/bin/busybox sleep 8
echo slow but complete
"""

# Told to end, it takes no more requests, and ends when the last one is answered.
SERVE = b"""#!/bin/sh
trap 'kill $server' TERM
/bin/httpd -f -p "${1:-8080}" -h /www &
server=$!
wait $server
while /bin/busybox pidof httpd >/dev/null; do /bin/busybox sleep 0.1; done
"""


def layer(release: str, busybox: bytes) -> bytes:
    """Return the files of the image."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        for name in ("bin", "www", "www/cgi-bin", "tmp", "etc", "etc/shop", "var", "var/lib", "var/lib/shop"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        for name in ("bin/sh", "bin/httpd"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        files = {
            "bin/busybox": busybox,
            "www/cgi-bin/info": INFO,
            "www/cgi-bin/slow": SLOW,
            "www/readyz": b"ready\n",
            "www/version": release.encode() + b"\n",
            "release": release.encode(),
            "serve": SERVE,
        }
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    return memory.getvalue()


def digest(data: bytes) -> str:
    """Return the digest of some bytes."""
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    """Read the arguments, write archive and registry."""
    folder, release, command = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[4:]
    files = layer(release, pathlib.Path(sys.argv[3]).read_bytes())
    config = json.dumps(
        {
            "architecture": {"aarch64": "arm64"}.get(platform.machine(), "amd64"),
            "os": "linux",
            "config": {"Cmd": command, "WorkingDir": "/", "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(files)]},
        }
    ).encode()
    manifest = [{"Config": digest(config) + ".json", "RepoTags": [f"shop:{release}"], "Layers": ["layer.tar"]}]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"shop-{release}.tar"
    with tarfile.open(target, "w") as archive:
        parts = {"manifest.json": json.dumps(manifest).encode(), manifest[0]["Config"]: config, "layer.tar": files}
        for name, data in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    pathlib.Path(f"{target}.id").write_text(f"sha256:{digest(config)}\n", encoding="utf-8")

    packed = gzip.compress(files, mtime=0)
    kind = "application/vnd.docker."
    described = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": kind + "distribution.manifest.v2+json",
            "config": {
                "mediaType": kind + "container.image.v1+json",
                "size": len(config),
                "digest": "sha256:" + digest(config),
            },
            "layers": [
                {
                    "mediaType": kind + "image.rootfs.diff.tar.gzip",
                    "size": len(packed),
                    "digest": "sha256:" + digest(packed),
                }
            ],
        }
    ).encode()
    registry = folder / "registry"
    registry.mkdir(exist_ok=True)
    for data in (config, packed, described):
        (registry / digest(data)).write_bytes(data)
    pathlib.Path(f"{target}.digest").write_text(f"sha256:{digest(described)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
