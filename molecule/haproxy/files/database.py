"""A member of a cluster as a balancer sees it. Arguments: NAME ADDRESS CERTIFICATE.

ADDRESS:5431 greets with NAME and sends back what it gets. https://ADDRESS:8008 answers as Patroni's REST API does:
/run/database-NAME.role says primary, replica or anything else.
"""

import http.server
import pathlib
import socketserver
import ssl
import sys
import threading

NAME, ADDRESS, CERTIFICATE = sys.argv[1:]
ROLE = pathlib.Path(f"/run/database-{NAME}.role")


class Session(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(NAME.encode())
        while data := self.request.recv(100):
            self.request.sendall(data)


class Database(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Health(http.server.BaseHTTPRequestHandler):
    def do_OPTIONS(self):
        role = ROLE.read_text().strip() if ROLE.exists() else "stopped"
        self.send_response_only(200 if self.path == f"/{role}" else 503)
        self.end_headers()


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(CERTIFICATE, f"{CERTIFICATE}.key")
health = http.server.ThreadingHTTPServer((ADDRESS, 8008), Health)
health.socket = tls.wrap_socket(health.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=health.serve_forever, daemon=True).start()
Database((ADDRESS, 5431), Session).serve_forever()
