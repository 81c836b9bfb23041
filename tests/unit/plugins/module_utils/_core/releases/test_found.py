# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import found

from .samples import CERTIFIER, OPERATING, definition, deployment, obj, webhook

OURS = {"o11y.opentelemetry/release": "opentelemetry-operator", "app.kubernetes.io/name": "opentelemetry-operator"}
IMAGE = "ghcr.io/x/opentelemetry-operator:0.158.0"
HELM = {"meta.helm.sh/release-name": "otel", "meta.helm.sh/release-namespace": "op"}


def operator(namespace: str = "op", image: str = IMAGE, **metadata: Any) -> dict[str, Any]:
    return deployment("manager", namespace, image, metadata=metadata)


def test_where_nothing_is_nothing_is_found() -> None:
    nothing = found.installation(OPERATING, [])
    assert (nothing["installed"], nothing["ours"], nothing["version"], nothing["namespaces"]) == (False, False, "", [])


@pytest.mark.parametrize(
    ("metadata", "by", "name"),
    [
        ({}, "manifest", ""),
        ({"annotations": HELM}, "helm", "op/otel"),
        ({"labels": {"olm.owner": "opentelemetry-operator.v0.135.0-1"}}, "olm", "opentelemetry-operator.v0.135.0-1"),
        ({"managedFields": [{"manager": "kubectl"}, {"manager": "eks"}]}, "eks_addon", ""),
    ],
)
def test_who_installed_it_is_told_by_what_it_leaves_on_objects(metadata: Any, by: str, name: str) -> None:
    assert found.installation(OPERATING, [operator(**metadata)])["installer"] == {"by": by, "name": name}


def test_our_installation_is_known_by_its_label() -> None:
    result = found.installation(OPERATING, [operator(labels=OURS)])
    assert (result["ours"], result["version"], result["namespace"]) == (True, "0.158.0", "op")
    assert result["workloads"] == [{"kind": "Deployment", "namespace": "op", "name": "manager"}]


def test_ours_counts_where_there_are_two() -> None:
    result = found.installation(OPERATING, [operator("a"), operator("b", labels=OURS)])
    assert (result["namespace"], result["namespaces"]) == ("b", ["a", "b"])


def test_a_build_of_somebody_else_is_known_by_its_labels_and_its_owner() -> None:
    labels = {
        "app.kubernetes.io/name": "opentelemetry-operator",
        "olm.owner": "opentelemetry-operator.v0.135.0-1",
    }
    result = found.installation(OPERATING, [operator(image="registry/rhel8-operator@sha256:0", labels=labels)])
    assert (result["installed"], result["version"]) == (True, "0.135.0")


def test_other_components_are_not_taken_for_the_product() -> None:
    labels = {"app.kubernetes.io/name": "webhook", "app.kubernetes.io/component": "webhook"}
    alone = deployment("hook", "x", "quay.io/j/cert-manager-webhook:v1", metadata={"labels": labels})
    stranger = deployment("hook", "x", "docker.io/hook:1", metadata={"labels": labels})
    assert not found.installation(CERTIFIER, [alone, stranger])["installed"]


def test_a_definition_is_told_with_its_versions() -> None:
    versions = [
        {"name": "v1", "served": True, "storage": False},
        {"name": "v2", "served": True, "storage": True},
        {"name": "v0", "served": False, "storage": False},
    ]
    told = found.definition(OPERATING, definition(versions=versions, status={"storedVersions": ["v1", "v2"]}))
    assert told["storage_version"] == "v2"
    assert (told["served_versions"], told["stored_versions"]) == (["v1", "v2"], ["v1", "v2"])
    assert (told["ours"], told["installer"]["by"]) == (False, "manifest")


def test_webhooks_are_those_that_call_into_the_namespace() -> None:
    configurations = [webhook(), webhook("ValidatingWebhookConfiguration", "elsewhere"), definition()]
    assert found.webhooks(configurations, "op") == [{"kind": "MutatingWebhookConfiguration", "name": "hooks"}]


def test_collectors_are_told_in_short() -> None:
    applied = [{"manager": "o11y.opentelemetry", "operation": "Apply"}]
    labels = {"app.kubernetes.io/managed-by": "o11y.opentelemetry"}
    ours = {"labels": labels, "finalizers": ["f"], "managedFields": applied}
    kind = "OpenTelemetryCollector"
    resources = [
        found.resource(OPERATING, kind, obj(kind, "a", "ns", metadata=ours, status={"version": "0.158.0"})),
        found.resource(OPERATING, kind, obj(kind, "b", "ns", spec={"image": "x:1", "upgradeStrategy": "none"})),
        found.resource(OPERATING, "Instrumentation", obj("Instrumentation", "c", "ns")),
    ]
    assert [(item["ours"], item["automatic"]) for item in resources] == [(True, True), (False, False), (False, True)]
    assert found.collectors(resources) == {
        "count": 2,
        "versions": ["0.158.0"],
        "images": ["x:1"],
        "finalizers": ["f"],
    }


def test_many_names_are_cut_short() -> None:
    items = [{"kind": "Issuer", "namespace": "" if n else "ns", "name": f"i{n}"} for n in range(4)]
    assert found.names_of(items, 2) == "Issuer ns/i0, Issuer i1 and 2 more"


@pytest.mark.parametrize("name", ["opentelemetry-operator", "adot-operator"])
def test_the_operator_of_adot_is_known_by_its_image_and_its_labels(name: str) -> None:
    image = "public.ecr.aws/aws-observability/adot-operator:0.151.0"
    there = found.installation(OPERATING, [operator(image=image, labels={"app.kubernetes.io/name": name})])
    assert (there["installed"], there["version"]) == (True, "0.151.0")
    assert name in OPERATING.selector
    labelled = {"app.kubernetes.io/name": name, "app.kubernetes.io/version": "0.151.0"}
    moved = found.installation(
        OPERATING, [operator(image="1.dkr.ecr.eu-west-1.amazonaws.com/eks/o@sha256:0", labels=labelled)]
    )
    assert (moved["installed"], moved["version"]) == (True, "0.151.0")
