# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A registry that one can pull from, on 127.0.0.1:5000: the files of a folder by their digests, for one user only.

Usage: registry.py FOLDER ACCESS; ACCESS is a file with user:password.
"""

from __future__ import annotations

import base64
import http.server
import pathlib
import sys

FOLDER = pathlib.Path(sys.argv[1])
ACCESS = "Basic " + base64.b64encode(pathlib.Path(sys.argv[2]).read_bytes()).decode()


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers GET and HEAD of /v2/, manifests and blobs."""

    def do_GET(self) -> None:
        """Send what was asked for."""
        if self.headers.get("Authorization") != ACCESS:
            return self.answer(401, b"{}", {"WWW-Authenticate": 'Basic realm="registry"'})
        if self.path == "/v2/":
            return self.answer(200, b"{}", {})
        name = self.path.rsplit("sha256:", 1)[-1]
        path = FOLDER / name
        if not name.isalnum() or not path.is_file():
            return self.answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}', {})
        kind = "application/octet-stream"
        if "/manifests/" in self.path:
            kind = "application/vnd.docker.distribution.manifest.v2+json"
        return self.answer(200, path.read_bytes(), {"Content-Type": kind, "Docker-Content-Digest": "sha256:" + name})

    def do_HEAD(self) -> None:
        """Send only what it is."""
        self.do_GET()

    def answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


http.server.ThreadingHTTPServer(("127.0.0.1", 5000), Registry).serve_forever()
