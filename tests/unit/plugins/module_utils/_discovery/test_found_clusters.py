# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source says of a cluster, as a host of the inventory."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.found_clusters import (
    IN_CLUSTER,
    FoundCluster,
    Hub,
    UnreachableCluster,
    build_fleet,
    filter_by_labels,
    read_argo_cd_cluster,
    read_eks_cluster,
    read_kubeconfig_clusters,
    read_managed_cluster,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

EKS = {"name": "shop", "status": "ACTIVE", "endpoint": "https://shop", "version": "1.35", "tags": {"stage": "prod"}}


def named(name: str, server: str = "", source: str = "eks") -> tuple[str, FoundCluster]:
    return name, FoundCluster(name, source, {}, server=server)


def argo(**data: str) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"namespace": "argocd", "name": "cluster-shop"}, "data": encoded}


def test_an_eks_cluster_is_named_with_its_region_and_role() -> None:
    found = read_eks_cluster(EKS, "eu-west-1", {"role_arn": "arn"})
    assert isinstance(found, FoundCluster)
    assert found.connection_variables == {
        "otel_collector_eks_cluster": {"name": "shop", "region": "eu-west-1", "role_arn": "arn"}
    }
    assert found.host_variables["otel_cluster"] == {
        "name": "shop",
        "source": "eks",
        "server": "https://shop",
        "version": "1.35",
        "region": "eu-west-1",
        "labels": {"stage": "prod"},
    }


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"status": "CREATING"}, "EKS cluster shop in eu-west-1: its status is CREATING"),
        ({"status": "DELETING"}, "EKS cluster shop in eu-west-1: its status is DELETING"),
        ({"endpoint": None}, "EKS cluster shop in eu-west-1: it is only registered with EKS, so it needs a kubeconfig"),
    ],
)
def test_an_eks_cluster_that_no_run_can_reach_is_left_out_with_the_reason(changed: dict[str, Any], says: str) -> None:
    assert read_eks_cluster(EKS | changed, "eu-west-1", {}) == UnreachableCluster(says)


def test_contexts_are_chosen_by_patterns() -> None:
    config = {
        "clusters": [{"name": "a", "cluster": {"server": "https://a"}}],
        "contexts": [{"name": name, "context": {"cluster": "a"}} for name in ("shop-eu", "bank", "shop-us")],
    }
    found = list(read_kubeconfig_clusters(config, "/kube", ["shop-*"]))
    assert [cluster.name for cluster in found] == ["shop-eu", "shop-us"]
    assert found[0].connection_variables == {
        "otel_collector_kubeconfig": "/kube",
        "otel_collector_kube_context": "shop-eu",
    }
    assert found[0].server == "https://a"


def test_rows_of_a_kubeconfig_that_are_no_mappings_are_left_out() -> None:
    config: dict[str, Any] = {
        "clusters": ["prod"],
        "contexts": ["dev", {"name": "shop", "context": {"cluster": "prod"}}],
    }
    assert [cluster.name for cluster in read_kubeconfig_clusters(config, "/kube", ["*"])] == ["shop"]
    config["clusters"].append({"name": ["a list"], "cluster": {}})
    assert [cluster.name for cluster in read_kubeconfig_clusters(config, "/kube", ["*"])] == ["shop"]


def test_a_secret_is_named_and_never_quoted() -> None:
    found = read_argo_cd_cluster(argo(name="shop", server="https://shop", config="token"), Hub("/kube", "hub"))
    assert found.connection_variables == {
        "otel_collector_kubeconfig": "{{ lookup('o11y.opentelemetry.cluster_kubeconfig', form='argo_cd',"
        " namespace='argocd', name='cluster-shop', kubeconfig='/kube', context='hub') }}"
    }


@pytest.mark.parametrize("context", ["it's", "a}}", "{{ a", "a\\", "{% a", "a\nb"])
def test_a_name_that_would_end_the_template_is_refused(context: str) -> None:
    with pytest.raises(Problem, match="cannot be named in a template"):
        read_argo_cd_cluster(argo(name="shop", server="https://shop"), Hub(context=context))


def test_a_text_that_is_no_base64_is_told_with_its_secret() -> None:
    with pytest.raises(Problem, match=r"key name is no text in base64 .*Secret argocd/cluster-shop"):
        read_argo_cd_cluster({**argo(), "data": {"name": "%"}}, Hub())


def test_a_managed_cluster_is_a_context_with_the_id_that_it_claims() -> None:
    managed = {
        "metadata": {"name": "azure"},
        "spec": {"hubAcceptsClient": True, "managedClusterClientConfigs": [{"url": "https://azure"}]},
        "status": {"clusterClaims": [{"name": "id.k8s.io", "value": "uid"}]},
    }
    found = read_managed_cluster(managed, "")
    assert isinstance(found, FoundCluster)
    assert found.connection_variables == {"otel_collector_kube_context": "azure", "otel_expected_cluster": "uid"}
    odd = {"spec": {"hubAcceptsClient": True, "managedClusterClientConfigs": [1]}, "status": {"clusterClaims": ["x"]}}
    assert read_managed_cluster({**managed, **odd}, "") == FoundCluster(
        "azure", "open_cluster_management", {"otel_collector_kube_context": "azure"}, found.labels
    )
    refused = UnreachableCluster("ManagedCluster azure: the hub has not accepted it")
    assert read_managed_cluster({**managed, "spec": {}}, "") == refused


@pytest.mark.parametrize(
    "claims",
    [{"id.k8s.io": "azure"}, {"id.k8s.io": "id-of-openshift", "id.openshift.io": "id-of-openshift"}],
)
def test_an_id_that_is_no_uid_of_kube_system_is_not_expected(claims: dict[str, str]) -> None:
    managed = {
        "metadata": {"name": "azure"},
        "spec": {"hubAcceptsClient": True},
        "status": {"clusterClaims": [{"name": name, "value": value} for name, value in claims.items()]},
    }
    found = read_managed_cluster(managed, "")
    assert isinstance(found, FoundCluster)
    assert "otel_expected_cluster" not in found.connection_variables


def test_labels_choose() -> None:
    found = [FoundCluster("a", "eks", {}, {"stage": "prod-1"}), FoundCluster("b", "eks", {})]
    assert [one.name for one in filter_by_labels(found, {"stage": "prod*"})] == ["a"]
    assert [one.name for one in filter_by_labels(found, {})] == ["a", "b"]


def test_one_server_is_one_host_and_the_first_source_wins() -> None:
    fleet = build_fleet([named("a", "https://a"), named("b", "https://a", "argo_cd"), named("c"), named("d")])
    assert list(fleet.hosts) == ["a", "c", "d"]
    assert fleet.notes == ("b of source argo_cd is left out: it is the cluster of host a (https://a)",)
    local = build_fleet([named("a", IN_CLUSTER), named("b", IN_CLUSTER)])
    assert (list(local.hosts), local.notes) == (["a", "b"], ())


@pytest.mark.parametrize("server", ["https://A.example", "https://a.example/", "https://a.example:443"])
def test_one_server_is_one_host_however_its_address_is_written(server: str) -> None:
    assert list(build_fleet([named("a", "https://a.example"), named("b", server, "argo_cd")]).hosts) == ["a"]


@pytest.mark.parametrize("server", ["https://a.example:6443", "http://a.example", "https://a.example/k8s/c-1", "a:b:c"])
def test_another_port_or_path_is_another_server(server: str) -> None:
    assert list(build_fleet([named("a", "https://a.example"), named("b", server)]).hosts) == ["a", "b"]


def test_one_name_for_two_clusters_is_an_error_that_names_both() -> None:
    with pytest.raises(Problem, match="two clusters are named a: of eks https://a and of argo_cd https://b"):
        build_fleet([named("a", "https://a"), named("a", "https://b", "argo_cd")])


def contexts(**clusters: dict[str, Any]) -> list[tuple[str, FoundCluster]]:
    """Return the contexts of a kubeconfig, each with a cluster of its own at one address."""
    config = {
        "clusters": [
            {"name": name, "cluster": {"server": "https://10.0.0.1", **row}} for name, row in clusters.items()
        ],
        "contexts": [{"name": name, "context": {"cluster": name}} for name in clusters],
    }
    return [(cluster.name, cluster) for cluster in read_kubeconfig_clusters(config, "/kube", ["*"])]


@pytest.mark.parametrize("key", ["proxy-url", "tls-server-name"])
def test_one_address_behind_two_proxies_is_two_clusters(key: str) -> None:
    found = build_fleet(contexts(a={key: "x"}, b={key: "y"}, d={key: "y/" if key == "proxy-url" else "y"}))
    assert list(found.hosts) == ["a", "b"]
    assert found.notes == ("d of source kubeconfig is left out: it is the cluster of host b (https://10.0.0.1)",)


def test_one_cluster_with_and_without_a_proxy_is_one_by_its_authority() -> None:
    authority = {"certificate-authority-data": "Q0E="}
    assert list(build_fleet(contexts(a=authority, b={**authority, "proxy-url": "x"})).hosts) == ["a"]
    assert list(build_fleet(contexts(a={}, b={"proxy-url": "x"})).hosts) == ["a"]
    assert list(build_fleet(contexts(a=authority, b={"certificate-authority": "/ca", "proxy-url": "x"})).hosts) == ["a"]
    other_authority = {"certificate-authority-data": "Q0Ey"}
    assert list(build_fleet(contexts(a=authority, b={**other_authority, "proxy-url": "x"})).hosts) == ["a", "b"]
    assert list(build_fleet(contexts(a=authority, b=other_authority)).hosts) == ["a"]
    assert list(build_fleet([named("shop", "https://10.0.0.1"), *contexts(b={"proxy-url": "x"})]).hosts) == ["shop"]
