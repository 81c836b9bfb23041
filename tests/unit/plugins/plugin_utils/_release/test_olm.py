# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import render

from ..helpers import RELEASE
from . import helpers
from .helpers import collector, definition, namespace, there

SPACE = "openshift-opentelemetry-operator"
ONE, TWO = "opentelemetry-operator.v0.157.0-1", "opentelemetry-operator.v0.158.0-1"
MANIFEST = {"by": "manifest", "name": ""}
OLM = {"by": "olm", "name": TWO}
WANTED = {"package": "opentelemetry-product", "source": "redhat-operators", "source_namespace": "openshift-marketplace"}
DEPLOYMENT = {"kind": "Deployment", "namespace": SPACE, "name": "manager"}
EMPTY = {**helpers.EMPTY, "cert_manager": False}
THERE = there("0.158.0", DEPLOYMENT, OLM)
CHANNEL = {"name": "stable", "csv": TWO, "csvs": [TWO, ONE], "min_kubernetes": "", "all_namespaces": True}
OFFERS: dict[str, Any] = {
    **{"served": True, "packages_served": True, "namespace": SPACE, "packages": []},
    **{"subscriptions": [], "operator_groups": [], "csvs": []},
    "catalogs": [{"name": "redhat-operators", "namespace": "openshift-marketplace", "state": "READY", "message": ""}],
    "package": {"default_channel": "stable", "channels": [CHANNEL]},
}
SUBSCRIPTION: dict[str, Any] = {
    **{"name": "opentelemetry-product", "namespace": SPACE, "ours": True, "package": "opentelemetry-product"},
    **{"channel": "stable", "installed_csv": TWO, "current_csv": TWO, "starting_csv": ""},
}
CSV = {"name": TWO, "namespace": SPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}
INSTALLED = {**OFFERS, "subscriptions": [SUBSCRIPTION], "csvs": [CSV]}
LEFT = {**INSTALLED, "subscriptions": []}
GROUP = {"name": "mine", "namespace": SPACE, "ours": True, "targets": [], "all": True}


def rendered(check: bool = False, wanted: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    base = {"product": "opentelemetry-operator", "provider": "olm", "installed": EMPTY, "olm_found": OFFERS}
    return render.render_release({**RELEASE, **base, "olm": {**WANTED, **(wanted or {})}, **given}, check)


INSTRUMENTATION = definition("Instrumentation", "v1", OLM)
BY_HELM = definition("Instrumentation", "v1", {"by": "helm", "name": "x"})


def test_a_subscription_is_made_and_what_runs_is_read_later() -> None:
    result = rendered()
    assert (result["action"], result["provider"], result["version"]) == ("install", "olm", "0.158.0-1")
    assert (result["manifests"], result["workloads"], result["namespace"]) == ([], [], SPACE)
    assert [item["kind"] for item in result["olm"]["manifests"]] == ["Namespace", "OperatorGroup", "Subscription"]
    told = {"namespace": SPACE, "subscription": "opentelemetry-product", "csv": TWO, "approval": "automatic"}
    assert {key: value for key, value in result["olm"].items() if key != "manifests"} == told
    assert {item["metadata"]["namespace"] for item in result["dry_run"]} == {SPACE}


def test_what_our_subscription_brought_is_ours_and_what_olm_left_is_taken_up_again() -> None:
    result = rendered(installed=THERE, olm_found=INSTALLED)
    assert (result["action"], result["workloads"]) == ("unchanged", [DEPLOYMENT])
    assert rendered(installed={**EMPTY, "crds": [INSTRUMENTATION]}, certificates="cert_manager")["action"] == "install"


def test_tuning_becomes_the_configuration_of_the_subscription() -> None:
    manager = {"env": {"A": 1}, "resources": {"limits": {"memory": "1Gi"}}, "node_selector": {"a": "b"}, "replicas": 1}
    images = {"collector": "r/collector:1", "java": "", "go": "r/go:1"}
    variables = {"A": "1", "FEATURE_GATES": "a,-b"}
    variables |= {"RELATED_IMAGE_AUTO_INSTRUMENTATION_GO": "r/go:1", "RELATED_IMAGE_COLLECTOR": "r/collector:1"}
    result = rendered(workloads={"manager": manager}, images=images, feature_gates=["a", "-b"])
    assert result["olm"]["manifests"][-1]["spec"]["config"] == {
        "resources": {"limits": {"memory": "1Gi"}},
        "nodeSelector": {"a": "b"},
        "env": [{"name": name, "value": value} for name, value in variables.items()],
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"version": "v0.158.0"}, r"does not support version \(otel_operator_olm_csv pins a version\)"),
        ({"watch_namespaces": ["a"]}, "does not support watch_namespaces"),
        ({"workloads": {"manager": {"flags": {"a": "b"}, "replicas": 2}}}, "does not support flags .* replicas"),
        ({"workloads": {"manager": {"replicas": 0}}}, r"does not support replicas \(the bundle sets the number\)"),
        ({"wanted": {"approvel": "manual"}}, "olm has no option 'approvel'; did you mean 'approval'"),
        ({"product": "cert-manager"}, "no known catalog contains cert-manager"),
        ({"olm_found": None}, "needs the installed releases"),
        ({"installed": {**THERE, "namespaces": [SPACE, "b"]}}, "more than once"),
        ({"installed": {**THERE, "installer": {"by": "helm", "name": "a/b"}}}, "installed by the Helm release a/b"),
        ({"installed": THERE, "olm_found": {**LEFT, "operator_groups": [GROUP]}}, "without a Subscription"),
        ({"installed": THERE, "olm_found": LEFT}, "installed by the Operator Lifecycle Manager"),
        (
            {"installed": {**EMPTY, "crds": [BY_HELM]}},
            "made by the Helm release x",
        ),
        ({"installed": {**EMPTY, "kubernetes": "v1.20.0"}}, "Kubernetes"),
        ({"installed": {**THERE, "ours": True, "installer": MANIFEST}}, "by manifest, and the provider is now olm"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem, match=words):
        rendered(**given)


def test_somebody_elses_subscription_may_be_used_as_it_is() -> None:
    theirs = {**INSTALLED, "subscriptions": [{**SUBSCRIPTION, "ours": False}]}
    definitions = [definition("OpenTelemetryCollector", "v1beta1", OLM)]
    result = rendered(installed={**THERE, "crds": definitions}, olm_found=theirs, foreign="adopt")
    assert (result["action"], result["provider"], result["olm"]) == ("adopt", "existing", {})
    with pytest.raises(Problem, match="installed by the Operator Lifecycle Manager"):
        rendered(installed=THERE, olm_found=theirs)


def absent(**given: Any) -> dict[str, Any]:
    installed = {**THERE, "objects": [namespace(SPACE)], "crds": [INSTRUMENTATION]}
    return rendered(**{"state": "absent", "others": "refuse", "installed": installed, "olm_found": INSTALLED, **given})


def test_removal_takes_versions_and_workloads_along() -> None:
    result = absent(remove_definitions=True)
    assert (result["action"], result["provider"]) == ("remove", "olm")
    kinds = [item["kind"] for item in result["manifests"]]
    assert kinds[:4] == ["Namespace", "ClusterServiceVersion", "Deployment", "CustomResourceDefinition"]
    # OLM applied it: the removal adopts it.
    assert result["manifests"][3]["metadata"]["labels"]["o11y.opentelemetry/release"] in result["adopt"]
    assert "CustomResourceDefinition" not in [item["kind"] for item in absent()["manifests"]]


def test_collectors_of_others_stop_the_removal() -> None:
    used = {**THERE, "objects": [namespace(SPACE)], "resources": [collector("theirs", ours=False)]}
    with pytest.raises(Problem, match="still used by OpenTelemetryCollector a/theirs"):
        absent(installed=used)
    assert "this run fails unless" in absent(check=True, installed=used)["warnings"][0]


def test_what_an_interrupted_removal_left_goes_and_somebody_elses_subscription_stays() -> None:
    result = absent(olm_found={**LEFT, "operator_groups": [GROUP]})
    assert "ClusterServiceVersion" in [item["kind"] for item in result["manifests"]]
    assert absent(olm_found={**INSTALLED, "subscriptions": [{**SUBSCRIPTION, "ours": False}]})["action"] == "nothing"
    unclaimed = absent(olm_found=LEFT)
    assert unclaimed["action"] == "nothing"
    assert unclaimed["warnings"] == [
        f"ClusterServiceVersion {SPACE}/{TWO} stays: no Subscription or OperatorGroup of this collection shows that it"
        " belongs to this collection, so it may be of somebody else. If nobody needs it, delete it."
    ]


def test_an_operator_group_that_others_use_stays_with_a_warning() -> None:
    neighbour = {**SUBSCRIPTION, "ours": False, "package": "tempo-product", "name": "tempo-product"}
    result = absent(olm_found={**INSTALLED, "subscriptions": [SUBSCRIPTION, neighbour]})
    assert f"The OperatorGroup stays, since {SPACE}/tempo-product needs it" in result["warnings"]
