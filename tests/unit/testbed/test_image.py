# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image archives: their content, and that the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.testbed import command, config, image, images
from tests.testbed.build import Builds
from tests.testbed.home import Home
from tests.testbed.image import Image


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Something to run."""
    path = tmp_path / "program"
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o755)
    return path


def _image(program: Path) -> Image:
    links = {"/bin/sh": "program"}
    return Image("localhost/testbed/it:1", {"/bin/program": program}, links, ("/bin/program",), ("-x",), "10001")


def test_the_same_content_gives_the_same_bytes(tmp_path: Path, program: Path) -> None:
    image.write(_image(program), tmp_path / "one.tar")
    os.utime(program, (1, 1))
    image.write(_image(program), tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_no_draft_stays(tmp_path: Path, program: Path) -> None:
    image.write(_image(program), tmp_path / "it.tar")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it.tar", "program"]


def test_the_archive_holds_configuration_and_layer(tmp_path: Path, program: Path) -> None:
    image.write(_image(program), tmp_path / "it.tar")
    with tarfile.open(tmp_path / "it.tar") as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    (manifest,) = json.loads(files["manifest.json"])
    assert manifest["RepoTags"] == ["localhost/testbed/it:1"]
    content = files[manifest["Config"]]
    assert manifest["Config"] == f"{hashlib.sha256(content).hexdigest()}.json"
    document = json.loads(content)
    assert document["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(files['layer.tar']).hexdigest()}"]
    assert document["config"]["Entrypoint"] == ["/bin/program"]
    assert document["config"]["Cmd"] == ["-x"]
    assert document["config"]["User"] == "10001"


def test_the_layer_holds_the_files(tmp_path: Path, program: Path) -> None:
    image.write(_image(program), tmp_path / "it.tar")
    with tarfile.open(tmp_path / "it.tar") as archive, tarfile.open(fileobj=archive.extractfile("layer.tar")) as layer:
        entries = {entry.name: entry for entry in layer}
    assert entries["bin/program"].mode == 0o755
    assert entries["bin/sh"].linkname == "program"
    assert entries["tmp"].mode == 0o1777
    assert {(entry.mtime, entry.uid, entry.gid) for entry in entries.values()} == {(0, 0, 0)}


def test_the_cluster_runs_the_images_that_are_built(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run", lambda *_: "sh\nbusybox\n")
    references = images.references(Builds(home, "go1.26 amd64"))
    documents = list(yaml.safe_load_all((config.MANIFESTS / "coredns.yaml").read_text()))
    (deployment,) = (document for document in documents if document["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == references["coredns"]
    assert f'sandbox_image = "{references["pause"]}"' in (config.TEMPLATES / "containerd.toml").read_text()
    assert references["collector"].endswith("opentelemetry-collector-contrib:0.158.0")
