# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pack a folder into a .zip, .war or .tar.gz, the same bytes each time, and note its SHA-256 beside it.

Usage: pack.py ARCHIVE FOLDER [WORD=TEXT...]; @WORD@ in the files becomes the text.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pathlib
import sys
import tarfile
import zipfile


def contents(folder: pathlib.Path, words: dict[str, str]) -> dict[str, bytes]:
    """Return the files by their paths in the archive."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            for word, text in words.items():
                data = data.replace(f"@{word}@".encode(), text.encode())
            found[path.relative_to(folder).as_posix()] = data
    return found


def packed_zip(files: dict[str, bytes]) -> bytes:
    """Return a zip archive."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return memory.getvalue()


def packed_tar(files: dict[str, bytes]) -> bytes:
    """Return a compressed tar archive."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(memory.getvalue(), mtime=0)


def main() -> None:
    """Read the arguments, write the archive."""
    target, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = contents(folder, dict(word.split("=", 1) for word in sys.argv[3:]))
    data = packed_tar(files) if target.name.endswith(".tar.gz") else packed_zip(files)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    pathlib.Path(f"{target}.sha256").write_text(hashlib.sha256(data).hexdigest() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
