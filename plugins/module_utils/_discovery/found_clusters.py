# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters that other systems know, as hosts of an inventory. No credential is part of them. Private.

Each source says how a run connects: by the name of an EKS cluster, by a context of a kubeconfig, or by the Secret that
has the credentials, which a lookup reads when a task connects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .._otelcol.config.paths import items, section
from .._otelcol.errors import Problem
from .secret_forms import ARGO_CD, CLUSTER_API, SecretForm

# Where Argo CD names the cluster that it runs in. Source: KubernetesInternalAPIServerAddr of argo-cd.
IN_CLUSTER = "https://kubernetes.default.svc"
# The claim of a cluster about itself, the uid of namespace kube-system.
# Source: ClusterClaim id.k8s.io of Open Cluster Management.
_CLAIMED_UID, _CLAIMED_VERSION = "id.k8s.io", "kubeversion.open-cluster-management.io"
_EKS_READY = ("ACTIVE", "UPDATING")


@dataclass(frozen=True)
class FoundCluster:
    """A cluster as one source knows it. `connection` are the variables by which a run reaches it."""

    name: str
    source: str
    connection: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    server: str = ""
    version: str = ""
    region: str = ""

    @property
    def variables(self) -> dict[str, Any]:
        """Return the variables of its host."""
        told = {
            "name": self.name,
            "source": self.source,
            "server": self.server,
            "version": self.version,
            "region": self.region,
            "labels": dict(self.labels),
        }
        return {**self.connection, "otel_cluster": told}


@dataclass(frozen=True)
class Hub:
    """The cluster that has the Secrets, as a lookup connects to it."""

    kubeconfig: str = ""
    context: str = ""


def of_eks(cluster: Mapping[str, Any], region: str, access: Mapping[str, str]) -> FoundCluster | str:
    """Return an EKS cluster by its description, or in words why no run can reach it."""
    name = str(cluster["name"])
    if cluster.get("status") not in _EKS_READY:
        return f"EKS cluster {name} in {region}: its status is {cluster.get('status')}"
    if not cluster.get("endpoint"):
        return f"EKS cluster {name} in {region}: it is only registered with EKS, so it needs a kubeconfig"
    connection = {"otel_collector_eks_cluster": {"name": name, "region": region, **access}}
    labels = {str(key): str(value) for key, value in section(cluster, "tags").items()}
    return FoundCluster(name, "eks", connection, labels, cluster["endpoint"], str(cluster.get("version", "")), region)


def of_kubeconfig(config: Mapping[str, Any], path: str, patterns: Sequence[str]) -> Iterator[FoundCluster]:
    """Yield the contexts of a kubeconfig whose names match one of the patterns."""
    servers = {row.get("name"): section(row, "cluster").get("server", "") for row in items(config, "clusters")}
    for row in items(config, "contexts"):
        name = str(row.get("name", ""))
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            connection = {"otel_collector_kubeconfig": path, "otel_collector_kube_context": name}
            server = str(servers.get(section(row, "context").get("cluster"), ""))
            yield FoundCluster(name, "kubeconfig", connection, server=server)


def of_argo_cd(secret: Mapping[str, Any], hub: Hub) -> FoundCluster:
    """Return the cluster of a Secret of Argo CD."""
    name = ARGO_CD.text(secret, "name")
    server = ARGO_CD.text(secret, "server")
    return FoundCluster(name or server, "argo_cd", _by_secret(secret, hub, ARGO_CD), _labels(secret), server)


def of_cluster_api(secret: Mapping[str, Any], hub: Hub) -> FoundCluster:
    """Return the cluster of a kubeconfig Secret of Cluster API."""
    name = str(section(secret, "metadata", "labels")[CLUSTER_API.label])
    return FoundCluster(name, "cluster_api", _by_secret(secret, hub, CLUSTER_API), _labels(secret))


def of_managed_cluster(managed: Mapping[str, Any], kubeconfig: str) -> FoundCluster | str:
    """Return a ManagedCluster of Open Cluster Management, or in words why no run can reach it.

    The hub has no credentials of it: a context of the kubeconfig with its name must.
    """
    name = str(section(managed, "metadata")["name"])
    if not section(managed, "spec").get("hubAcceptsClient"):
        return f"ManagedCluster {name}: the hub has not accepted it"
    claims = {row.get("name"): row.get("value") for row in items(section(managed, "status"), "clusterClaims")}
    servers = [row.get("url", "") for row in items(section(managed, "spec"), "managedClusterClientConfigs")]
    connection = {"otel_collector_kube_context": name}
    if kubeconfig:
        connection["otel_collector_kubeconfig"] = kubeconfig
    if claims.get(_CLAIMED_UID):
        connection["otel_expected_cluster"] = str(claims[_CLAIMED_UID])
    version = str(claims.get(_CLAIMED_VERSION) or "")
    server = next(iter(servers), "")
    return FoundCluster(name, "open_cluster_management", connection, _labels(managed), server, version)


def _by_secret(secret: Mapping[str, Any], hub: Hub, form: SecretForm) -> dict[str, Any]:
    """Return how a task reads the credentials: a template of names alone."""
    metadata = section(secret, "metadata")
    words = {
        "form": form.name,
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "kubeconfig": hub.kubeconfig,
        "context": hub.context,
    }
    arguments = ", ".join(f"{key}={_quoted(str(value))}" for key, value in words.items() if value)
    return {"otel_collector_kubeconfig": "{{ lookup('o11y.opentelemetry.cluster_kubeconfig', " + arguments + ") }}"}


def _quoted(value: str) -> str:
    """Return a text of Jinja. Raises Problem for a name that would end it."""
    if any(sign in value for sign in "'\\{}%\n"):
        fix = "Use a name or path without quotes, backslashes, braces and percent signs."
        raise Problem(f"{value!r} cannot be named in a template", fix=fix)
    return f"'{value}'"


def _labels(found: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in section(found, "metadata", "labels").items()}


def only_labelled(found: Iterable[FoundCluster], wanted_labels: Mapping[str, str]) -> Iterator[FoundCluster]:
    """Yield the clusters that have all labels; `*` is any value."""
    for cluster in found:
        pairs = wanted_labels.items()
        if all(key in cluster.labels and fnmatchcase(cluster.labels[key], str(value)) for key, value in pairs):
            yield cluster


@dataclass(frozen=True)
class Fleet:
    """The hosts of the inventory by name, and what was left out."""

    hosts: Mapping[str, FoundCluster]
    notes: tuple[str, ...]


def fleet_of(found: Iterable[tuple[str, FoundCluster]]) -> Fleet:
    """Return the hosts by their names. One API server is one host: that of the source that is listed first.

    Raises Problem if two clusters have the same name.
    """
    hosts: dict[str, FoundCluster] = {}
    names_by_server: dict[str, str] = {}
    notes = []
    for host_name, cluster in found:
        other_name = names_by_server.get(cluster.server, "") if cluster.server != IN_CLUSTER else ""
        if other_name:
            notes.append(
                f"{host_name} of source {cluster.source} is left out: it is the cluster of host {other_name}"
                f" ({cluster.server})"
            )
            continue
        if host_name in hosts:
            raise Problem(
                f"two clusters are named {host_name}: of {_told(hosts[host_name])} and of {_told(cluster)}",
                where="hostname",
                fix="Set `hostname`, such as to `otel_cluster.region ~ '-' ~ otel_cluster.name`.",
            )
        hosts[host_name] = cluster
        if cluster.server:
            names_by_server[cluster.server] = host_name
    return Fleet(hosts, tuple(notes))


def _told(cluster: FoundCluster) -> str:
    return " ".join(filter(None, (cluster.source, cluster.region, cluster.server)))
