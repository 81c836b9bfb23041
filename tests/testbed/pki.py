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

VALID_DAYS = "365"
NEW_KEY_COMMAND = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
API_HOST_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


@dataclass(frozen=True)
class Certificate:
    """A key pair: who it speaks for, the addresses it may serve under, and whether it comes with a kubeconfig."""

    name: str
    subject: str
    names: tuple[str, ...] = ()
    has_kubeconfig: bool = False


CERTIFICATES = (
    Certificate("admin", "/O=system:masters/CN=admin", has_kubeconfig=True),
    Certificate("controller-manager", "/CN=system:kube-controller-manager", has_kubeconfig=True),
    Certificate("scheduler", "/CN=system:kube-scheduler", has_kubeconfig=True),
    Certificate("proxy", "/CN=system:kube-proxy", has_kubeconfig=True),
    Certificate("kubelet-client", "/O=system:masters/CN=apiserver-kubelet"),
    Certificate("front-proxy", "/CN=front-proxy"),
)
"""Those that are the same in every cluster; the API server's and the kubelets' carry addresses."""


def list_certificates(cluster: Cluster) -> list[Certificate]:
    """All key pairs of a cluster."""
    dns_names = [f"DNS:{name}" for name in (*API_HOST_NAMES, "localhost")]
    ip_names = [f"IP:{ip}" for ip in ("127.0.0.1", cluster.family.api_service, *cluster.nodes[0].ips)]
    apiserver_certificate = Certificate("apiserver", "/CN=kube-apiserver", (*dns_names, *ip_names))
    kubelet_certificates = [
        Certificate(f"kubelet-{node.name}", f"/O=system:nodes/CN=system:node:{node.name}", names, has_kubeconfig=True)
        for node in cluster.nodes
        for names in [(f"DNS:{node.name}", *(f"IP:{ip}" for ip in node.ips))]
    ]
    return [*CERTIFICATES, apiserver_certificate, *kubelet_certificates]


def create_pki(cluster: Cluster) -> None:
    """Make the CA, every key pair, the service account key and the kubeconfigs."""
    folder = cluster.dir / "pki"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    authority_arguments = ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=o11y-testbed-ca", "-days", VALID_DAYS]
    authority_arguments += ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    command.run([*NEW_KEY_COMMAND, *authority_arguments], cwd=folder)
    for certificate in list_certificates(cluster):
        issue_certificate(cluster, certificate)
    command.run(["openssl", "genrsa", "-out", "service-account.key", "2048"], cwd=folder)
    public_key_arguments = ["-in", "service-account.key", "-pubout", "-out", "service-account.pub"]
    command.run(["openssl", "rsa", *public_key_arguments], cwd=folder)


def issue_certificate(cluster: Cluster, certificate: Certificate) -> None:
    """Make one key pair, signed by the cluster's CA."""
    folder = cluster.dir / "pki"
    extensions = ["extendedKeyUsage=clientAuth,serverAuth", "basicConstraints=critical,CA:FALSE"]
    extensions.append("subjectAltName=" + ",".join(certificate.names or (f"DNS:{certificate.name}",)))
    file_arguments = [
        "-keyout",
        f"{certificate.name}.key",
        "-out",
        f"{certificate.name}.crt",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
    ]
    extension_arguments = [argument for extension in extensions for argument in ("-addext", extension)]
    command.run(
        [*NEW_KEY_COMMAND, *file_arguments, "-subj", certificate.subject, "-days", VALID_DAYS, *extension_arguments],
        cwd=folder,
    )
    if certificate.has_kubeconfig:
        _write_kubeconfig(cluster, folder, certificate.name)


def _write_kubeconfig(cluster: Cluster, folder: Path, user: str) -> None:
    """A kubeconfig with everything inside, readable by its owner only."""
    values = {
        "server": f"https://{cluster.nodes[0].ip}:6443",
        "name": f"testbed-{cluster.name}",
        "user": user,
        "ca": _encode_file(folder / "ca.crt"),
        "certificate": _encode_file(folder / f"{user}.crt"),
        "key": _encode_file(folder / f"{user}.key"),
    }
    target = cluster.kubeconfig if user == "admin" else folder / f"{user}.kubeconfig"
    config.write_config(target, "kubeconfig.yaml", values, mode=0o600)


def _encode_file(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
