# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server of a cluster as EKS has it: AWS on port 443, EKS' agent for pods, and the webhooks of the API server.

One WSGI application answers on port 443. Below /_o11y/ tests give orders, below /_kubernetes/ the API server asks its
webhooks, and all else is a call of AWS or Datadog.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server

from tests.testbed import probe
from tests.testbed.aws import control
from tests.testbed.aws.app import Application
from tests.testbed.aws.server import QuietRequestHandler
from tests.testbed.aws.world import AwsError, World
from tests.testbed.cluster import Cluster
from tests.testbed.eks import addon, authenticator, datadog, pods, requests
from tests.testbed.eks.front import Environ, FrontApplication, StartResponse, send_response
from tests.testbed.eks.identities import Identities
from tests.testbed.netns import AGENT_IP
from tests.testbed.servers import ISSUER

CERTIFICATE = "aws"
HTTPS_PORT, HTTP_PORT = 443, 80
WEBHOOK_PREFIX = "/_kubernetes/"
"""Where config/eks.yaml and config/authenticator.yaml let the API server ask."""
READY_PATH = "/_o11y/calls"
"""An order that changes nothing, for the probe of the server."""
MASTER_GROUPS = ["system:masters"]
HOST_NAMES = (*requests.HOST_NAMES, *datadog.HOSTS)
"""The hosts that CoreDNS answers with the address of this server."""
STS_NAMES = tuple(name for name in requests.HOST_NAMES if name.startswith("sts."))
POLL_SECONDS = 0.05


class Eks:
    """The simulated AWS with one cluster of EKS, which is the testbed's cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.world = cluster, World()
        self.world.externally_driven.add(addon.ADDON_NAME)
        self.application = Application(self.world)
        self.identities = Identities(self.world, self._published_keys)
        self.front = FrontApplication(self.application, self.identities)
        self.intake = datadog.Intake(self.front.note_request)
        self.name, self.region = "", requests.REGIONS[0]
        self.access: dict[str, list[str]] = {}
        """The access entries of the cluster: groups of Kubernetes by ARN."""
        self.orders: dict[str, Callable[..., Any]] = {
            "eks": self._register_cluster,
            "datadog": self._set_datadog_key,
            "received": self._list_received,
            "workspace": self._add_workspace,
            "reset": self._reset,
        }
        self.webhooks: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "authenticate": self._answer_token_review,
            "pods": self._answer_pod_review,
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request of the tests, of the API server, or of a client of AWS or Datadog."""
        path = str(environ["PATH_INFO"])
        if path.startswith(control.PREFIX):
            return self._obey_order(environ, start_response, path.removeprefix(control.PREFIX))
        if path.startswith(WEBHOOK_PREFIX):
            webhook = self.webhooks[path.removeprefix(WEBHOOK_PREFIX)]
            return _respond_json(start_response, webhook(_read_json_body(environ)))
        if environ.get("HTTP_HOST") in datadog.HOSTS or path == datadog.SPANS_PATH:
            return self.intake(environ, start_response)
        return self.front(environ, start_response)

    def agent(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as EKS' agent on the node: with credentials for the token of a pod."""
        try:
            return _respond_json(
                start_response, self.identities.issue_pod_credentials(str(environ.get("HTTP_AUTHORIZATION", "")))
            )
        except AwsError as error:
            return send_response(start_response, 400, "text/plain", f"{error.code}: {error.message}".encode())

    def _published_keys(self) -> list[dict[str, str]]:
        """Return the keys with which the API server signs tokens."""
        return list(probe.read_object(self.cluster, "/openid/v1/jwks")["keys"])

    def _obey_order(self, environ: Environ, start_response: StartResponse, order_name: str) -> Iterable[bytes]:
        """Do what a test orders; orders that EKS does not have are those of aws/control.py."""
        if order_name not in self.orders:
            return _respond_json(start_response, control.obey_order(self.application, environ))
        return _respond_json(start_response, self.orders[order_name](**_read_json_body(environ)))

    def _answer_token_review(self, token_review: dict[str, Any]) -> dict[str, Any]:
        hosts = (*STS_NAMES, self.cluster.aws_ip)
        return authenticator.answer_review(token_review, self.identities, self.name, hosts, self.access)

    def _answer_pod_review(self, admission_review: dict[str, Any]) -> dict[str, Any]:
        return pods.answer_review(admission_review, self._read_api, self._is_associated, self.region)

    def _read_api(self, path: str) -> Any:
        return probe.read_object(self.cluster, path)

    def _is_associated(self, namespace: str, account: str) -> bool:
        return self.identities.find_association(namespace, account) is not None

    def _register_cluster(self, region: str, name: str, **facts: Any) -> dict[str, Any]:
        """Make this cluster known to EKS under a name. The administrator of AWS is one of the cluster too."""
        self.name, self.region = name, region
        self.access = {self.identities.administrator_arn: MASTER_GROUPS, **facts.pop("access", {})}
        authority = (self.cluster.dir / "pki" / "ca.crt").read_bytes()
        endpoint = f"https://{self.cluster.nodes[0].ip}:6443"
        connection = {"endpoint": endpoint, "ca": base64.b64encode(authority).decode(), "issuer": ISSUER}
        return control.ORDERS["cluster"](self.application, region=region, name=name, **connection, **facts)

    def _list_received(self, **fields: Any) -> dict[str, Any]:
        """Return the received requests that have these fields, the oldest first."""
        with self.front.lock:
            received_requests = self.front.received
        return {"received": [request for request in received_requests if fields.items() <= request.items()]}

    def _set_datadog_key(self, key: str) -> dict[str, Any]:
        """Set the API key that Datadog accepts."""
        self.intake.key = key
        return {}

    def _add_workspace(self, id: str, namespace: str, service: str) -> dict[str, Any]:  # noqa: A002 - AWS' name
        """Make the Prometheus behind a Service a workspace of AMP."""
        self.front.workspaces[id] = lambda: self._find_service_url(namespace, service)
        return {}

    def _find_service_url(self, namespace: str, service: str) -> str:
        """Return the URL of a ready pod of a Service: nodes cannot reach the addresses of Services.

        Raises OSError if no pod is ready.
        """
        endpoints = probe.read_object(self.cluster, f"/api/v1/namespaces/{namespace}/endpoints/{service}")
        for subset in endpoints.get("subsets", []):
            for address in subset.get("addresses", []):
                return f"http://{address['ip']}:{subset['ports'][0]['port']}"
        raise OSError(f"no pod of {namespace}/{service} is ready")

    def _reset(self) -> dict[str, Any]:
        """Forget everything but the administrator's key."""
        self.front.reset()
        self.name, self.access, self.intake.key, self.intake.spans = "", {}, "", []
        return control.ORDERS["reset"](self.application)


def _read_json_body(environ: Environ) -> dict[str, Any]:
    """Return the object in the body of a request; an empty one for a request without a body."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body: dict[str, Any] = json.loads(environ["wsgi.input"].read(size) or b"{}")
    return body


def _respond_json(start_response: StartResponse, answer: Any) -> Iterable[bytes]:
    return send_response(start_response, 200, "application/json", json.dumps(answer).encode())


def add_tls(server: BaseWSGIServer, cluster: Cluster) -> BaseWSGIServer:
    """Let a server speak TLS. The thread of each connection does its handshake, so that none delays the others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder = cluster.dir / "pki"
    context.load_cert_chain(folder / f"{CERTIFICATE}.crt", folder / f"{CERTIFICATE}.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.ssl_context = context
    return server


def serve(cluster: Cluster, site: addon.AddonSite) -> None:
    """Answer until the process is ended. The administrator's key is in aws.json, for `launch.variables`."""
    eks = Eks(cluster)
    key, secret_key = eks.identities.person
    (cluster.dir / "aws.json").write_text(json.dumps({"key": key, "secret": secret_key}))
    server = make_server(cluster.aws_ip, HTTPS_PORT, eks, threaded=True, request_handler=QuietRequestHandler)
    agent_server = make_server(AGENT_IP, HTTP_PORT, eks.agent, threaded=True, request_handler=QuietRequestHandler)
    addon.AddonController(eks.world, site).start()
    threading.Thread(target=agent_server.serve_forever, daemon=True).start()
    add_tls(server, cluster).serve_forever(poll_interval=POLL_SECONDS)
