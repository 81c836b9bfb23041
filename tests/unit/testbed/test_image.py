# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image archives, the images of a cluster, and the registries beside it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import tomllib
from importlib import util
from pathlib import Path

import pytest
import yaml

from tests.testbed import backends, command, config, image, images, packages, python_images, registry
from tests.testbed.build import COMPONENTS, JAEGER_VERSION, PROMETHEUS_VERSION, Builds
from tests.testbed.catalog import find_entry
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError
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


def test_the_same_content_gives_the_same_bytes_and_no_draft_stays(tmp_path: Path, program: Path) -> None:
    image.write_archive(_image(program), tmp_path / "one.tar")
    os.utime(program, (1, 1))
    image.write_archive(_image(program), tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.tar", "program", "two.tar"]


def test_the_archive_holds_configuration_and_a_layer_with_the_files(tmp_path: Path, program: Path) -> None:
    image.write_archive(_image(program), tmp_path / "it.tar")
    with tarfile.open(tmp_path / "it.tar") as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    (manifest,) = json.loads(files["manifest.json"])
    assert manifest["RepoTags"] == ["localhost/testbed/it:1"]
    content = files[manifest["Config"]]
    assert manifest["Config"] == f"{hashlib.sha256(content).hexdigest()}.json"
    document = json.loads(content)
    assert document["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(files['layer.tar']).hexdigest()}"]
    wanted = {"Entrypoint": ["/bin/program"], "Cmd": ["-x"], "User": "10001"}
    assert {key: document["config"][key] for key in wanted} == wanted
    with tarfile.open(fileobj=io.BytesIO(files["layer.tar"])) as layer:
        entries = {entry.name: entry for entry in layer}
    assert entries["bin/program"].mode == 0o755
    assert entries["bin/sh"].linkname == "program"
    assert entries["tmp"].mode == 0o1777
    assert {(entry.mtime, entry.uid, entry.gid) for entry in entries.values()} == {(0, 0, 0)}


def test_the_cluster_runs_the_images_that_are_built(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run", lambda *_: "sh\nbusybox\n")
    references = images.list_references(Builds(home, "go1.26 amd64"))
    documents = list(yaml.safe_load_all((config.MANIFESTS_FOLDER / "coredns.yaml").read_text()))
    (deployment,) = (document for document in documents if document["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == references["coredns"]
    assert f'sandbox_image = "{references["pause"]}"' in (config.TEMPLATES_FOLDER / "containerd.toml").read_text()
    assert references["collector"].endswith("opentelemetry-collector-contrib:0.158.0")


LDD = """/usr/bin/python3.11:
\tlinux-vdso.so.1 (0x00007ffd1b5f2000)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f8ed0c21000)
\tlibgone.so.1 => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f8ed14b5000)
"""
APP = Path(__file__).parents[2] / "support/python_app/app.py"


def test_shared_libraries_are_read_from_what_ldd_prints() -> None:
    assert python_images.parse_libraries(LDD) == {"/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"}


def test_every_package_is_pinned_and_the_instrumentation_is_of_the_images_version() -> None:
    for name in ("interpreter.txt", "autoinstrumentation.txt"):
        lines = [
            line for line in (python_images.LISTS_FOLDER / name).read_text().splitlines() if not line.startswith("#")
        ]
        assert lines
        assert all(line.count("==") == 1 for line in lines)
    version = python_images.INSTRUMENTATION_REFERENCE.rpartition(":")[2]
    for package in ("opentelemetry-distro", "opentelemetry-instrumentation", "opentelemetry-instrumentation-flask"):
        assert f"{package}=={version}" in lines
    assert "opentelemetry" not in APP.read_text().lower()


def test_without_an_installer_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/uv")
    assert python_images.find_obstacle() is None
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(python_images, "LOCAL_UV", Path("/no/such/file"))
    monkeypatch.setattr(python_images, "find_spec", lambda _: None)
    reason = python_images.find_obstacle()
    assert reason is not None
    assert "neither uv nor pip" in reason.why
    monkeypatch.setattr(python_images, "find_spec", lambda _: util.spec_from_loader("pip", None))
    assert python_images.find_installer() == [sys.executable, "-m", "pip", "--python", "/usr/bin/python3", "install"]


def test_backends_have_upstreams_names(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Builds(home, "go1.26 amd64")
    monkeypatch.setattr(images, "CERTIFICATES", Path("/no/such/file"))
    made: list[Image] = []

    def archive_of(name: str, content: Image, _: Builds) -> Path:
        made.append(content)
        return home.images / name

    monkeypatch.setattr(images, "pack_described_image", archive_of)
    for name, describe in (("prometheus", backends.pack_prometheus), ("jaeger", backends.pack_jaeger)):
        builds.program_folder(name).mkdir()
        builds.program_path(name, name).touch()
        describe(builds)
    names = [f"docker.io/prom/prometheus:v{PROMETHEUS_VERSION}", f"docker.io/jaegertracing/jaeger:{JAEGER_VERSION}"]
    assert [content.reference for content in made] == names
    for content in made:
        assert all(path.exists() for path in content.files.values())
        assert content.entrypoint[0] in content.files


def test_prometheus_is_of_the_version_that_is_said() -> None:
    major, minor, patch = PROMETHEUS_VERSION.split(".")
    required = f"github.com/prometheus/prometheus v0.{major}{minor}.{patch} "
    assert required in (COMPONENTS["prometheus"].folder / "go.mod").read_text()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(
        registry,
        "_start_registry",
        lambda cluster, _name: registry.registry_folder(cluster).mkdir(parents=True, exist_ok=True),
    )
    return Cluster(Home(tmp_path), "test", 7, 2)


def test_nodes_reach_the_one_inside_by_plain_http_and_skopeo_the_one_outside(cluster: Cluster) -> None:
    registry.start_registries(cluster, Path())
    for node in cluster.nodes:
        told = tomllib.loads((node.dir / "certs.d" / "172.30.7.2:5000" / "hosts.toml").read_text())
        assert list(told["host"]) == [told["server"]] == ["http://172.30.7.2:5000"]
    told = tomllib.loads((registry.registry_folder(cluster) / "registries.conf").read_text())["registry"]
    assert {row["prefix"]: row["location"] for row in told}["quay.io"] == "172.30.7.2:5001/quay.io"


def test_what_cannot_be_installed_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise ClusterError("apt-get failed", "no network", "try again")

    monkeypatch.setattr(packages, "list_missing", lambda needs: sorted(needs.values()))
    monkeypatch.setattr(packages, "install_packages", fail)
    for user, why in ((0, "no network"), (1000, "programs are missing, and only root can install them")):
        monkeypatch.setattr(registry.os, "geteuid", lambda user=user: user)
        reason = registry.find_obstacle(Home(tmp_path))
        assert reason is not None
        assert (reason.why, reason.do) == (why, "install the packages docker-registry skopeo")
    monkeypatch.setattr(packages, "list_missing", lambda _needs: [])
    assert registry.find_obstacle(Home(tmp_path)) is None
    assert find_entry("registry").start is registry.start_registries
