# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a cluster as one table: what runs, with which arguments, when it is ready, and what comes before.

`${…}` is filled in from `values`. Servers of the control plane run on the first node, the others on every node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from tests.testbed.cluster import Cluster, Node

ISSUER = "https://kubernetes.default.svc.cluster.local"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"


@dataclass(frozen=True)
class Server:
    """A program that runs for as long as the cluster does."""

    name: str
    program: str
    arguments: tuple[str, ...]
    ready: str
    """What answers once it is ready: a URL, or unix: and a path on the node."""
    needed_steps: tuple[str, ...] = ()
    """Steps and servers before it; a server's own node is meant where it runs on every node."""
    is_built: bool = True
    """Built by us (else it comes with a Debian package)."""
    # As long as a busy machine needs; a server that ends is told at once.
    start_seconds: float = 180


def _kubeconfig_flags(name: str, *flags: str) -> tuple[str, ...]:
    return tuple(f"--{flag}=${{pki}}/{name}.kubeconfig" for flag in flags)


CONTROL_PLANE = (
    Server(
        "etcd",
        "etcd",
        (
            "--data-dir=${cluster}/etcd",
            "--listen-client-urls=http://${ip}:2379",
            "--advertise-client-urls=http://${ip}:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--unsafe-no-fsync",
        ),
        ready="http://${ip}:2379/health",
        needed_steps=("network",),
        is_built=False,
    ),
    Server(
        "kube-apiserver",
        "kube-apiserver",
        (
            "--etcd-servers=http://${ip}:2379",
            "--advertise-address=${first_ip}",
            "--bind-address=${everywhere}",
            "--service-cluster-ip-range=${service_network}",
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--client-ca-file=${pki}/ca.crt",
            "--tls-cert-file=${pki}/apiserver.crt",
            "--tls-private-key-file=${pki}/apiserver.key",
            "--kubelet-certificate-authority=${pki}/ca.crt",
            "--kubelet-client-certificate=${pki}/kubelet-client.crt",
            "--kubelet-client-key=${pki}/kubelet-client.key",
            "--kubelet-preferred-address-types=InternalIP",
            # Real tokens for IRSA: the same issuer that signs them names AWS STS as an audience.
            "--service-account-issuer=${issuer}",
            "--service-account-key-file=${pki}/service-account.pub",
            "--service-account-signing-key-file=${pki}/service-account.key",
            "--api-audiences=${issuer},sts.amazonaws.com",
            "--requestheader-client-ca-file=${pki}/ca.crt",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            "--proxy-client-cert-file=${pki}/front-proxy.crt",
            "--proxy-client-key-file=${pki}/front-proxy.key",
            "--enable-aggregator-routing=true",
            "--authentication-token-webhook-config-file=${dir}/authenticator.yaml",
            "--authentication-token-webhook-version=v1",
        ),
        ready="https://${ip}:6443/readyz",
        needed_steps=("build kubernetes", "pki", "etcd"),
    ),
    # These two exit while the API server is still making the RBAC rules that it starts with.
    Server(
        "kube-controller-manager",
        "kube-controller-manager",
        (
            *_kubeconfig_flags(
                "controller-manager", "kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"
            ),
            "--service-account-private-key-file=${pki}/service-account.key",
            "--root-ca-file=${pki}/ca.crt",
            "--use-service-account-credentials=true",
            "--cluster-signing-cert-file=${pki}/ca.crt",
            "--cluster-signing-key-file=${pki}/ca.key",
            "--cluster-cidr=${pod_network_all}",
            "--allocate-node-cidrs=false",
            # Its own default throttles it for the first seconds, when all controllers start at once.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--leader-elect=false",
        ),
        ready="https://${ip}:10257/healthz",
        needed_steps=("kube-apiserver",),
    ),
    Server(
        "kube-scheduler",
        "kube-scheduler",
        (
            *_kubeconfig_flags("scheduler", "kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"),
            "--leader-elect=false",
        ),
        ready="https://${ip}:10259/healthz",
        needed_steps=("kube-apiserver",),
    ),
)

EVERY_NODE = (
    Server(
        "containerd",
        "containerd",
        ("--config=${dir}/containerd.toml",),
        ready=f"unix:{CONTAINERD_SOCKET}",
        needed_steps=("network",),
        is_built=False,
    ),
    Server(
        "kubelet",
        "kubelet",
        (
            "--config=${dir}/kubelet.yaml",
            "--kubeconfig=${pki}/kubelet-${node}.kubeconfig",
            "--hostname-override=${node}",
            "--node-ip=${ips}",
            "--v=2",
        ),
        ready="http://${ip}:10248/healthz",
        needed_steps=("containerd", "load pause", "kube-apiserver"),
    ),
    Server(
        "kube-proxy",
        "kube-proxy",
        ("--config=${dir}/kube-proxy.yaml",),
        ready="http://${ip}:10256/livez",
        # It waits for 30 seconds for its node to exist, and ends. The kubelet of a busy machine may take longer.
        needed_steps=("kubelet",),
    ),
)


def list_template_values(cluster: Cluster, node: Node) -> dict[str, str]:
    """Everything that arguments and configuration files may refer to."""
    return {
        "cluster": str(cluster.dir),
        "pki": str(cluster.dir / "pki"),
        "dir": str(node.dir),
        "node": node.name,
        "ip": node.ip,
        "first_ip": node.ips[0],
        "ips": ",".join(node.ips),
        "everywhere": cluster.family.everywhere,
        "route": cluster.family.route,
        "aws_ip": cluster.aws_ip,
        "namespace": node.namespace,
        "pod_network": node.pod_network,
        "pod_network_all": cluster.family.pods,
        "service_network": cluster.family.services,
        "dns_ip": cluster.family.dns_service,
        "issuer": ISSUER,
    }


@dataclass(frozen=True)
class Instance:
    """A server in its place."""

    server: Server
    node: Node
    any_address: bool

    @property
    def name(self) -> str:
        """Unique in the cluster; names the log, the step and the mark of the process."""
        return f"{self.server.name}@{self.node.name}" if self.any_address else self.server.name

    @property
    def needed_steps(self) -> tuple[str, ...]:
        """The steps before it, by their full names."""
        return tuple(local_name(need, self.node) for need in self.server.needed_steps)

    def fill_in(self, text: str, template_values: Mapping[str, str]) -> str:
        """An argument with its values."""
        return Template(text).substitute(template_values)


def local_name(step: str, node: Node) -> str:
    """A step's name on a node, where there is one such step on every node."""
    is_per_node = step.startswith("load ") or step in {server.name for server in EVERY_NODE}
    return f"{step}@{node.name}" if is_per_node else step


def list_instances(cluster: Cluster) -> list[Instance]:
    """All servers of the cluster."""
    control_plane = [Instance(server, cluster.nodes[0], any_address=False) for server in CONTROL_PLANE]
    return control_plane + [Instance(server, node, any_address=True) for server in EVERY_NODE for node in cluster.nodes]
