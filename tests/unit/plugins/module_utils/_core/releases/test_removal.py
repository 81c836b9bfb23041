# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases.removal import RemovalPlan, removal

from .samples import CERTIFIER, OPERATING, found, here, resource

COLLECTOR = "OpenTelemetryCollector"


def named(kind: str, name: str, namespace: str = "") -> dict[str, str]:
    return {"api_version": "v1", "kind": kind, "namespace": namespace, "name": name}


OBJECTS = [
    named("Namespace", "ns"),
    named("CustomResourceDefinition", "things.example.com"),
    named("Deployment", "manager", "ns"),
    named("Role", "election", "kube-system"),
]
DEFINITION = {
    "name": "things.example.com",
    "group": "example.com",
    "kind": "Thing",
    "plural": "things",
    "scope": "Namespaced",
    "served_versions": ["v1"],
    "ours": True,
    "installer": {"by": "manifest", "name": ""},
}
CHARTS = {**DEFINITION, "ours": False, "installer": {"by": "helm", "name": "ns/otel"}}


def gone(product: Any, others: str = "refuse", definitions: bool = False, **there: Any) -> RemovalPlan:
    return removal(product, here("1.0.0", **{"objects": OBJECTS, "crds": [DEFINITION], **there}), others, definitions)


def kinds(manifests: Any) -> list[str]:
    return [item["kind"] for item in manifests]


def test_objects_go_and_definitions_stay() -> None:
    result = gone(OPERATING)
    assert result.action == "remove"
    assert kinds(result.manifests) == ["Namespace", "Deployment", "Role", "Secret", "Secret"]
    assert result.resources == []


def test_definitions_go_when_asked() -> None:
    (definition,) = [i for i in gone(OPERATING, definitions=True).manifests if "spec" in i]
    assert definition["spec"] == {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Thing", "plural": "things"},
        "versions": [{"name": "v1", "served": True}],
    }


def test_definitions_that_our_helm_release_kept_go_when_asked() -> None:
    rest = found(crds=[CHARTS])
    assert kinds(removal(OPERATING, rest, "refuse", True, "ns/otel").manifests) == ["CustomResourceDefinition"]
    assert removal(OPERATING, rest, "refuse", True, "ns/other").action == "nothing"
    assert removal(OPERATING, rest, "refuse", False, "ns/otel").action == "nothing"


def test_our_collectors_go_first() -> None:
    result = gone(OPERATING, resources=[resource(COLLECTOR, ours=True)])
    labels = {"o11y.opentelemetry/release": "opentelemetry-operator_made"}
    metadata = {"name": "a", "namespace": "ns", "labels": labels}
    assert result.resources == [{"apiVersion": "x/v1", "kind": COLLECTOR, "metadata": metadata}]


def test_what_the_product_or_olm_made_is_named_apart() -> None:
    version = {**named("ClusterServiceVersion", "v1", "ns"), "made": True}
    manifests = gone(OPERATING, definitions=True, objects=[*OBJECTS, version]).manifests
    releases = {item["kind"]: item["metadata"]["labels"]["o11y.opentelemetry/release"] for item in manifests}
    made = {"Secret", "CustomResourceDefinition", "ClusterServiceVersion"}
    assert {kind for kind, release in releases.items() if release == "opentelemetry-operator_made"} == made
    assert {release for kind, release in releases.items() if kind not in made} == {"opentelemetry-operator"}


def test_collectors_of_others_are_in_the_way() -> None:
    with pytest.raises(Problem, match=r"still used by OpenTelemetryCollector ns/a\..*\(others: remove\)"):
        gone(OPERATING, resources=[resource(COLLECTOR)])


def test_others_may_stay_and_keep_the_definitions() -> None:
    result = gone(OPERATING, "keep", True, resources=[resource(COLLECTOR), resource(COLLECTOR, "b", ours=True)])
    assert [item["metadata"]["name"] for item in result.resources] == ["b"]
    assert "CustomResourceDefinition" not in kinds(result.manifests)
    assert len(result.warnings) == 2


def test_others_go_too_when_somebody_says_so() -> None:
    assert len(gone(OPERATING, "remove", resources=[resource(COLLECTOR)]).resources) == 1


@pytest.mark.parametrize("ours", [True, False])
def test_certificates_are_never_removed(ours: bool) -> None:
    used = [resource("Certificate", ours=ours)]
    with pytest.raises(Problem, match="still used by Certificate ns/a") as failed:
        gone(CERTIFIER, resources=used)
    assert "others: remove" not in str(failed.value)
    with pytest.raises(Problem, match="never removed for others"):
        gone(CERTIFIER, "remove", resources=used)
    assert gone(CERTIFIER, "keep", resources=used).resources == []


def test_what_is_made_from_others_does_not_count() -> None:
    assert gone(CERTIFIER, resources=[resource("CertificateRequest")]).action == "remove"


def test_what_cannot_be_seen_may_be_used() -> None:
    with pytest.raises(Problem, match="may not list issuers"):
        gone(CERTIFIER, denied=["issuers"])
    assert "CustomResourceDefinition" not in kinds(gone(CERTIFIER, "keep", True, denied=["issuers"]).manifests)


def test_leases_go_when_nobody_holds_them_any_more() -> None:
    result = gone(CERTIFIER)
    assert {(item["kind"], item["metadata"]["namespace"]) for item in result.leftovers} == {("Lease", "kube-system")}
    assert kinds(result.manifests).count("Secret") == 1


def test_an_interrupted_removal_goes_on() -> None:
    rest = found(objects=OBJECTS[:2], crds=[DEFINITION])
    result = removal(OPERATING, rest, "refuse", False)
    assert kinds(result.manifests) == ["Namespace", "Secret", "Secret"]
    assert {item["metadata"]["namespace"] for item in result.manifests[1:]} == {"ns"}


@pytest.mark.parametrize("there", [here("1.0.0", ours=False, objects=OBJECTS), found()])
def test_what_is_not_ours_stays(there: Any) -> None:
    result = removal(OPERATING, there, "refuse", True)
    assert (result.action, result.manifests) == ("nothing", [])
