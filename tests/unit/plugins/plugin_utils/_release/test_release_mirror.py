# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror of what clusters need: manifests as they are published, and images."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import mirror_images
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import release_mirror, render

from tests.support.cases import cases

from .. import helpers
from .helpers import EMPTY, collector, definition, namespace, there

MANIFEST = """\
# as published
apiVersion: apps/v1
kind: Deployment
metadata: {name: cert-manager, namespace: cert-manager, labels: {app.kubernetes.io/version: v1.21.2}}
spec:
  template:
    spec:
      containers:
        - image: quay.io/jetstack/cert-manager-controller:v1.21.2
          args: [--acme-http01-solver-image=quay.io/jetstack/cert-manager-acmesolver:v1.21.2]
"""
RELEASE = {"product": "cert-manager", "provider": "manifest", "version": "1.21.2", "allow_privileges": [], "images": {}}


def release(folder: Path, **more: Any) -> dict[str, Any]:
    path = folder / "published.yaml"
    path.write_text(MANIFEST)
    return {**RELEASE, "source": str(path), "mirror": "", "sha256": "", "chart": "", **more}


def mirrored(*releases: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
    given = {"compare": True, "path": "", "registry": "", "scope": "used", "exclude": [], "images": [], **more}
    clusters = [{"lock_file": "", "manifests": [], "releases": [one]} for one in releases]
    return release_mirror.mirror_releases({"clusters": clusters, **given}, check)


def test_a_manifest_is_where_roles_look_for_it_byte_for_byte(tmp_path: Path) -> None:
    root = tmp_path / "mirror"
    result = mirrored(release(tmp_path), path=str(root))
    checksum = f"sha256:{hashlib.sha256(MANIFEST.encode()).hexdigest()}"
    inside = "cert-manager/v1.21.2/cert-manager.yaml"
    (row,) = result["manifests"]
    assert (row["path"], row["name"], row["sum"]) == (inside, "cert-manager v1.21.2", checksum)
    assert (root / inside).read_text() == MANIFEST
    assert (result["changed"], mirrored(release(tmp_path), path=str(root))["changed"]) == (True, False)


def test_the_mirror_is_a_source_of_the_same(tmp_path: Path) -> None:
    root = tmp_path / "mirror"
    mirrored(release(tmp_path), path=str(root))
    again = mirrored(release(tmp_path, source="", mirror=str(root)), path=str(tmp_path / "second"))
    assert [row["image"].rpartition("-")[2] for row in again["images"]] == ["acmesolver:v1.21.2", "controller:v1.21.2"]


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "mirror"
    assert mirrored(release(tmp_path), path=str(root), check=True)["changed"]
    assert not root.exists()


def test_without_a_folder_there_is_the_list_alone(tmp_path: Path) -> None:
    result = mirrored(release(tmp_path), registry="r.example.com")
    assert not result["changed"]
    assert result["images"][0]["target"] == "r.example.com/jetstack/cert-manager-acmesolver:v1.21.2"


def test_a_release_of_two_clusters_is_written_once_and_of_none_not_at_all(tmp_path: Path) -> None:
    twice = mirrored(release(tmp_path), release(tmp_path), path=str(tmp_path / "mirror"))
    assert twice["msg"] == "2 images, 1 manifests"
    assert mirrored(release(tmp_path, provider=""))["msg"] == "0 images, 0 manifests"


def test_two_manifests_of_one_version_are_refused_before_one_is_written(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(f"{MANIFEST}# our own\n")
    clusters = [release(tmp_path), release(tmp_path, source=str(own))]
    with pytest.raises(Problem, match=r"Use cert-manager v1\.21\.2: two clusters give other manifests") as error:
        mirrored(*clusters, path=str(tmp_path / "mirror"))
    assert "published.yaml" in str(error.value) and "own.yaml" in str(error.value)
    assert not (tmp_path / "mirror").exists()


def test_a_chart_starts_more_than_the_manifest(tmp_path: Path) -> None:
    images = [row["image"] for row in mirrored(release(tmp_path, provider="helm"))["images"]]
    assert "quay.io/jetstack/cert-manager-startupapicheck:v1.21.2" in images


@pytest.mark.parametrize("provider", ["eks_addon", "olm", "existing"])
def test_what_others_install_is_for_others_to_mirror(provider: str, tmp_path: Path) -> None:
    found = mirrored(release(tmp_path, provider=provider), release(tmp_path, provider=provider))
    assert (found["images"], len(found["left_out"])) == ([], 1)
    assert found["left_out"][0].startswith("cert-manager is of ")


def test_another_content_than_the_checksum_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="its SHA-256 is"):
        mirrored(release(tmp_path, sha256="ab"))


NEW = "v0.151.0-eksbuild.2"
SPACE = "opentelemetry-operator-system"
TAGS = {"o11y.opentelemetry/release": "opentelemetry-operator"}
EKS = {"by": "eks_addon", "name": ""}
DEPLOYMENT = {"kind": "Deployment", "namespace": SPACE, "name": "opentelemetry-operator"}
THERE = there("0.151.0", DEPLOYMENT, EKS)
DEFINITION = definition("OpenTelemetryCollector", "v1beta1", EKS)


def listed(tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"addon_name": "adot", "addon_version": NEW, "tags": tags}]


def rendered(check: bool = False, **given: Any) -> dict[str, Any]:
    base = {"product": "opentelemetry-operator", "provider": "eks_addon", "eks_cluster": {"name": "prod"}}
    base |= {"cert_manager": {"installed": True, "version": "1.21.2"}, "addon": {"version": NEW}, "installed": EMPTY}
    return render.render_release({**helpers.RELEASE, **base, **given}, check)


def test_an_addon_is_installed_and_nothing_is_applied_for_it() -> None:
    result = rendered()
    assert (result["action"], result["provider"], result["version"]) == ("install", "eks_addon", "0.151.0")
    assert (result["manifests"], result["workloads"], result["namespace"]) == ([], [], SPACE)
    assert {item["metadata"]["namespace"] for item in result["dry_run"]} == {SPACE}


def test_what_is_there_is_waited_for_and_when_adopted_has_the_version_of_the_cluster() -> None:
    result = rendered(installed=THERE, addons=listed(TAGS))
    assert result["action"] == "unchanged"
    assert (result["workloads"], result["webhooks"]) == (THERE["workloads"], THERE["webhooks"])
    result = rendered(installed={**THERE, "version": "0.150.0"}, addons=listed({}), foreign="adopt")
    assert (result["provider"], result["version"]) == ("existing", "0.150.0")


def planned(image: str, backend: str = "operator") -> dict[str, str]:
    return {"namespace": "n", "name": "a", "backend": backend, "image": image}


def test_an_add_on_and_collectors_of_the_inventory_that_differ_are_told_in_the_first_run() -> None:
    (told,) = rendered(collectors=[planned("x/aws-otel-collector:v0.49.0")])["warnings"]
    assert told.startswith(
        "OpenTelemetryCollector n/a has an image of its own of version 0.156.0; the operator is made"
    )
    assert rendered(collectors=[planned("x/aws-otel-collector:v0.49.0", "kubernetes")])["warnings"] == []
    assert rendered(collectors=[planned("x/opentelemetry-collector:0.151.0")])["warnings"] == []


def test_what_the_run_changes_is_not_told_of_as_it_was() -> None:
    old = {"kind": "OpenTelemetryCollector", "namespace": "n", "name": "a", "image": "x/collector:0.140.0"}
    there = {**THERE, "resources": [{**old, "version": "0.140.0", "automatic": True, "ours": True, "finalizers": []}]}
    (told,) = rendered(installed=there, addons=listed(TAGS))["warnings"]
    assert "of version 0.140.0" in told
    new = [planned("x/opentelemetry-collector:0.151.0")]
    assert rendered(installed=there, addons=listed(TAGS), collectors=new)["warnings"] == []


def test_a_registry_for_all_roles_is_warned_of() -> None:
    assert "registry of AWS" in rendered(image_registry="mirror:5000")["warnings"][0]


@cases(
    "given, said",
    ({"installed": None}, r"Give the result of release_info \(installed\)"),
    ({"product": "cert-manager"}, "no EKS add-on of this collection installs cert-manager"),
    ({"version": "newest"}, "'newest' is not a version"),
)
def test_what_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem, match=said):
        rendered(**given)


def test_its_removal_takes_custom_resources_first_and_what_eks_leaves_last() -> None:
    used = {**THERE, "objects": [namespace(SPACE)], "crds": [DEFINITION], "resources": [collector("mine", ours=True)]}
    gone = rendered(state="absent", installed=used, addons=listed(TAGS), remove_definitions=True, others="remove")
    assert (gone["action"], gone["provider"]) == ("remove", "eks_addon")
    assert [item["metadata"]["name"] for item in gone["resources"]] == ["mine"]
    assert [item["kind"] for item in gone["manifests"]][:2] == ["Namespace", "CustomResourceDefinition"]
    # EKS applied it: the removal adopts it.
    assert gone["manifests"][1]["metadata"]["labels"]["o11y.opentelemetry/release"] in gone["adopt"]
    assert [item["kind"] for item in gone["leftovers"]] == ["Lease"]


def test_what_others_keep_in_it_stops_the_removal_or_may_go_with_the_definitions() -> None:
    used = {**THERE, "resources": [collector("theirs", ours=False)], "crds": [DEFINITION]}
    with pytest.raises(Problem, match="still used by OpenTelemetryCollector a/theirs"):
        rendered(state="absent", installed=used, addons=listed(TAGS))
    checked = rendered(True, state="absent", installed=used, addons=listed(TAGS))
    assert "this run fails unless" in checked["warnings"][0]
    warnings = rendered(state="absent", installed=used, addons=listed(TAGS), others="keep")["warnings"]
    assert any("EKS may delete the definitions" in text for text in warnings)


def test_an_addon_that_is_preserved_leaves_everything() -> None:
    used = {**THERE, "resources": [collector("mine", ours=True)]}
    gone = rendered(state="absent", installed=used, addons=listed(TAGS), preserve=True)
    assert (gone["action"], gone["resources"], gone["manifests"], gone["leftovers"]) == ("remove", [], [], [])


@cases(
    "installed, addons, said",
    (EMPTY, [], "nothing of the OpenTelemetry operator is here"),
    (THERE, listed({}), "the EKS add-on adot was not installed by this collection"),
    (THERE, [], "is installed, but not as the EKS add-on adot"),
)
def test_what_is_not_ours_stays(installed: Any, addons: Any, said: str) -> None:
    gone = rendered(state="absent", installed=installed, addons=addons)
    assert (gone["action"], said in gone["msg"]) == ("nothing", True)


def test_a_removal_that_was_interrupted_is_taken_up() -> None:
    gone = rendered(state="absent", installed={**EMPTY, "objects": [namespace(SPACE)]})
    assert (gone["action"], gone["manifests"][0]["kind"]) == ("remove", "Namespace")


def images_of(*objects: dict[str, Any]) -> list[str]:
    return [need.image for need in mirror_images.list_mirror_images(objects, [])]


WORKLOADS: dict[str, Any] = {
    "Pod": {"containers": [{"image": "a:1"}]},
    "Deployment": {"template": {"spec": {"initContainers": [{"image": "a:1"}]}}},
    "CronJob": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"image": "a:1"}]}}}}},
}


@pytest.mark.parametrize("kind", WORKLOADS)
def test_each_kind_of_workload_names_its_images(kind: str) -> None:
    assert images_of({"kind": kind, "metadata": {"name": "a"}, "spec": WORKLOADS[kind]}) == ["a:1"]


@pytest.mark.parametrize("spec", [None, "text", {"template": None}, {"template": "text"}, {"template": {"spec": 5}}])
def test_an_object_without_pods_has_no_images(spec: Any) -> None:
    assert images_of({"kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}) == []


@pytest.mark.parametrize(("allocator", "is_used"), [({"replicas": 2}, False), ({"enabled": True}, True)])
def test_a_target_allocator_is_used_where_it_is_enabled(allocator: Any, is_used: bool) -> None:
    resource = {"kind": "OpenTelemetryCollector", "metadata": {"name": "a"}, "spec": {"targetAllocator": allocator}}
    release = mirror_images.MirroredRelease("opentelemetry-operator", "v1", (), {"target_allocator": "ta:1"})
    assert [need.image for need in mirror_images.list_mirror_images([resource], [release])] == ["ta:1"] * is_used


def test_each_image_has_an_archive_of_its_own() -> None:
    needed = mirror_images.list_mirror_images([], [], added_images=["a/b:1", "a_b:1", "c:1"])
    archives = [need.build_row("")["archive"] for need in needed]
    assert archives[2] == "images/c_1.tar"
    assert len({"images/a_b_1.tar", *archives}) == 4


def targets(*images: str) -> list[str]:
    return [row["target"] for row in mirrored(images=list(images), registry="r.example.com/m")["images"]]


def test_two_images_have_no_common_place_in_the_registry() -> None:
    with pytest.raises(Problem, match=r"r\.example\.com/m/a/b:1 would be the place of two images") as error:
        targets("ghcr.io/a/b:1", "quay.io/a/b:1")
    assert "ghcr.io/a/b:1 and quay.io/a/b:1" in str(error.value)


def test_one_image_by_two_names_may_have_one_place_in_the_registry() -> None:
    digest = f"sha256:{'a' * 64}"
    assert targets("a/b:1", "docker.io/a/b:1") == ["r.example.com/m/a/b:1"] * 2
    assert targets(f"ghcr.io/a/b@{digest}", f"quay.io/a/b@{digest}") == [f"r.example.com/m/a/b@{digest}"] * 2
    assert [row["target"] for row in mirrored(images=["ghcr.io/a/b:1", "quay.io/a/b:1"])["images"]] == ["", ""]


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"metadata": {"name": "a"}}, "manifest 2 of a cluster is no object with a name"),
        (
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "a"},
                "spec": {"containers": [{"image": 5}]},
            },
            "a container of Pod a has no text as its image",
        ),
    ],
)
def test_an_odd_object_of_a_cluster_is_refused(manifest: dict[str, Any], said: str) -> None:
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}, manifest]
    cluster = {"lock_file": "", "manifests": objects, "releases": []}
    arguments = {"clusters": [cluster], "compare": True, "path": "", "registry": "", "scope": "used"}
    with pytest.raises(Problem) as found:
        release_mirror.mirror_releases({**arguments, "exclude": [], "images": []}, check=False)
    assert said in str(found.value)


@pytest.mark.parametrize(
    "image",
    [
        "",
        " ",
        "a b",
        "a:",
        "@",
        "a/UPPER",
        "http://x/y",
        "a@sha256:1",
        ":1",
        "/",
        "-x",
        "a\nb",
        "a" * 300,
        "{'image': 1}",
    ],
)
def test_what_names_no_image_is_refused(image: str) -> None:
    with pytest.raises(Problem, match=r"item 2 of otel_mirror_images, '.*', is no image") as found:
        mirrored(images=["a:1", image])
    assert "Write it as REGISTRY/NAME:TAG" in str(found.value)


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "a/b_c/d-e.f:1_2-3.4",
        "localhost:5000/a__b",
        "R.example.com:443/x:v1",
        "[2001:db8::1]:5000/a:1",
        f"a:1@sha256:{'a' * 64}",
    ],
)
def test_what_names_an_image_is_mirrored(image: str) -> None:
    assert [row["image"] for row in mirrored(images=[image])["images"]] == [image]
