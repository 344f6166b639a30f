"""A small application that says which release it is; SHOP_FAULT is what goes wrong with the release."""

import os
import sys

FAULT = os.environ["SHOP_FAULT"]
if FAULT == "crash":
    sys.exit("no such table: orders")


def app(environ, start_response):
    """Answer a request."""
    if environ["PATH_INFO"] == "/readyz" and FAULT == "unready":
        start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"the cache is not warm\n"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("broken" if FAULT == "smoke" else f"{os.environ['SHOP_RELEASE']} from {os.uname().nodename}").encode()]
