# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process: AWS at port 443 for everybody, EKS' agent for pods, and what EKS does in the cluster."""

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
from tests.testbed.aws.server import Quiet
from tests.testbed.aws.world import AwsError, World
from tests.testbed.cluster import Cluster
from tests.testbed.eks import addon, authenticator, datadog, pods, requests
from tests.testbed.eks.front import Environ, Front, Start, text
from tests.testbed.eks.identities import Identities
from tests.testbed.netns import AGENT_IP
from tests.testbed.servers import ISSUER

CERTIFICATE = "aws"
HTTPS = 443
PREFIX = "/_kubernetes/"
READY = "/_o11y/calls"
MASTERS = ["system:masters"]
NAMES = (*requests.NAMES, *datadog.HOSTS)
"""All hosts that lead here."""
STS_NAMES = tuple(name for name in requests.NAMES if name.startswith("sts."))


class Eks:
    """The cluster as EKS has it, and the WSGI applications that answer for AWS."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.world = cluster, World()
        self.world.played.add(addon.ADDON)
        self.application = Application(self.world)
        self.identities = Identities(self.world, lambda: list(probe.get(cluster, "/openid/v1/jwks")["keys"]))
        self.front = Front(self.application, self.identities)
        self.intake = datadog.Intake(self.front.note)
        self.name, self.region = "", requests.REGIONS[0]
        self.access: dict[str, list[str]] = {}
        self.orders: dict[str, Callable[..., Any]] = {
            "eks": self._register,
            "datadog": self._datadog,
            "received": self._received,
            "workspace": self._workspace,
            "reset": self._reset,
        }

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer the tests, the API server, or whoever calls AWS."""
        path = str(environ["PATH_INFO"])
        if path.startswith(control.PREFIX):
            return self._ordered(environ, start, path.removeprefix(control.PREFIX))
        if path.startswith(PREFIX):
            asked = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            return _json(start, {"authenticate": self._authenticate, "pods": self._pods}[path[len(PREFIX) :]](asked))
        to_datadog = environ.get("HTTP_HOST") in datadog.HOSTS or path == datadog.SPANS
        return (self.intake if to_datadog else self.front)(environ, start)

    def agent(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """EKS' agent on the node: credentials for the token of a pod."""
        try:
            return _json(start, self.identities.pod_identity(str(environ.get("HTTP_AUTHORIZATION", ""))))
        except AwsError as error:
            return text(start, 400, "text/plain", f"{error.code}: {error.message}".encode())

    def _ordered(self, environ: Environ, start: Start, name: str) -> Iterable[bytes]:
        if name not in self.orders:
            return _json(start, control.answer(self.application, environ))
        size = int(environ.get("CONTENT_LENGTH") or 0)
        return _json(start, self.orders[name](**json.loads(environ["wsgi.input"].read(size) or b"{}")))

    def _authenticate(self, asked: dict[str, Any]) -> dict[str, Any]:
        hosts = (*STS_NAMES, self.cluster.aws_ip)
        return authenticator.review(asked, self.identities, self.name, hosts, self.access)

    def _pods(self, asked: dict[str, Any]) -> dict[str, Any]:
        def associated(namespace: str, name: str) -> bool:
            return self.identities.association(namespace, name) is not None

        return pods.review(asked, lambda path: probe.get(self.cluster, path), associated, self.region)

    def _register(self, region: str, name: str, **facts: Any) -> dict[str, Any]:
        """Make this cluster known to EKS under a name; who provides it is its administrator."""
        self.name, self.region = name, region
        self.access = {self.identities.person_arn: MASTERS, **facts.pop("access", {})}
        ca = (self.cluster.dir / "pki" / "ca.crt").read_bytes()
        endpoint = f"https://{self.cluster.nodes[0].ip}:6443"
        connection = {"endpoint": endpoint, "ca": _base64(ca), "issuer": ISSUER}
        return control.ORDERS["cluster"](self.application, region=region, name=name, **connection, **facts)

    def _received(self, **wanted: Any) -> dict[str, Any]:
        """Tell what came that fits, the oldest first."""
        with self.front.lock:
            return {"received": [item for item in self.front.received if wanted.items() <= item.items()]}

    def _datadog(self, key: str) -> dict[str, Any]:
        """Let Datadog take what comes with this key."""
        self.intake.key = key
        return {}

    def _workspace(self, id: str, namespace: str, service: str) -> dict[str, Any]:  # noqa: A002 - AWS' name
        """Let a workspace of AMP be the Prometheus behind a Service."""
        self.front.workspaces[id] = lambda: self._endpoint(namespace, service)
        return {}

    def _endpoint(self, namespace: str, service: str) -> str:
        """Return the URL of a ready pod: nodes have no way to the addresses of Services."""
        found = probe.get(self.cluster, f"/api/v1/namespaces/{namespace}/endpoints/{service}").get("subsets", [])
        for subset in found:
            for address in subset.get("addresses", []):
                return f"http://{address['ip']}:{subset['ports'][0]['port']}"
        raise OSError(f"no pod of {namespace}/{service} is ready")

    def _reset(self) -> dict[str, Any]:
        """Forget everything but the keys of who provides the cluster."""
        self.front.reset()
        self.name, self.access, self.intake.key, self.intake.spans = "", {}, "", []
        return control.ORDERS["reset"](self.application)


def _json(start: Start, answer: Any) -> Iterable[bytes]:
    return text(start, 200, "application/json", json.dumps(answer).encode())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def secured(server: BaseWSGIServer, cluster: Cluster) -> BaseWSGIServer:
    """Let a server speak TLS. Each connection's own thread shakes hands, so that none holds up the others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder = cluster.dir / "pki"
    context.load_cert_chain(folder / f"{CERTIFICATE}.crt", folder / f"{CERTIFICATE}.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.ssl_context = context
    return server


def serve(cluster: Cluster, site: addon.Site) -> None:
    """Answer until the process is ended."""
    eks = Eks(cluster)
    (cluster.dir / "aws.json").write_text(json.dumps(dict(zip(("key", "secret"), eks.identities.person, strict=True))))
    server = make_server(cluster.aws_ip, HTTPS, eks, threaded=True, request_handler=Quiet)
    agent = make_server(AGENT_IP, 80, eks.agent, threaded=True, request_handler=Quiet)
    addon.Player(eks.world, site).start()
    threading.Thread(target=agent.serve_forever, daemon=True).start()
    secured(server, cluster).serve_forever(poll_interval=0.05)
