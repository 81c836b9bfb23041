# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks AWS and hub clusters which clusters there are. It only reads. Private.

A source is a row of the inventory that says where to look (source_forms.py). A hub is a cluster that knows others, such
as one with Argo CD. The inventory plugin calls `list_clusters` for each source, within `open_connections`. For example,
the source `{type: eks, regions: [eu-west-1]}` gives a FoundCluster for each cluster of that region that is active, and
an UnreachableCluster for one that is being created.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from ..._kube.aws_failures import MISSING_CODES
from ..._kube.live.cluster import JSON, METADATA_LIST, ApiError, Cluster
from ..._kube.live.connect import CLUSTER_ARG_SPEC, connect
from ..._kube.live.eks_access import create_session, read_failed_call, translate_aws_errors
from ..._kube.live.outage import LostError
from ..._otelcol.errors import Problem
from ..found_clusters import (
    IN_CLUSTER,
    FoundCluster,
    Hub,
    UnreachableCluster,
    filter_by_labels,
    read_argo_cd_cluster,
    read_cluster_api_cluster,
    read_eks_cluster,
    read_kubeconfig_clusters,
    read_managed_cluster,
)
from ..secret_forms import (
    ARGO_CD,
    CLUSTER_API,
    FORM_BY_NAME,
    SecretForm,
    build_argo_cd_kubeconfig,
    check_kubeconfig,
    list_kubeconfigs,
    read_kubeconfig_text,
)
from ..source_forms import ClusterSource

ListedClusters = Iterator[FoundCluster | UnreachableCluster]
Connect = Callable[[Hub], Cluster]
_MANAGED_CLUSTERS_PATH = "/apis/cluster.open-cluster-management.io/v1/managedclusters"


class _ConnectionOptions:
    """The options of a connection, where a module would have them."""

    def __init__(self, hub: Hub, folder: str) -> None:
        self.params = dict.fromkeys(CLUSTER_ARG_SPEC) | {
            "kubeconfig": hub.kubeconfig or None,
            "context": hub.context or None,
        }
        self.tmpdir = folder


@contextmanager
def open_connections() -> Iterator[Connect]:
    """Yield the function that connects to a hub. Its files of certificates are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield lambda hub: connect(_ConnectionOptions(hub, folder))


def list_clusters(
    source: ClusterSource, read_kubeconfig: Callable[[str], Mapping[str, Any]], connect_to: Connect
) -> list[FoundCluster | UnreachableCluster]:
    """Return the clusters of a source, those that no run can reach first. Raises Problem if it cannot be read."""
    try:
        rows = list(_ask_source(source, read_kubeconfig, connect_to))
    except LostError as error:  # `_list_objects` says what an answer of the API server means
        raise Problem(str(error), where=source.title) from error
    unreachable_clusters = [row for row in rows if isinstance(row, UnreachableCluster)]
    clusters = (row for row in rows if isinstance(row, FoundCluster))
    return [*unreachable_clusters, *filter_by_labels(clusters, source.options["labels"])]


def _ask_source(
    source: ClusterSource, read_kubeconfig: Callable[[str], Mapping[str, Any]], connect_to: Connect
) -> ListedClusters:
    options = source.options
    if source.kind == "eks":
        return list_eks_clusters(options)
    if source.kind == "kubeconfig":
        return read_kubeconfig_clusters(read_kubeconfig(options["path"]), options["path"], options["contexts"])
    lister_by_kind = {
        "argo_cd": list_argo_cd_clusters,
        "cluster_api": list_cluster_api_clusters,
        "open_cluster_management": list_managed_clusters,
    }
    return lister_by_kind[source.kind](options, connect_to)


def read_secret_kubeconfig(
    form_name: str, namespace: str, name: str, hub: Hub, parse: Callable[[str], Any]
) -> dict[str, Any]:
    """Return the kubeconfig that a Secret has; `parse` reads YAML.

    Raises Problem without the Secret, and for what may not be in it.
    """
    form = FORM_BY_NAME[form_name]
    secret_title = f"Secret {namespace}/{name}"
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets/{quote(name, safe='')}"
    try:
        with open_connections() as connect_to:
            secret = connect_to(hub).get(path)
    except (ApiError, LostError) as error:
        raise Problem(str(error), asked=f"Read {secret_title}") from error
    if secret is None:
        raise Problem(
            "it does not exist any more", where=secret_title, fix="Read the inventory again (`--flush-cache`)."
        )
    if form is CLUSTER_API:
        return check_kubeconfig(parse(read_kubeconfig_text(secret)), secret)
    return build_argo_cd_kubeconfig(secret)


def list_eks_clusters(options: Mapping[str, Any]) -> ListedClusters:
    """Yield the EKS clusters of the regions. Raises Problem if AWS says no."""
    access = {key: options[key] for key in ("profile", "role_arn") if options.get(key)}
    for region in options["regions"]:
        with translate_aws_errors(f"List the EKS clusters of {region}"):
            client = create_session({**access, "region": region}).create_client("eks")
            for page in client.get_paginator("list_clusters").paginate():
                for name in page["clusters"]:
                    description = _describe_eks_cluster(client, name)
                    if description is not None:
                        yield read_eks_cluster(description, region, access)


def _describe_eks_cluster(client: Any, name: str) -> Mapping[str, Any] | None:
    """Return what AWS says of a cluster; None for one that was deleted since it was listed.

    Raises the error of botocore, whose classes have no names here because it is imported at run time.
    """
    try:
        description: Mapping[str, Any] = client.describe_cluster(name=name)["cluster"]
    except Exception as error:
        if read_failed_call(error).code in MISSING_CODES:
            return None
        raise
    return description


def list_argo_cd_clusters(options: Mapping[str, Any], connect_to: Connect) -> ListedClusters:
    """Yield the clusters of Argo CD; the one that it runs in is the hub, by the kubeconfig of the source."""
    hub = read_hub(options)
    for secret in _list_secrets(connect_to(hub), options["namespace"], ARGO_CD):
        yield _read_argo_cd_secret(secret, hub)


def _read_argo_cd_secret(secret: Mapping[str, Any], hub: Hub) -> FoundCluster | UnreachableCluster:
    """Return the cluster of a Secret. One that is wrong is unreachable, so that it hides no other cluster."""
    try:
        cluster = read_argo_cd_cluster(secret, hub)
    except Problem as problem:
        return UnreachableCluster(str(problem))
    if cluster.server == IN_CLUSTER:
        reason = f"cluster {cluster.name} of Argo CD: it is the cluster of Argo CD itself; list it by its kubeconfig"
        return UnreachableCluster(reason)
    return cluster


def list_cluster_api_clusters(options: Mapping[str, Any], connect_to: Connect) -> ListedClusters:
    """Yield the clusters of Cluster API, by their kubeconfig Secrets."""
    hub = read_hub(options)
    # Their names are enough, so no credential is read.
    secrets = _list_secrets(connect_to(hub), options["namespace"], CLUSTER_API, METADATA_LIST)
    for secret in list_kubeconfigs(secrets):
        yield read_cluster_api_cluster(secret, hub)


def list_managed_clusters(options: Mapping[str, Any], connect_to: Connect) -> ListedClusters:
    """Yield the ManagedClusters of Open Cluster Management."""
    hub = read_hub(options)
    for managed in _list_objects(connect_to(hub), _MANAGED_CLUSTERS_PATH, {}, "ManagedClusters"):
        yield read_managed_cluster(managed, options["managed_kubeconfig"] or hub.kubeconfig)


def read_hub(options: Mapping[str, Any]) -> Hub:
    """Return the hub that a source names."""
    return Hub(options["kubeconfig"] or "", options["context"] or "")


def _list_secrets(cluster: Cluster, namespace: str, form: SecretForm, accept: str = JSON) -> Iterator[dict[str, Any]]:
    namespace_part = f"namespaces/{quote(namespace, safe='')}/" if namespace else ""
    return _list_objects(
        cluster, f"/api/v1/{namespace_part}secrets", {"labelSelector": form.label_selector}, "Secrets", accept
    )


def _list_objects(
    cluster: Cluster, path: str, query: dict[str, Any], kind_text: str, accept: str = JSON
) -> Iterator[dict[str, Any]]:
    try:
        yield from cluster.items(path, query, accept)
    except ApiError as error:
        fix = f"The account needs the right to list {kind_text}."
        raise Problem(error.message, asked=f"List the {kind_text} of {cluster.server}", fix=fix) from None
