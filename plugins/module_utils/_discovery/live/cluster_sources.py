# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks AWS and hub clusters which clusters there are. Reads alone. Private."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from ..._kube.live.cluster import JSON, METADATA_LIST, ApiError, Cluster
from ..._kube.live.connect import CLUSTER_ARG_SPEC, connect
from ..._kube.live.eks_access import aws_errors, session_of
from ..._kube.live.outage import LostError
from ..._otelcol.errors import Problem
from ..found_clusters import (
    IN_CLUSTER,
    FoundCluster,
    Hub,
    of_argo_cd,
    of_cluster_api,
    of_eks,
    of_kubeconfig,
    of_managed_cluster,
    only_labelled,
)
from ..secret_forms import (
    ARGO_CD,
    CLUSTER_API,
    FORMS,
    SecretForm,
    argo_cd_kubeconfig,
    checked_kubeconfig,
    kubeconfig_text,
)
from ..source_forms import Source

Found = Iterator["FoundCluster | str"]
Connect = Callable[[Hub], Cluster]
_MANAGED_CLUSTERS = "/apis/cluster.open-cluster-management.io/v1/managedclusters"


class _Options:
    """The options of a connection, where a module would have them."""

    def __init__(self, hub: Hub, folder: str) -> None:
        self.params = dict.fromkeys(CLUSTER_ARG_SPEC) | {
            "kubeconfig": hub.kubeconfig or None,
            "context": hub.context or None,
        }
        self.tmpdir = folder


@contextmanager
def connections() -> Iterator[Connect]:
    """Yield what connects to a hub; files of certificates are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield lambda hub: connect(_Options(hub, folder))


def clusters_of(
    source: Source, read_kubeconfig: Callable[[str], Mapping[str, Any]], connect_to: Connect
) -> list[FoundCluster | str]:
    """Return the clusters of a source, and in words what is left out. Raises Problem if it cannot be read."""
    try:
        found = list(_asked(source, read_kubeconfig, connect_to))
    except LostError as error:  # `_listed` says what an answer of the API server means
        raise Problem(str(error), where=source.title) from error
    left_out = [row for row in found if isinstance(row, str)]
    clusters = (row for row in found if isinstance(row, FoundCluster))
    return [*left_out, *only_labelled(clusters, source.options["labels"])]


def _asked(source: Source, read_kubeconfig: Callable[[str], Mapping[str, Any]], connect_to: Connect) -> Found:
    options = source.options
    if source.kind == "eks":
        return eks_clusters(options)
    if source.kind == "kubeconfig":
        return of_kubeconfig(read_kubeconfig(options["path"]), options["path"], options["contexts"])
    ask_hub = {
        "argo_cd": argo_cd_clusters,
        "cluster_api": cluster_api_clusters,
        "open_cluster_management": managed_clusters,
    }
    return ask_hub[source.kind](options, connect_to)


def kubeconfig_of(form_name: str, namespace: str, name: str, hub: Hub, parse: Callable[[str], Any]) -> dict[str, Any]:
    """Return the kubeconfig that a Secret has; `parse` reads YAML.

    Raises Problem without the Secret, and for what may not be in it.
    """
    form = FORMS[form_name]
    where = f"Secret {namespace}/{name}"
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets/{quote(name, safe='')}"
    try:
        with connections() as connect_to:
            secret = connect_to(hub).get(path)
    except (ApiError, LostError) as error:
        raise Problem(str(error), asked=f"Read {where}") from error
    if secret is None:
        raise Problem("it does not exist any more", where=where, fix="Read the inventory again (`--flush-cache`).")
    if form is CLUSTER_API:
        return checked_kubeconfig(parse(kubeconfig_text(secret)), secret)
    return argo_cd_kubeconfig(secret)


def eks_clusters(asked: Mapping[str, Any]) -> Found:
    """Yield the EKS clusters of the regions, or in words why one is left out. Raises Problem if AWS says no."""
    access = {key: asked[key] for key in ("profile", "role_arn") if asked.get(key)}
    for region in asked["regions"]:
        with aws_errors(f"List the EKS clusters of {region}"):
            client = session_of({**access, "region": region}).create_client("eks")
            for page in client.get_paginator("list_clusters").paginate():
                for name in page["clusters"]:
                    described = client.describe_cluster(name=name)["cluster"]
                    yield of_eks(described, region, access)


def argo_cd_clusters(asked: Mapping[str, Any], connect: Connect) -> Found:
    """Yield the clusters of Argo CD; the one that it runs in is the hub, by the kubeconfig of the source."""
    hub = hub_of(asked)
    for secret in _secrets(connect(hub), asked["namespace"], ARGO_CD):
        yield _of_argo_cd(secret, hub)


def _of_argo_cd(secret: Mapping[str, Any], hub: Hub) -> FoundCluster | str:
    """Return the cluster of a Secret; in words what is wrong with it, so that one Secret hides no other cluster."""
    try:
        found = of_argo_cd(secret, hub)
    except Problem as problem:
        return str(problem)
    if found.server == IN_CLUSTER:
        return f"cluster {found.name} of Argo CD: it is the cluster of Argo CD itself; list it by its kubeconfig"
    return found


def cluster_api_clusters(asked: Mapping[str, Any], connect: Connect) -> Found:
    """Yield the clusters of Cluster API, by their kubeconfig Secrets."""
    hub = hub_of(asked)
    # Their names are enough, so no credential is read.
    for secret in _secrets(connect(hub), asked["namespace"], CLUSTER_API, METADATA_LIST):
        if secret["metadata"]["name"].endswith("-kubeconfig"):
            yield of_cluster_api(secret, hub)


def managed_clusters(asked: Mapping[str, Any], connect: Connect) -> Found:
    """Yield the ManagedClusters of Open Cluster Management."""
    hub = hub_of(asked)
    for managed in _listed(connect(hub), _MANAGED_CLUSTERS, {}, "ManagedClusters"):
        yield of_managed_cluster(managed, asked["managed_kubeconfig"] or hub.kubeconfig)


def hub_of(asked: Mapping[str, Any]) -> Hub:
    """Return the hub that a source names."""
    return Hub(asked["kubeconfig"] or "", asked["context"] or "")


def _secrets(cluster: Cluster, namespace: str, form: SecretForm, accept: str = JSON) -> Iterator[dict[str, Any]]:
    place = f"namespaces/{quote(namespace, safe='')}/" if namespace else ""
    return _listed(cluster, f"/api/v1/{place}secrets", {"labelSelector": form.selector}, "Secrets", accept)


def _listed(
    cluster: Cluster, path: str, query: dict[str, Any], what: str, accept: str = JSON
) -> Iterator[dict[str, Any]]:
    try:
        yield from cluster.items(path, query, accept)
    except ApiError as error:
        fix = f"The account needs the right to list {what}."
        raise Problem(error.message, asked=f"List the {what} of {cluster.server}", fix=fix) from None
