"""A metrics API for tests: every pod uses as much CPU as the test says, so that autoscalers really move.

It runs in a pod (standard library alone), serves `metrics.k8s.io/v1beta1` for an APIService, and takes a new figure by
`PUT /load` with millicores as the body. Arguments: certificate, key.
"""

from __future__ import annotations

import json
import ssl
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

API = "https://kubernetes.default.svc"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
GROUP = "/apis/metrics.k8s.io/v1beta1"
RESOURCES = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": "metrics.k8s.io/v1beta1",
    "resources": [
        {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}
    ],
}


class Handler(BaseHTTPRequestHandler):
    """Answers the autoscaler's controller, and the test."""

    load = "10m"

    def do_PUT(self) -> None:
        """Take the CPU that every pod uses from now on, in millicores."""
        Handler.load = f"{int(self.rfile.read(int(self.headers['Content-Length'])))}m"
        self._answer({})

    def do_GET(self) -> None:
        """List the resources, or the metrics of the pods that a selector matches."""
        url = urlsplit(self.path)
        if not url.path.startswith(f"{GROUP}/namespaces/"):
            self._answer(RESOURCES)
            return
        namespace = url.path.removeprefix(f"{GROUP}/namespaces/").split("/")[0]
        selector = parse_qs(url.query).get("labelSelector", [""])[0]
        items = [_metrics(pod) for pod in _pods(namespace, selector)]
        self._answer({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items})

    def _answer(self, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the API server asks every few seconds."""


def _pods(namespace: str, selector: str) -> list[dict[str, Any]]:
    query = urlencode({"labelSelector": selector})
    token = (ACCOUNT / "token").read_text()
    request = urllib.request.Request(
        f"{API}/api/v1/namespaces/{namespace}/pods?{query}", headers={"Authorization": f"Bearer {token}"}
    )
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, context=trust, timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["items"]
    return found


def _metrics(pod: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: pod["metadata"].get(key) for key in ("name", "namespace", "labels")}
    usage = {"cpu": Handler.load, "memory": "64Mi"}
    return {
        "metadata": metadata,
        # The autoscaler ignores what it takes for older than the pod's start.
        "timestamp": pod["status"].get("startTime"),
        "window": "15s",
        "containers": [{"name": container["name"], "usage": usage} for container in pod["spec"]["containers"]],
    }


if __name__ == "__main__":
    server = ThreadingHTTPServer(("", 8443), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
