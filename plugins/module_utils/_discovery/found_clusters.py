# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters that other systems know, as hosts of an inventory. No credential is part of them. Private.

`live/cluster_sources.py` reads what a source has, and calls one of the `read_*` functions for each cluster. It says how
a run connects: by the name of an EKS cluster, by a context of a kubeconfig, or by the Secret that has the credentials,
which a lookup reads when a task connects. For example, the context `shop` of a kubeconfig becomes

    FoundCluster(name="shop", source="kubeconfig", connection_variables={"otel_collector_kubeconfig": "~/.kube/config",
                 "otel_collector_kube_context": "shop"}, server="https://shop.example")

The inventory plugin gives all of them, with the names of their hosts, to `build_fleet`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from .._otelcol.config.paths import mapping_at, mappings_at
from .._otelcol.errors import Problem
from .secret_forms import ARGO_CD, CLUSTER_API, SecretForm

# Where Argo CD names the cluster that it runs in. Source: KubernetesInternalAPIServerAddr of argo-cd.
IN_CLUSTER = "https://kubernetes.default.svc"
# Claims of a cluster about itself. Sources: ClusterClaims of Open Cluster Management; clusterclaim.go of
# multicloud-operators-foundation, which is a part of Advanced Cluster Management.
_CLAIMED_ID = "id.k8s.io"
_CLAIMED_OPENSHIFT_ID = "id.openshift.io"
_CLAIMED_VERSION = "kubeversion.open-cluster-management.io"
# The statuses of EKS clusters that a run can reach.
_EKS_READY = ("ACTIVE", "UPDATING")

_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class ServerRoute:
    """How a kubeconfig leads to an address. A private address may be one of several networks, each behind a proxy."""

    proxy_url: str
    tls_server_name: str
    authority_data: str
    """The CA of the API server; empty if the kubeconfig has none, or has it in a file."""

    @classmethod
    def from_row(cls, cluster_row: Mapping[str, Any]) -> ServerRoute:
        """Return the route of a cluster of a kubeconfig."""
        return cls(
            proxy_url=str(cluster_row.get("proxy-url") or "").rstrip("/"),
            tls_server_name=str(cluster_row.get("tls-server-name") or ""),
            authority_data=str(cluster_row.get("certificate-authority-data") or ""),
        )

    def leads_to_same(self, other: ServerRoute) -> bool:
        """Whether one address by both routes is taken for one cluster.

        | CA of both | proxy or TLS name | result |
        |---|---|---|
        | the same data | any | one cluster |
        | other data | another one, or one of both has none | two clusters |
        | a file, or none | both have one, and another one | two clusters |
        | a file, or none | one of both has none | one cluster |
        """
        has_both_authorities = bool(self.authority_data and other.authority_data)
        if has_both_authorities:
            has_same_way = (self.proxy_url, self.tls_server_name) == (other.proxy_url, other.tls_server_name)
            return self.authority_data == other.authority_data or has_same_way
        has_other_proxy = _are_given_and_differ(self.proxy_url, other.proxy_url)
        return not has_other_proxy and not _are_given_and_differ(self.tls_server_name, other.tls_server_name)


def _are_given_and_differ(first: str, second: str) -> bool:
    return bool(first and second) and first != second


@dataclass(frozen=True)
class FoundCluster:
    """A cluster as one source knows it. Texts are empty where the source does not say them."""

    name: str
    source: str
    """The type of the source, such as `eks` or `argo_cd`."""
    connection_variables: Mapping[str, Any]
    """The variables of its host by which a run reaches it, such as `otel_collector_eks_cluster`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Its labels, or its tags in AWS."""
    server: str = ""
    """The address of its API server."""
    version: str = ""
    """The version of Kubernetes."""
    region: str = ""
    route: ServerRoute | None = None
    """What lies before its API server, as a kubeconfig says; None of another source."""

    @property
    def host_variables(self) -> dict[str, Any]:
        """Return the variables of its host."""
        cluster_row = {
            "name": self.name,
            "source": self.source,
            "server": self.server,
            "version": self.version,
            "region": self.region,
            "labels": dict(self.labels),
        }
        return {**self.connection_variables, "otel_cluster": cluster_row}


@dataclass(frozen=True)
class UnreachableCluster:
    """A cluster of a source that becomes no host, because no run can reach it."""

    reason: str
    """Names the cluster and says why, such as `ManagedCluster azure: the hub has not accepted it`."""


@dataclass(frozen=True)
class Hub:
    """The cluster that has the Secrets, as a lookup connects to it."""

    kubeconfig: str = ""
    context: str = ""


def read_eks_cluster(
    cluster: Mapping[str, Any], region: str, access: Mapping[str, str]
) -> FoundCluster | UnreachableCluster:
    """Return an EKS cluster by its description. `access` has the profile and the role that the source names."""
    name = str(cluster["name"])
    if cluster.get("status") not in _EKS_READY:
        return UnreachableCluster(f"EKS cluster {name} in {region}: its status is {cluster.get('status')}")
    if not cluster.get("endpoint"):
        reason = f"EKS cluster {name} in {region}: it is only registered with EKS, so it needs a kubeconfig"
        return UnreachableCluster(reason)
    connection = {"otel_collector_eks_cluster": {"name": name, "region": region, **access}}
    labels = {str(key): str(value) for key, value in mapping_at(cluster, "tags").items()}
    return FoundCluster(
        name=name,
        source="eks",
        connection_variables=connection,
        labels=labels,
        server=cluster["endpoint"],
        version=str(cluster.get("version", "")),
        region=region,
    )


def read_kubeconfig_clusters(config: Mapping[str, Any], path: str, patterns: Sequence[str]) -> Iterator[FoundCluster]:
    """Yield the contexts of a kubeconfig whose names match one of the patterns."""
    row_by_cluster = {str(row.get("name")): mapping_at(row, "cluster") for row in mappings_at(config, "clusters")}
    for row in mappings_at(config, "contexts"):
        name = str(row.get("name", ""))
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            connection = {"otel_collector_kubeconfig": path, "otel_collector_kube_context": name}
            cluster_row = row_by_cluster.get(str(mapping_at(row, "context").get("cluster")), {})
            yield FoundCluster(
                name=name,
                source="kubeconfig",
                connection_variables=connection,
                server=str(cluster_row.get("server", "")),
                route=ServerRoute.from_row(cluster_row),
            )


def read_argo_cd_cluster(secret: Mapping[str, Any], hub: Hub) -> FoundCluster:
    """Return the cluster of a Secret of Argo CD."""
    name = ARGO_CD.read_key_text(secret, "name")
    server = ARGO_CD.read_key_text(secret, "server")
    return FoundCluster(
        name=name or server,
        source="argo_cd",
        connection_variables=_build_secret_connection(secret, hub, ARGO_CD),
        labels=_read_labels(secret),
        server=server,
    )


def read_cluster_api_cluster(secret: Mapping[str, Any], hub: Hub) -> FoundCluster:
    """Return the cluster of a kubeconfig Secret of Cluster API."""
    name = str(mapping_at(secret, "metadata", "labels")[CLUSTER_API.label])
    return FoundCluster(
        name=name,
        source="cluster_api",
        connection_variables=_build_secret_connection(secret, hub, CLUSTER_API),
        labels=_read_labels(secret),
    )


def read_managed_cluster(managed: Mapping[str, Any], kubeconfig: str) -> FoundCluster | UnreachableCluster:
    """Return a ManagedCluster of Open Cluster Management.

    The hub has no credentials of it: a context of the kubeconfig with its name must.
    """
    name = str(mapping_at(managed, "metadata")["name"])
    if not mapping_at(managed, "spec").get("hubAcceptsClient"):
        return UnreachableCluster(f"ManagedCluster {name}: the hub has not accepted it")
    # The claims are what the cluster says about itself, once its agent has joined the hub.
    claims = {str(row.get("name")): row.get("value") for row in mappings_at(managed, "status", "clusterClaims")}
    servers = (row.get("url", "") for row in mappings_at(managed, "spec", "managedClusterClientConfigs"))
    connection = {"otel_collector_kube_context": name}
    if kubeconfig:
        connection["otel_collector_kubeconfig"] = kubeconfig
    claimed_uid = _find_claimed_uid(name, claims)
    if claimed_uid:
        connection["otel_expected_cluster"] = claimed_uid
    return FoundCluster(
        name=name,
        source="open_cluster_management",
        connection_variables=connection,
        labels=_read_labels(managed),
        server=next(servers, ""),
        version=str(claims.get(_CLAIMED_VERSION) or ""),
    )


def _find_claimed_uid(cluster_name: str, claims: Mapping[str, Any]) -> str:
    """Return the uid of namespace kube-system, as the cluster claims it; empty if it claims another id.

    Of OpenShift, Advanced Cluster Management claims the id of OpenShift, and older versions claim the name of each
    cluster. No run finds these in the cluster, so each run would be refused.
    """
    claimed_id = str(claims.get(_CLAIMED_ID) or "")
    return "" if claims.get(_CLAIMED_OPENSHIFT_ID) or claimed_id == cluster_name else claimed_id


def _build_secret_connection(secret: Mapping[str, Any], hub: Hub, form: SecretForm) -> dict[str, Any]:
    """Return how a task reads the credentials: a template of names alone."""
    metadata = mapping_at(secret, "metadata")
    lookup_arguments = {
        "form": form.name,
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "kubeconfig": hub.kubeconfig,
        "context": hub.context,
    }
    arguments = ", ".join(f"{key}={_quote_for_jinja(str(value))}" for key, value in lookup_arguments.items() if value)
    return {"otel_collector_kubeconfig": "{{ lookup('o11y.opentelemetry.cluster_kubeconfig', " + arguments + ") }}"}


def _quote_for_jinja(value: str) -> str:
    """Return a text of Jinja. Raises Problem for a name that would end it.

    Behind the end of the text, Jinja would run what follows in the name.
    """
    if any(character in value for character in "'\\{}%\n"):
        fix = "Use a name or path without quotes, backslashes, braces and percent signs."
        raise Problem(f"{value!r} cannot be named in a template", fix=fix)
    return f"'{value}'"


def _read_labels(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in mapping_at(manifest, "metadata", "labels").items()}


def filter_by_labels(clusters: Iterable[FoundCluster], wanted_labels: Mapping[str, str]) -> Iterator[FoundCluster]:
    """Yield the clusters that have all labels; `*` is any value."""
    for cluster in clusters:
        label_pairs = wanted_labels.items()
        if all(key in cluster.labels and fnmatchcase(cluster.labels[key], str(value)) for key, value in label_pairs):
            yield cluster


@dataclass(frozen=True)
class Fleet:
    """The hosts of the inventory by name, and what was left out."""

    hosts: Mapping[str, FoundCluster]
    notes: tuple[str, ...]


def build_fleet(named_clusters: Iterable[tuple[str, FoundCluster]]) -> Fleet:
    """Return the hosts by their names. One API server is one host: that of the source that is listed first.

    Two contexts of kubeconfigs with one address may be two clusters: see `ServerRoute.leads_to_same`.

    Raises Problem if two clusters have the same name. For example, with the sources `eks` and `kubeconfig`:

    | host name, source, server | result |
    |---|---|
    | `shop`, eks, `https://a` | host `shop` |
    | `shop-admin`, kubeconfig, `https://a` | a note: it is the cluster of host `shop` |
    | `shop`, kubeconfig, `https://b` | Problem: two clusters are named `shop` |
    """
    hosts: dict[str, FoundCluster] = {}
    names_by_server: dict[str, list[str]] = {}
    left_out_notes = []
    for host_name, cluster in named_clusters:
        # IN_CLUSTER is the cluster that a program runs in, so two hosts with this address may be two clusters.
        server = _normalize_address(cluster.server)
        hosts_of_server = names_by_server.setdefault(server, []) if server not in ("", IN_CLUSTER) else []
        known_host = next((name for name in hosts_of_server if _is_same_cluster(hosts[name], cluster)), "")
        # Before names are compared: one cluster may have one name in two sources.
        if known_host:
            left_out_notes.append(
                f"{host_name} of source {cluster.source} is left out: it is the cluster of host {known_host}"
                f" ({cluster.server})"
            )
            continue
        if host_name in hosts:
            raise Problem(
                f"two clusters are named {host_name}: of {_describe_cluster(hosts[host_name])} and of"
                f" {_describe_cluster(cluster)}",
                where="hostname",
                fix="Set `hostname`, such as to `otel_cluster.region ~ '-' ~ otel_cluster.name`.",
            )
        hosts[host_name] = cluster
        hosts_of_server.append(host_name)
    return Fleet(hosts, tuple(left_out_notes))


def _is_same_cluster(first: FoundCluster, second: FoundCluster) -> bool:
    """Whether two clusters with one address are one. Other sources than a kubeconfig say nothing of a route."""
    return first.route is None or second.route is None or first.route.leads_to_same(second.route)


def _normalize_address(server: str) -> str:
    """Return an address as others may write it too, such as `https://a.example` of `https://A.example:443/`."""
    try:
        url = urlsplit(server)
        port = url.port
    except ValueError:  # it is no address
        return server
    port_part = f":{port}" if port and port != _DEFAULT_PORTS.get(url.scheme) else ""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname or ""
    return urlunsplit((url.scheme, f"{host}{port_part}", url.path.rstrip("/"), url.query, ""))


def _describe_cluster(cluster: FoundCluster) -> str:
    return " ".join(filter(None, (cluster.source, cluster.region, cluster.server)))
