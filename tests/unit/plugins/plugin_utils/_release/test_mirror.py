# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror of what clusters need: manifests as they are published, and images."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import mirror

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
RELEASE = {
    "product": "cert-manager",
    "provider": "manifest",
    "version": "1.21.2",
    "source": "",
    "mirror": "",
    "sha256": "",
}


def release(folder: Path, **more: Any) -> dict[str, Any]:
    path = folder / "published.yaml"
    path.write_text(MANIFEST)
    return {**RELEASE, "source": str(path), "images": {}, **more}


def mirrored(*releases: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
    given = {"path": "", "registry": "", "scope": "used", "exclude": [], "images": [], **more}
    return mirror.mirrored({"clusters": [{"manifests": [], "releases": [one]} for one in releases], **given}, check)


def test_a_manifest_is_where_roles_look_for_it_byte_for_byte(tmp_path: Path) -> None:
    root = tmp_path / "mirror"
    result = mirrored(release(tmp_path), path=str(root))
    digest = hashlib.sha256(MANIFEST.encode()).hexdigest()
    inside = "cert-manager/v1.21.2/cert-manager.yaml"
    assert result["manifests"] == [{"product": "cert-manager", "version": "v1.21.2", "path": inside, "sha256": digest}]
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


def test_a_release_of_two_clusters_is_written_once(tmp_path: Path) -> None:
    result = mirrored(release(tmp_path), release(tmp_path), path=str(tmp_path / "mirror"))
    assert result["msg"] == "2 images, 1 manifests"


def test_a_chart_starts_more_than_the_manifest(tmp_path: Path) -> None:
    images = [row["image"] for row in mirrored(release(tmp_path, provider="helm"))["images"]]
    assert "quay.io/jetstack/cert-manager-startupapicheck:v1.21.2" in images


@pytest.mark.parametrize("provider", ["eks_addon", "olm", "existing"])
def test_what_others_install_is_for_others_to_mirror(provider: str, tmp_path: Path) -> None:
    found = mirrored(release(tmp_path, provider=provider), release(tmp_path, provider=provider))
    assert (found["images"], len(found["left_out"])) == ([], 1)
    assert found["left_out"][0].startswith("cert-manager is of ")


def test_what_is_not_installed_is_not_mirrored(tmp_path: Path) -> None:
    assert mirrored(release(tmp_path, provider=""))["msg"] == "0 images, 0 manifests"


def test_another_content_than_the_checksum_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="its SHA-256 is"):
        mirrored(release(tmp_path, sha256="ab"))
