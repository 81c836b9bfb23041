# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import installed as found
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.removal import (
    RemovalPlan,
    plan_removal,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from . import samples
from .samples import CERTIFIER, OPERATING, definition, deployment, here, obj, resource, webhook

OURS = {"o11y.opentelemetry/release": "opentelemetry-operator", "app.kubernetes.io/name": "opentelemetry-operator"}
COLLECTOR = "OpenTelemetryCollector"
IMAGE = "ghcr.io/x/opentelemetry-operator:0.158.0"
HELM = {"meta.helm.sh/release-name": "otel", "meta.helm.sh/release-namespace": "op"}
NAME, VERSION = "app.kubernetes.io/name", "app.kubernetes.io/version"


def operator(namespace: str = "op", image: str = IMAGE, **metadata: Any) -> dict[str, Any]:
    return deployment("manager", namespace, image, metadata=metadata)


@cases(
    "metadata, by, name",
    ({}, "manifest", ""),
    ({"annotations": HELM}, "helm", "op/otel"),
    ({"labels": {"olm.owner": "opentelemetry-operator.v0.135.0-1"}}, "olm", "opentelemetry-operator.v0.135.0-1"),
    ({"managedFields": [{"manager": "kubectl"}, {"manager": "eks"}]}, "eks_addon", ""),
)
def test_who_installed_it_is_told_by_what_it_leaves_on_objects(metadata: Any, by: str, name: str) -> None:
    assert found.describe_installation(OPERATING, [operator(**metadata)])["installer"] == {"by": by, "name": name}


def test_our_installation_is_known_by_its_label_and_counts_where_there_are_two() -> None:
    result = found.describe_installation(OPERATING, [operator("a"), operator("b", labels=OURS)])
    assert (result["ours"], result["version"]) == (True, "0.158.0")
    assert (result["namespace"], result["namespaces"]) == ("b", ["a", "b"])
    alone = found.describe_installation(OPERATING, [operator(labels=OURS)])
    assert alone["workloads"] == [{"kind": "Deployment", "namespace": "op", "name": "manager"}]


@cases(
    "image, labels, version",
    ("r/rhel8@sha256:0", {NAME: "opentelemetry-operator", "olm.owner": "opentelemetry-operator.v0.135.0-1"}, "0.135.0"),
    ("public.ecr.aws/aws-observability/adot-operator:0.151.0", {NAME: "opentelemetry-operator"}, "0.151.0"),
    ("public.ecr.aws/aws-observability/adot-operator:0.151.0", {NAME: "adot-operator"}, "0.151.0"),
    ("1.dkr.ecr.eu-west-1.amazonaws.com/o@sha256:0", {NAME: "adot-operator", VERSION: "0.151.0"}, "0.151.0"),
    ("1.dkr.ecr.eu-west-1.amazonaws.com/o@sha256:0", {NAME: "opentelemetry-operator", VERSION: "0.151.0"}, "0.151.0"),
)
def test_builds_of_others_are_known_by_their_image_and_their_labels(image: str, labels: Any, version: str) -> None:
    result = found.describe_installation(OPERATING, [operator(image=image, labels=labels)])
    assert (result["installed"], result["version"]) == (True, version)
    assert labels[NAME] in OPERATING.label_selector


def test_other_components_are_not_taken_for_the_product() -> None:
    labels = {"app.kubernetes.io/name": "webhook", "app.kubernetes.io/component": "webhook"}
    alone = deployment("hook", "x", "quay.io/j/cert-manager-webhook:v1", metadata={"labels": labels})
    stranger = deployment("hook", "x", "docker.io/hook:1", metadata={"labels": labels})
    for deployments in ([], [alone, stranger]):
        nothing = found.describe_installation(CERTIFIER, deployments)
        assert [nothing[key] for key in ("installed", "ours", "version", "namespaces")] == [False, False, "", []]


def test_a_definition_is_told_with_its_versions() -> None:
    rows = (("v1", True, False), ("v2", True, True), ("v0", False, False))
    versions = [{"name": name, "served": served, "storage": storage} for name, served, storage in rows]
    told = found.describe_definition(OPERATING, definition(versions=versions, status={"storedVersions": ["v1", "v2"]}))
    assert (told["storage_version"], told["served_versions"], told["stored_versions"]) == (
        "v2",
        ["v1", "v2"],
        ["v1", "v2"],
    )
    assert (told["ours"], told["installer"]["by"]) == (False, "manifest")


def test_webhooks_are_those_that_call_into_the_namespace_and_many_names_are_cut_short() -> None:
    configurations = [webhook(), webhook("ValidatingWebhookConfiguration", "elsewhere"), definition()]
    assert found.list_calling_webhooks(configurations, "op") == [
        {"kind": "MutatingWebhookConfiguration", "name": "hooks"}
    ]
    items = [{"kind": "Issuer", "namespace": "" if n else "ns", "name": f"i{n}"} for n in range(4)]
    assert found.join_object_names(items, 2) == "Issuer ns/i0, Issuer i1 and 2 more"


def test_collectors_are_told_in_short() -> None:
    applied = [{"manager": "o11y.opentelemetry", "operation": "Apply"}]
    labels = {"app.kubernetes.io/managed-by": "o11y.opentelemetry"}
    ours = {"labels": labels, "finalizers": ["f"], "managedFields": applied}
    theirs = obj(COLLECTOR, "b", "ns", spec={"image": "x:1", "upgradeStrategy": "none"})
    resources = [
        found.describe_resource(
            OPERATING, COLLECTOR, obj(COLLECTOR, "a", "ns", metadata=ours, status={"version": "0.158.0"})
        ),
        found.describe_resource(OPERATING, COLLECTOR, theirs),
        found.describe_resource(OPERATING, "Instrumentation", obj("Instrumentation", "c", "ns")),
    ]
    assert [(item["ours"], item["automatic"]) for item in resources] == [(True, True), (False, False), (False, True)]
    short = {"count": 2, "versions": ["0.158.0"], "images": ["x:1"], "finalizers": ["f"]}
    assert found.summarize_collectors(resources) == short


def named(kind: str, name: str, namespace: str = "") -> dict[str, str]:
    return {"api_version": "v1", "kind": kind, "namespace": namespace, "name": name}


OBJECTS = [
    *(named("Namespace", "ns"), named("CustomResourceDefinition", "things.example.com")),
    *(named("Deployment", "manager", "ns"), named("Role", "election", "kube-system")),
]
DEFINITION = {
    **{"name": "things.example.com", "group": "example.com", "kind": "Thing", "plural": "things"},
    **{"scope": "Namespaced", "served_versions": ["v1"], "ours": True, "installer": {"by": "manifest", "name": ""}},
}
CHARTS = {**DEFINITION, "ours": False, "installer": {"by": "helm", "name": "ns/otel"}}


def gone(
    product: Any, others: str = "refuse", definitions: bool = False, *, check: bool = False, **there: Any
) -> RemovalPlan:
    installed = here("1.0.0", **{"objects": OBJECTS, "crds": [DEFINITION], **there})
    return plan_removal(product, installed, others, definitions, check=check)


def kinds(manifests: Any) -> list[str]:
    return [item["kind"] for item in manifests]


def test_objects_go_and_definitions_stay_unless_they_are_asked_for() -> None:
    result = gone(OPERATING)
    assert (result.action, result.resources) == ("remove", [])
    assert kinds(result.manifests) == ["Namespace", "Deployment", "Role", "Secret", "Secret"]
    (definition,) = [item for item in gone(OPERATING, definitions=True).manifests if "spec" in item]
    assert definition["spec"] == {
        **{"group": "example.com", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"}},
        "versions": [{"name": "v1", "served": True}],
    }


def test_definitions_that_our_helm_release_kept_go_when_asked() -> None:
    rest = samples.found(crds=[CHARTS])
    assert kinds(plan_removal(OPERATING, rest, "refuse", True, "ns/otel").manifests) == ["CustomResourceDefinition"]
    assert plan_removal(OPERATING, rest, "refuse", True, "ns/other").action == "nothing"
    assert plan_removal(OPERATING, rest, "refuse", False, "ns/otel").action == "nothing"


@pytest.mark.parametrize("ours", [True, False])
def test_collectors_are_in_the_way_whosever_they_are_and_go_first_when_the_user_wants_it(ours: bool) -> None:
    with pytest.raises(
        Problem, match=r"still used by OpenTelemetryCollector ns/a\..*otel_operator_others: keep"
    ) as failed:
        gone(OPERATING, resources=[resource(COLLECTOR, ours=ours)])
    assert "delete those of all teams with it (otel_operator_others: remove)" in str(failed.value)
    result = gone(OPERATING, "remove", resources=[resource(COLLECTOR, ours=ours)])
    metadata = {"name": "a", "namespace": "ns", "labels": {"o11y.opentelemetry/release": "opentelemetry-operator_made"}}
    assert result.resources == [{"apiVersion": "x/v1", "kind": COLLECTOR, "metadata": metadata}]


def test_what_the_product_or_olm_made_is_named_apart() -> None:
    version = {**named("ClusterServiceVersion", "v1", "ns"), "lacks_release_label": True}
    apart = "opentelemetry-operator_made"
    for crd, release in ((DEFINITION, OPERATING.name), ({**DEFINITION, "lacks_release_label": True}, apart)):
        manifests = gone(OPERATING, definitions=True, objects=[*OBJECTS, version], crds=[crd]).manifests
        releases = {item["kind"]: item["metadata"]["labels"]["o11y.opentelemetry/release"] for item in manifests}
        made = dict.fromkeys(("Secret", "ClusterServiceVersion"), apart)
        expected = dict.fromkeys(releases, "opentelemetry-operator") | made | {"CustomResourceDefinition": release}
        assert releases == expected


@pytest.mark.parametrize("product", [OPERATING, CERTIFIER], ids=lambda product: product.name)
def test_definitions_alone_are_named_as_the_cluster_has_them(product: Any) -> None:
    for crd, release in ((DEFINITION, product.name), (CHARTS, f"{product.name}_made")):
        (manifest,) = plan_removal(product, samples.found(crds=[crd]), "refuse", True, "ns/otel").manifests
        assert manifest["metadata"]["labels"] == {"o11y.opentelemetry/release": release}


def test_others_may_stay_and_keep_the_definitions() -> None:
    result = gone(OPERATING, "keep", True, resources=[resource(COLLECTOR), resource(COLLECTOR, "b", ours=True)])
    assert (result.resources, len(result.warnings)) == ([], 2)
    assert "CustomResourceDefinition" not in kinds(result.manifests)


@pytest.mark.parametrize("ours", [True, False])
def test_certificates_are_never_removed(ours: bool) -> None:
    used = [resource("Certificate", ours=ours)]
    with pytest.raises(Problem, match=r"used by Certificate ns/a.*cert_manager_others: keep") as failed:
        gone(CERTIFIER, resources=used)
    assert "others: remove" not in str(failed.value)
    with pytest.raises(Problem, match="never removed for others"):
        gone(CERTIFIER, "remove", resources=used)
    assert gone(CERTIFIER, "keep", resources=used).resources == []
    assert gone(CERTIFIER, resources=[resource("CertificateRequest", ours=ours)]).action == "remove"


@pytest.mark.parametrize(
    "product, kind", [(OPERATING, COLLECTOR), (OPERATING, "Instrumentation"), (CERTIFIER, "Certificate")]
)
def test_check_mode_shows_the_plan_since_earlier_tasks_have_removed_nothing_yet(product: Any, kind: str) -> None:
    used = [resource(kind, ours=True)]
    with pytest.raises(Problem, match="still used by"):
        gone(product, definitions=True, resources=used)
    result = gone(product, definitions=True, resources=used, check=True)
    free = gone(product, definitions=True)
    assert (result.action, result.resources, result.manifests) == ("remove", [], free.manifests)
    (warning,) = result.warnings
    assert f"Without check mode, this run fails unless an earlier task of it removes {kind} ns/a" in warning
    assert f"{product.others}: keep" in warning
    assert ("delete those of all teams" in warning) is (product is OPERATING)
    for others in ("keep", "remove") if product is OPERATING else ("keep",):
        assert gone(product, others, resources=used, check=True) == gone(product, others, resources=used)
    with pytest.raises(Problem, match="may not list"):
        gone(product, denied=["things"], check=True)


def test_what_cannot_be_seen_may_be_used_and_leases_go_when_nobody_holds_them_any_more() -> None:
    with pytest.raises(Problem, match="may not list issuers"):
        gone(CERTIFIER, denied=["issuers"])
    assert "CustomResourceDefinition" not in kinds(gone(CERTIFIER, "keep", True, denied=["issuers"]).manifests)
    result = gone(CERTIFIER)
    assert {(item["kind"], item["metadata"]["namespace"]) for item in result.leftovers} == {("Lease", "kube-system")}
    assert kinds(result.manifests).count("Secret") == 1


def test_an_interrupted_removal_goes_on_and_what_is_not_ours_stays() -> None:
    result = plan_removal(OPERATING, samples.found(objects=OBJECTS[:2], crds=[DEFINITION]), "refuse", False)
    assert kinds(result.manifests) == ["Namespace", "Secret", "Secret"]
    assert {item["metadata"]["namespace"] for item in result.manifests[1:]} == {"ns"}
    for there in (here("1.0.0", ours=False, objects=OBJECTS), samples.found()):
        result = plan_removal(OPERATING, there, "refuse", True)
        assert (result.action, result.manifests) == ("nothing", [])
