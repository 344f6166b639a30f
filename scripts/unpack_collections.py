"""Unpack the collections named in requirements files from the `ansible` wheel into this Python's site-packages.

Usage: unpack_collections.py WHEEL REQUIREMENTS.yml...
"""

from __future__ import annotations

import sys
import sysconfig
import zipfile
from pathlib import Path

import yaml


def main(wheel: str, *requirements: str) -> int:
    names = {
        c["name"] for r in requirements for c in yaml.safe_load(Path(r).read_text(encoding="utf-8"))["collections"]
    }
    prefixes = tuple("ansible_collections/" + name.replace(".", "/") + "/" for name in names)
    with zipfile.ZipFile(wheel) as archive:
        members = [m for m in archive.namelist() if m.startswith(prefixes)]
        missing = {p for p in prefixes if not any(m.startswith(p) for m in members)}
        if missing:
            print(f"{wheel} does not hold {', '.join(sorted(missing))}", file=sys.stderr)
            return 1
        archive.extractall(sysconfig.get_path("purelib"), members)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
