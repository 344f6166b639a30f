"""A small application: it serves its static client and says which release it is, and that it has its secret."""

import hashlib
import json
import os
import pathlib

RELEASE = pathlib.Path(__file__).resolve().parent
STATIC = RELEASE / "web/node_modules/client"


def app(environ, start_response):
    """Answer a request."""
    path = environ["PATH_INFO"]
    if path in ("/healthz", "/readyz"):
        worker = (pathlib.Path(os.environ["STATE_DIRECTORY"]) / "heartbeat-worker").exists()
        ready = path == "/healthz" or (worker and os.environ["SHOP_FAULT"] != "unready")
        start_response("200 OK" if ready else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"ready\n" if ready else b"not ready\n"]
    if path.startswith("/static/"):
        start_response("200 OK", [("Content-Type", "text/javascript")])
        return [(STATIC / os.path.basename(path)).read_bytes()]
    answer = {
        "release": RELEASE.name,
        "greeting": os.environ["SHOP_GREETING"],
        "configuration": pathlib.Path(os.environ["SHOP_CONFIG"]).read_text(encoding="utf-8"),
        "secret_sha256": hashlib.sha256(os.environ["SHOP_SECRET"].encode()).hexdigest(),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
