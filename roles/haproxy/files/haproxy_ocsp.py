# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the responder of each certificate's authority about it, and let HAProxy send the answer along (OCSP stapling).

Arguments: certificates with their chains (PEM). The answer is verified, given to the running HAProxy without a reload
and kept beside the certificate (the same path and .ocsp). One that is not "good" is not used and ends this with 1.
"""

from __future__ import annotations

import base64
import fcntl
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

ADMIN_SOCKET = "/run/haproxy/admin.sock"
LOCK = "/run/golive-haproxy-ocsp.lock"
LOADED = "/run/golive-haproxy.loaded"  # written whenever HAProxy reads its files
CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class StaplingError(Exception):
    """A certificate for which there is no answer."""


def openssl(*arguments: str) -> str:
    """Return what openssl prints; raise StaplingError with its reason."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise StaplingError((done.stderr or done.stdout).strip().replace("\n", " ")[:300])
    return done.stdout + done.stderr


def tell_haproxy(response: bytes) -> str:
    """Give the answer to the running process and return what it says."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as admin:
        admin.settimeout(10)
        admin.connect(ADMIN_SOCKET)
        admin.sendall(b"set ssl ocsp-response " + base64.b64encode(response) + b"\n")
        admin.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: admin.recv(4096), b"")).decode(errors="replace").strip()


def keep(response: bytes, target: pathlib.Path) -> None:
    """Write the file that HAProxy reads at a reload."""
    fresh = pathlib.Path(f"{target}.new")
    fresh.write_bytes(response)
    fresh.replace(target)


def staple(path: str, folder: str) -> None:
    """Ask, verify, tell, keep."""
    chain = CERTIFICATE.findall(pathlib.Path(path).read_text(encoding="ascii"))
    if len(chain) < 2:
        raise StaplingError("the file holds no certificate of its issuer, with which the answer would be verified")
    leaf, issuer, answer = (os.path.join(folder, name) for name in ("leaf", "issuer", "answer"))
    pathlib.Path(leaf).write_text(chain[0] + "\n", encoding="ascii")
    pathlib.Path(issuer).write_text("\n".join(chain[1:]) + "\n", encoding="ascii")
    responder = openssl("x509", "-in", leaf, "-noout", "-ocsp_uri").split()
    if not responder:
        raise StaplingError("the certificate names no responder: haproxy_ocsp_stapling has to be false for it")
    question = ["-issuer", issuer, "-cert", leaf, "-url", responder[0], "-no_nonce", "-timeout", "20"]
    said = openssl("ocsp", *question, "-respout", answer, "-CAfile", issuer, "-partial_chain")
    if f"{leaf}: good" not in said:
        raise StaplingError(f"the responder does not call it good: {said.strip()[:300]}")
    response = pathlib.Path(answer).read_bytes()
    target = pathlib.Path(f"{path}.ocsp")
    # Every time, as the file proves nothing: a run may have been killed before HAProxy was told.
    said = tell_haproxy(response)
    if "updated" in said:
        keep(response, target)
        return
    # It learns at a reload only that there is an answer at all: one more is of no use if the file was there then.
    if target.exists() and os.path.getmtime(path) <= target.stat().st_mtime < os.path.getmtime(LOADED):
        raise StaplingError(f"HAProxy did not take the answer: {said}")
    keep(response, target)
    try:
        subprocess.run(["systemctl", "reload", "haproxy.service"], check=True)
    except subprocess.SubprocessError:
        target.unlink()
        raise


def main() -> None:
    """Go through the certificates."""
    problems = []
    with open(LOCK, "w", encoding="ascii") as lock:
        # One at a time: a reload, the timer and an administrator may all ask.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for certificate in sys.argv[1:]:
            with tempfile.TemporaryDirectory(prefix="golive-") as work:
                try:
                    staple(certificate, work)
                except (StaplingError, OSError, subprocess.SubprocessError) as exc:
                    problems.append(f"{certificate}: {exc}")
    if problems:
        sys.exit(" ".join(problems))


if __name__ == "__main__":
    main()
