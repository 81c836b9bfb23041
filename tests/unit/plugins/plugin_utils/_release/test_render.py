# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.products import PRODUCTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import own_release, render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release.release_arguments import ReleaseArguments

from tests.support.cases import cases

from ..helpers import RELEASE
from .helpers import EMPTY, collector, definition, namespace

IMAGE = "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator:0.158.0"
DEFINITION = definition("OpenTelemetryCollector", "v1beta1", {"by": "manifest", "name": ""})
MANIFEST = f"""
{{apiVersion: v1, kind: Namespace, metadata: {{name: opentelemetry-operator-system}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: manager, namespace: opentelemetry-operator-system}}
spec: {{template: {{spec: {{containers: [{{name: manager, image: "{IMAGE}"}}]}}}}}}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "opentelemetry-operator.yaml"
    path.write_text(MANIFEST)
    return str(path)


def rendered(check: bool = False, **given: Any) -> dict[str, Any]:
    return render.render_release({**RELEASE, "product": "opentelemetry-operator", **given}, check)


def flags(result: dict[str, Any]) -> list[str]:
    (workload,) = (item for item in result["manifests"] if item["kind"] == "Deployment")
    arguments: list[str] = workload["spec"]["template"]["spec"]["containers"][0]["args"]
    return arguments


def test_without_anything_to_compare_it_is_installed(file: str) -> None:
    result = rendered(source=file)
    assert (result["action"], result["version"], result["provider"]) == ("install", "0.158.0", "manifest")
    namespace = "opentelemetry-operator-system"
    assert result["workloads"] == [{"kind": "Deployment", "namespace": namespace, "name": "manager"}]
    assert {item["metadata"]["namespace"] for item in result["dry_run"]} == {namespace}
    assert result["prune_selector"] == "o11y.opentelemetry/release=opentelemetry-operator"


def test_wishes_become_flags_and_a_registry_moves_everything(file: str) -> None:
    result = rendered(source=file, feature_gates=["a", "-b"], images={"java": "x/java:1", "collector": ""})
    assert flags(result) == ["--auto-instrumentation-java-image=x/java:1", "--feature-gates=a,-b"]
    assert "x/java:1" in result["images"]
    moved = rendered(source=file, image_registry="mirror:5000")
    assert {image.partition("/")[0] for image in moved["images"]} == {"mirror:5000"}
    assert len(flags(moved)) == 10


def test_the_arguments_are_the_options_of_the_module() -> None:
    assert set(get_type_hints(ReleaseArguments)) == set(RELEASE)


def test_what_is_adopted_needs_no_manifest() -> None:
    there = {
        **own_release._NOTHING_INSTALLED,
        "installed": True,
        "ours": False,
        "version": "0.140.0",
        "kubernetes": "v1.30.0",
    }
    there |= {"namespace": "x", "namespaces": ["x"], "installer": {"by": "olm", "name": "csv"}}
    there |= {"workloads": [{"kind": "Deployment"}], "webhooks": [{"kind": "W"}]}
    there["crds"] = [{"name": "opentelemetrycollectors.opentelemetry.io", "served_versions": ["v1beta1"]}]
    result = rendered(source="/nowhere", foreign="adopt", installed=there)
    assert (result["provider"], result["version"], result["namespace"]) == ("existing", "0.140.0", "x")
    assert (result["workloads"], result["webhooks"]) == (there["workloads"], there["webhooks"])


def test_a_version_that_is_not_for_this_kubernetes_is_refused_or_warned_of(file: str) -> None:
    past, future = ({**own_release._NOTHING_INSTALLED, "kubernetes": version} for version in ("v1.20.0", "v1.99.0"))
    with pytest.raises(Problem, match=r"this cluster is 1\.20.*compatibility: warn"):
        rendered(source=file, installed=past, compatibility="refuse")
    for installed, compatibility in ((past, "warn"), (future, "refuse"), (future, "warn")):
        result = rendered(source=file, installed=installed, compatibility=compatibility)
        assert (result["action"], len(result["warnings"])) == ("install", 1)
        assert f"this cluster is {installed['kubernetes'][1:5]}" in result["warnings"][0]


@cases("product, version", ("cert-manager", "1.21.2"), ("opentelemetry-operator", "0.158.0"))
def test_what_this_release_installs_is_installed_on_a_kubernetes_that_the_projects_do_not_list_yet(
    product: str, version: str
) -> None:
    newest = {**own_release._NOTHING_INSTALLED, "kubernetes": "v1.37.2"}
    result = rendered(product=product, version=version, provider="helm", installed=newest)
    (warning,) = result["warnings"]
    assert result["action"] == "install" and warning.endswith("1.36, and this cluster is 1.37, which is newer")


@cases("foreign, action", ("adopt", "adopt"), ("takeover", "upgrade"), ("refuse", ""))
def test_an_installation_of_another_owner_is_adopted_taken_over_or_refused(
    file: str, foreign: str, action: str
) -> None:
    other = {
        **own_release._NOTHING_INSTALLED,
        "installed": True,
        "ours": False,
        "version": "0.157.0",
        "kubernetes": "v1.34.0",
    }
    other |= {"namespace": "x", "namespaces": ["x"], "installer": {"by": "manifest", "name": ""}, "cert_manager": True}
    other["crds"] = [DEFINITION]
    given = {"source": file, "foreign": foreign, "namespace": "x", "installed": other}
    if action:
        assert rendered(**given)["action"] == action
        return
    with pytest.raises(Problem, match="installed by another owner"):
        rendered(**given)


def test_a_chart_elsewhere_has_the_version_that_goes_with_it() -> None:
    chart = "oci://ghcr.io/x/y"
    result = rendered(provider="helm", chart=chart, version="0.152.0", helm_values={"manager": {"a": 1}})
    assert (result["chart_version"], result["manifests"]) == ("0.114.1", [])
    assert result["chart_values"]["manager"] == {"a": 1}
    assert rendered(product="cert-manager", provider="helm", chart=chart)["chart_version"] == "v1.21.2"


def test_an_operator_that_is_not_listed_is_installed_with_warnings(file: str, tmp_path: Path) -> None:
    (newer := tmp_path / "newer.yaml").write_text(MANIFEST.replace("0.158.0", "0.163.0"))
    nothing = {**own_release._NOTHING_INSTALLED, "kubernetes": "v1.37.2"}
    given = {"version": "0.163.0", "installed": nothing}
    unlisted = "0.163.0 is not in the table of this collection, so nothing is known of what it goes with"
    (warning,) = rendered(source=str(newer), **given)["warnings"]
    assert warning.endswith(unlisted)
    first, second = rendered(provider="helm", **given)["warnings"]
    assert first.endswith(unlisted)
    assert "The chart of the OpenTelemetry operator 0.163.0 is not known, so Helm takes its newest chart" in second


def test_a_newer_operator_whose_chart_is_known_is_installed_with_that() -> None:
    result = rendered(
        provider="helm", version="0.162.0", installed={**own_release._NOTHING_INSTALLED, "kubernetes": "v1.36.0"}
    )
    assert result["chart_version"] == "0.127.0"
    assert [warning.rpartition(", so ")[2] for warning in result["warnings"]] == [
        "nothing is known of what it goes with"
    ]


def test_a_chart_on_disk_brings_its_version(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("name: opentelemetry-operator\nversion: 0.114.1\nappVersion: 0.152.0\n")
    result = rendered(provider="helm", chart=str(tmp_path))
    assert (result["version"], result["chart_version"]) == ("0.152.0", "")


def test_a_chart_is_told_only_of_images_that_differ() -> None:
    assert "collectorImage" not in rendered(provider="helm")["chart_values"]["manager"]
    moved = rendered(provider="helm", image_registry="m:5000")["chart_values"]["manager"]
    assert moved["collectorImage"]["repository"].startswith("m:5000/")


def test_removal_has_to_know_what_is_there_and_leaves_what_was_only_used() -> None:
    with pytest.raises(Problem, match="needs the installed releases"):
        rendered(state="absent")
    there = {**own_release._NOTHING_INSTALLED, "installed": True, "ours": True, "objects": [{}]}
    assert rendered(state="absent", provider="existing", installed=there)["action"] == "nothing"


@cases(
    "given, said",
    ({"provider": "manifest"}, "the Helm release ns/otel, and the provider is now manifest"),
    ({"provider": "helm", "helm_release": "other"}, "the Helm release ns/otel, not ns/other"),
    ({"provider": "olm"}, "the Helm release ns/otel, and the provider is now olm"),
    ({"provider": "eks_addon"}, "the Helm release ns/otel, and the provider is now eks_addon"),
)
def test_the_helm_release_of_another_request_is_not_taken_apart(given: dict[str, Any], said: str) -> None:
    helm = {"by": "helm", "name": "ns/otel"}
    there = {**EMPTY, "installed": True, "ours": True, "installer": helm, "objects": [namespace("ns")]}
    with pytest.raises(Problem, match=said):
        rendered(state="absent", namespace="ns", installed=there, **given)
    own = rendered(state="absent", namespace="ns", installed=there, provider="helm", helm_release="otel")
    assert own["action"] == "remove"


def test_the_check_of_a_removal_only_warns_of_what_earlier_tasks_remove() -> None:
    ours = {"installed": True, "ours": True, "objects": [namespace("ns")]}
    used = {**EMPTY, **ours, "resources": [collector("mine", ours=True)]}
    with pytest.raises(Problem, match="still used by OpenTelemetryCollector a/mine"):
        rendered(state="absent", installed=used)
    checked = rendered(True, state="absent", installed=used)
    assert "this run fails unless" in checked["warnings"][0]
    assert "Namespace" in [item["kind"] for item in checked["manifests"]]


@cases(
    "given, said",
    ({"issuer": {"kind": "Issuer"}}, "issuer.*name"),
    ({"workloads": {"manager": {"replica": 1}}}, "no option 'replica'; did you mean 'replicas'"),
    ({"version": "v0.152.0"}, r"it has version 0\.158\.0.*Ask for v0\.158\.0, or give .* v0\.152\.0"),
    ({"version": "newest"}, "'newest' is not a version of the OpenTelemetry operator"),
    ({"version": "0.15"}, r"'0\.15' is not a whole version .* YAML reads 1\.20 as 1\.2"),
)
def test_options_that_cannot_be_are_refused(given: dict[str, Any], said: str, file: str) -> None:
    with pytest.raises(Problem, match=said):
        rendered(source=file, **given)


CONNECTED = {
    **own_release._NOTHING_INSTALLED,
    "kubernetes": "v1.34.4",
    "server": "https://a.example",
    "eks_cluster": "prod",
}


@pytest.mark.parametrize("product", sorted(PRODUCTS))
@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("given", [{"eks_cluster": {"name": "prod"}}, {"installed": CONNECTED}], ids=str)
def test_helm_is_refused_beside_an_eks_cluster_of_any_source(given: Any, state: str, product: str) -> None:
    words = r"a kubeconfig.*eks_cluster \(prod\).*provider manifest, or give.*O11Y_EKS_CLUSTER"
    with pytest.raises(Problem, match=words):
        rendered(product=product, state=state, provider="helm", **given)


def test_helm_goes_well_with_a_kubeconfig_and_a_manifest_with_an_eks_cluster(file: str) -> None:
    assert rendered(provider="helm", installed={**CONNECTED, "eks_cluster": ""})["action"] == "install"
    assert rendered(source=file, eks_cluster={"name": "prod"})["action"] == "install"
