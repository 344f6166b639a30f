"""A backend that tells what it was asked: GET or POST /, /slow?SECONDS, /readyz. Arguments: NAME PORT."""

import http.server
import json
import os
import sys
import time

NAME, PORT = sys.argv[1], int(sys.argv[2])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SecretServer/1.2.3"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = 200
        if self.path == "/readyz":
            status = 503 if os.path.exists(f"/run/backend-{NAME}.down") else 200
        elif self.path.startswith("/slow?"):
            time.sleep(float(self.path.partition("?")[2]))
        body = json.dumps({"backend": NAME, "path": self.path, "headers": self.headers.items()}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
