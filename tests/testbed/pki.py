# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's certificates and kubeconfigs, made with openssl (Python's library cannot make certificates)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from tests.testbed import command, config
from tests.testbed.cluster import Cluster

DAYS = "365"
NEW_KEY = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
API_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


@dataclass(frozen=True)
class Certificate:
    """A key pair: who it speaks for, the addresses it may serve under, and whether it comes with a kubeconfig."""

    name: str
    subject: str
    names: tuple[str, ...] = ()
    kubeconfig: bool = False


CERTIFICATES = (
    Certificate("admin", "/O=system:masters/CN=admin", kubeconfig=True),
    Certificate("controller-manager", "/CN=system:kube-controller-manager", kubeconfig=True),
    Certificate("scheduler", "/CN=system:kube-scheduler", kubeconfig=True),
    Certificate("proxy", "/CN=system:kube-proxy", kubeconfig=True),
    Certificate("kubelet-client", "/O=system:masters/CN=apiserver-kubelet"),
    Certificate("front-proxy", "/CN=front-proxy"),
)
"""Those that are the same in every cluster; the API server's and the kubelets' carry addresses."""


def certificates(cluster: Cluster) -> list[Certificate]:
    """All key pairs of a cluster."""
    dns = [f"DNS:{name}" for name in (*API_NAMES, "localhost")]
    ips = [f"IP:{ip}" for ip in ("127.0.0.1", cluster.family.api_service, *cluster.nodes[0].ips)]
    apiserver = Certificate("apiserver", "/CN=kube-apiserver", (*dns, *ips))
    kubelets = [
        Certificate(f"kubelet-{node.name}", f"/O=system:nodes/CN=system:node:{node.name}", names, kubeconfig=True)
        for node in cluster.nodes
        for names in [(f"DNS:{node.name}", *(f"IP:{ip}" for ip in node.ips))]
    ]
    return [*CERTIFICATES, apiserver, *kubelets]


def create(cluster: Cluster) -> None:
    """Make the CA, every key pair, the service account key and the kubeconfigs."""
    folder = cluster.dir / "pki"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    ca = ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=o11y-testbed-ca", "-days", DAYS]
    ca += ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    command.run([*NEW_KEY, *ca], cwd=folder)
    for item in certificates(cluster):
        issue(cluster, item)
    command.run(["openssl", "genrsa", "-out", "service-account.key", "2048"], cwd=folder)
    public = ["-in", "service-account.key", "-pubout", "-out", "service-account.pub"]
    command.run(["openssl", "rsa", *public], cwd=folder)


def issue(cluster: Cluster, item: Certificate) -> None:
    """Make one key pair, signed by the cluster's CA."""
    folder = cluster.dir / "pki"
    extensions = ["extendedKeyUsage=clientAuth,serverAuth", "basicConstraints=critical,CA:FALSE"]
    extensions.append("subjectAltName=" + ",".join(item.names or (f"DNS:{item.name}",)))
    files = ["-keyout", f"{item.name}.key", "-out", f"{item.name}.crt", "-CA", "ca.crt", "-CAkey", "ca.key"]
    added = [word for extension in extensions for word in ("-addext", extension)]
    command.run([*NEW_KEY, *files, "-subj", item.subject, "-days", DAYS, *added], cwd=folder)
    if item.kubeconfig:
        _kubeconfig(cluster, folder, item.name)


def _kubeconfig(cluster: Cluster, folder: Path, user: str) -> None:
    """A kubeconfig with everything inside, readable by its owner only."""
    values = {
        "server": f"https://{cluster.nodes[0].ip}:6443",
        "name": f"testbed-{cluster.name}",
        "user": user,
        "ca": _base64(folder / "ca.crt"),
        "certificate": _base64(folder / f"{user}.crt"),
        "key": _base64(folder / f"{user}.key"),
    }
    target = cluster.kubeconfig if user == "admin" else folder / f"{user}.kubeconfig"
    config.write(target, "kubeconfig.yaml", values, mode=0o600)


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
