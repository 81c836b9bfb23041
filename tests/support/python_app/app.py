"""A small web application without a line of telemetry: what instruments it comes from outside.

`/` answers with a greeting; where BACKEND names another one (a URL), it asks that one first. `/healthz` says it is up.
"""

from __future__ import annotations

import logging
import os
import urllib.request

from flask import Flask

logging.basicConfig(level=logging.INFO)
app = Flask(__name__)


@app.get("/")
def greet() -> dict[str, str]:
    """Answer, with what the backend has answered."""
    app.logger.info("somebody is greeted")
    backend = os.environ.get("BACKEND")
    if not backend:
        return {"greeting": "hello"}
    with urllib.request.urlopen(backend, timeout=5) as answer:
        return {"greeting": "hello", "backend": answer.read().decode()}


@app.get("/healthz")
def healthz() -> str:
    """Say that it is up."""
    return "ok"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", "8080")))
