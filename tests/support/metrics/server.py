"""A metrics API for tests, so that autoscalers really move.

It runs in a pod (standard library alone) and serves two APIServices. In `metrics.k8s.io/v1beta1`, every pod uses as
much CPU as the file /tmp/load says, in millicores. `custom.metrics.k8s.io/v1beta2` has the sum of any metric that a pod
shows at port 8888. Arguments: certificate, key.
"""

from __future__ import annotations

import json
import ssl
import sys
import urllib.request
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

API = "https://kubernetes.default.svc"
LOAD_FILE = Path("/tmp/load")
IDLE_MILLICORES = "10"
ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
GROUP = "/apis/metrics.k8s.io/v1beta1"
CUSTOM_GROUP = "/apis/custom.metrics.k8s.io/v1beta2"
RESOURCES = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": "metrics.k8s.io/v1beta1",
    "resources": [
        {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}
    ],
}


CUSTOM_RESOURCES = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": CUSTOM_GROUP.removeprefix("/apis/"),
    "resources": [
        {"name": "pods/any", "singularName": "", "namespaced": True, "kind": "MetricValueList", "verbs": ["get"]}
    ],
}


class Handler(BaseHTTPRequestHandler):
    """Answers the autoscaler's controller."""

    def do_GET(self) -> None:
        """List the resources, or the metrics of the pods that a selector matches."""
        url = urlsplit(self.path)
        root = CUSTOM_GROUP if url.path.startswith(CUSTOM_GROUP) else GROUP
        if not url.path.startswith(f"{root}/namespaces/"):
            self._answer(RESOURCES if root == GROUP else CUSTOM_RESOURCES)
            return
        namespace = url.path.removeprefix(f"{root}/namespaces/").split("/")[0]
        selector = parse_qs(url.query).get("labelSelector", [""])[0]
        pods = _list_pods(namespace, selector)
        if root == CUSTOM_GROUP:
            name = url.path.rpartition("/")[2]
            values = [_read_metric_value(pod, name) for pod in pods if _is_serving(pod)]
            self._answer(
                {
                    "kind": "MetricValueList",
                    "apiVersion": CUSTOM_GROUP.removeprefix("/apis/"),
                    "metadata": {},
                    "items": values,
                }
            )
            return
        items = [_build_pod_metrics(pod) for pod in pods]
        self._answer({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items})

    def _answer(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the API server asks every few seconds."""


def _list_pods(namespace: str, selector: str) -> list[dict[str, Any]]:
    query = urlencode({"labelSelector": selector})
    token = (ACCOUNT_FOLDER / "token").read_text()
    request = urllib.request.Request(
        f"{API}/api/v1/namespaces/{namespace}/pods?{query}", headers={"Authorization": f"Bearer {token}"}
    )
    tls_context = ssl.create_default_context(cafile=str(ACCOUNT_FOLDER / "ca.crt"))
    with urllib.request.urlopen(request, context=tls_context, timeout=10) as answer:
        pods: list[dict[str, Any]] = json.load(answer)["items"]
    return pods


def _build_pod_metrics(pod: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: pod["metadata"].get(key) for key in ("name", "namespace", "labels")}
    millicores = LOAD_FILE.read_text().strip() if LOAD_FILE.exists() else IDLE_MILLICORES
    usage = {"cpu": f"{millicores}m", "memory": "64Mi"}
    return {
        "metadata": metadata,
        # The autoscaler ignores what was measured, in part, before the pod was ready.
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window": "1s",
        "containers": [{"name": container["name"], "usage": usage} for container in pod["spec"]["containers"]],
    }


def _is_serving(pod: dict[str, Any]) -> bool:
    """Return whether a pod is ready and stays."""
    conditions = {condition["type"]: condition["status"] for condition in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def _read_metric_value(pod: dict[str, Any], name: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{pod['status']['podIP']}:8888/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    values = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} "))]
    pod_reference = {"kind": "Pod", "apiVersion": "/v1", **{key: pod["metadata"][key] for key in ("name", "namespace")}}
    return {
        "describedObject": pod_reference,
        "metric": {"name": name},
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "windowSeconds": 1,
        "value": str(int(sum(values))),
    }


if __name__ == "__main__":
    server = ThreadingHTTPServer(("", 8443), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
