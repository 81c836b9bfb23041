# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that an inventory of ours brings into a cluster is missing in its mirror."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.products import (
    OPERATOR,
    PRODUCTS,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _instrumentation, _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import release_mirror, release_tables, render

from tests.contract.role import OF_CLUSTERS, ROOT, request
from tests.support import plays

COLLECTOR = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
ROLES = {"cert-manager": "cert_manager", OPERATOR: "otel_operator"}
REGISTRY = "registry.example.com/mirror"
# In place of a release: one Deployment, with the images and the flags that the published manifest has.
TABLE = release_tables.read_tables()
PARTS = {
    "cert-manager": ["quay.io/jetstack/cert-manager-controller", "quay.io/jetstack/cert-manager-webhook"],
    OPERATOR: ["ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator"],
}


def variables(name: str) -> dict[str, Any]:
    """Return the variables of an inventory's group."""
    found: dict[str, Any] = {}
    folder = ROOT / "inventories" / name / "group_vars"
    for path in sorted(folder.rglob("*.yml")):
        found |= _documents.read_yaml(path)
    return found


def release(folder: Path, product: str) -> str:
    """Write a release manifest; return its path."""
    version = TABLE["tested"][product]
    tag = version if product == OPERATOR else f"v{version}"
    containers = "".join(
        f"\n        - {{name: c{n}, image: '{image}:{tag}', args: []}}" for n, image in enumerate(PARTS[product])
    )
    path = folder / f"{product}.yaml"
    labels = f"{{app.kubernetes.io/version: v{version}}}"
    path.write_text(
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {product}, namespace: x, labels: {labels}}}\n"
        f"spec:\n  template:\n    spec:\n      containers:{containers}\n"
    )
    return str(path)


def rendered(given: dict[str, Any], registry: str) -> list[dict[str, Any]]:
    """Return the objects of collectors and of auto-instrumentation."""
    made = _render.build_bundle(_render.judge_request(request({**given, "otel_collector_image_registry": registry})))[
        "manifests"
    ]
    if "otel_instrumentations" not in given:
        return list(made)
    options = {"namespace": "default", "image_registry": registry, "name": "default"}
    return [*made, *_instrumentation.build_bundle(given["otel_instrumentations"], options)["manifests"]]


def installed(given: dict[str, Any], folder: Path, registry: str) -> list[dict[str, Any]]:
    """Return the objects of the products that an inventory installs by a manifest."""
    objects: list[dict[str, Any]] = []
    for product, role in ROLES.items():
        if given.get(f"{role}_provider") == "manifest":
            arguments = {name: option.get("default") for name, option in read_argument_spec("release_render").items()}
            wanted = {
                "product": product,
                "source": release(folder, product),
                "image_registry": registry,
                "images": started(given),
            }
            objects += render.render_release({**arguments, **wanted}, check=True)["manifests"]
    return objects


def started(given: dict[str, Any]) -> dict[str, str]:
    return {"collector": given["otel_operator_collector_image"]} if "otel_operator_collector_image" in given else {}


def images(value: Any, key: str = "") -> Iterator[str]:
    """Yield whatever looks like an image in objects, however deep; configs of collectors are text or have none."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from images(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from images(item, key)
    elif key == "image" and value:
        yield str(value)
    elif key == "args" and "image=" in str(value):
        yield str(value).partition("=")[2]


def mirrored(given: dict[str, Any], folder: Path, **more: str) -> list[dict[str, Any]]:
    """Return what the mirror of an inventory has."""
    releases = [
        {
            "product": product,
            "provider": given.get(f"{role}_provider", ""),
            "version": "",
            "mirror": "",
            "sha256": "",
            "chart": "",
            "allow_privileges": [],
        }
        | {"source": release(folder, product), "images": started(given) if product == OPERATOR else {}}
        for product, role in ROLES.items()
    ]
    wanted = {"compare": True, "path": "", "registry": REGISTRY, "scope": "used", "exclude": [], "images": [], **more}
    clusters = [{"lock_file": "", "manifests": rendered(given, ""), "releases": releases}]
    found: list[dict[str, Any]] = release_mirror.mirror_releases({"clusters": clusters, **wanted}, check=True)["images"]
    return found


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("name", OF_CLUSTERS)
def test_every_image_of_an_inventory_is_in_its_mirror(name: str, tmp_path: Path) -> None:
    given = variables(name)
    wanted = set(images([*rendered(given, ""), *installed(given, tmp_path, "")]))
    assert wanted
    assert wanted - {row["image"] for row in mirrored(given, tmp_path)} == set()


@pytest.mark.parametrize("name", OF_CLUSTERS)
def test_with_the_registry_every_image_is_one_that_was_pushed_there(name: str, tmp_path: Path) -> None:
    given = variables(name)
    wanted = set(images([*rendered(given, REGISTRY), *installed(given, tmp_path, REGISTRY)]))
    pushed = {row["target"] for row in mirrored(given, tmp_path, scope="all")}
    assert {image for image in wanted if not image.startswith(REGISTRY)} == set()
    assert wanted - pushed == set()


def test_the_image_that_the_operator_chooses_is_in_the_mirror(tmp_path: Path) -> None:
    given = variables("operator_stack")
    del given["otel_operator_collector_image"]
    items = [{**item, "image": "operator"} for item in given["otel_collectors"]]
    found = {row["image"] for row in mirrored({**given, "otel_collectors": items}, tmp_path)}
    default = TABLE["operator_images"]["collector"]["image"]
    assert f"{default}:{TABLE['tested'][OPERATOR]}" in found


def test_what_the_operator_starts_of_the_stack_is_in_its_mirror(tmp_path: Path) -> None:
    found = {
        row["image"].rpartition("/")[2].partition(":")[0] for row in mirrored(variables("operator_stack"), tmp_path)
    }
    assert found >= {
        "target-allocator",
        "autoinstrumentation-java",
        "autoinstrumentation-nodejs",
        "autoinstrumentation-python",
    }
    assert not found & {"autoinstrumentation-dotnet", "autoinstrumentation-go", "operator-opamp-bridge"}


def test_one_input_is_the_default_of_every_role() -> None:
    roles = sorted(path.parent.parent.name for path in (ROOT / "roles").glob("*/defaults/main.yml"))
    found = {}
    for role in roles:
        defaults = _documents.read_yaml(ROOT / "roles" / role / "defaults" / "main.yml")
        found |= {name: value for name, value in defaults.items() if name.endswith("image_registry")}
    assert set(found) >= {
        f"{role}_image_registry" for role in ("cert_manager", "otel_collector", "otel_instrumentation", "otel_operator")
    }
    assert set(found.values()) == {
        "{{ otel_image_registry if query('ansible.builtin.varnames', '^otel_image_registry$') else '' }}"
    }


def test_the_products_of_the_mirror_are_all_that_there_are() -> None:
    assert set(ROLES) == set(PRODUCTS)


def without_skopeo(folder: Path) -> Path:
    """Return a folder with the programs that Ansible itself calls, and no others."""
    folder.mkdir()
    for name in ("sh", "mkdir", "rm", "chmod", "echo", "cat", "ls", "sleep"):
        (folder / name).symlink_to(shutil.which(name) or "")
    return folder


def test_without_skopeo_manifests_and_list_are_written_and_it_says_what_to_do(tmp_path: Path) -> None:
    variables = {
        "cert_manager_provider": "manifest",
        "cert_manager_source": release(tmp_path, "cert-manager"),
        "otel_mirror_path": f"{tmp_path}/mirror",
        "otel_image_registry": REGISTRY,
    }
    extra = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(
        json.dumps({"all": {"hosts": {"cluster": {"otel_collectors": [COLLECTOR]}}}}), encoding="utf-8"
    )
    programs = str(without_skopeo(tmp_path / "bin"))
    done = plays.run_playbook("playbooks/mirror.yml", "-i", str(inventory), *extra, PATH=programs)
    assert done.returncode != 0
    assert "Install skopeo" in done.stdout, done.stdout + done.stderr
    root = tmp_path / "mirror"
    assert (root / "cert-manager" / "v1.21.2" / "cert-manager.yaml").is_file()
    rows = [line.split() for line in (root / "images.txt").read_text(encoding="utf-8").splitlines()[1:]]
    assert [image.rpartition("/")[2] for image, _digest, _archive in rows] == [
        "opentelemetry-collector-contrib:0.158.0",
        "cert-manager-controller:v1.21.2",
        "cert-manager-webhook:v1.21.2",
    ]
    assert {digest for _image, digest, _archive in rows} == {"-"}


SKOPEO = """\
#!{python}
import hashlib, pathlib, sys
store, end = pathlib.Path("{store}"), sys.argv[-1]
def place(end):
    kind, _colon, name = end.partition(":")
    if kind == "docker-archive":
        return pathlib.Path(name.partition(":")[0])
    return store / name.lstrip("/").partition("@")[0].replace("/", "_")
def read(end):
    if "{registry}" in end or end.startswith("docker-archive"):
        return place(end).read_text()
    return (store / "published").read_text() + end.partition("@")[0].rpartition("/")[2].partition(":")[0]
if "copy" in sys.argv:
    place(end).write_text(read(sys.argv[-2]))
elif "--raw" in sys.argv:
    content = read(end)
    print(content if content.startswith('{{"manifests"') else '{{"config": {{"digest": "%s"}}}}' % content)
else:
    print("sha256:" + hashlib.sha256(read(end).encode()).hexdigest())
"""


def test_a_changed_archive_takes_the_place_of_its_image_in_the_registry(tmp_path: Path) -> None:
    programs, store = tmp_path / "bin", tmp_path / "store"
    programs.mkdir()
    store.mkdir()
    skopeo = programs / "skopeo"
    skopeo.write_text(SKOPEO.format(python=sys.executable, store=store, registry=REGISTRY))
    skopeo.chmod(0o755)
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"cluster": {"otel_collectors": [COLLECTOR]}}}}))
    path = f"{programs}:{os.environ['PATH']}"

    def mirror(*extra: str) -> str:
        words = ["-e", f"otel_mirror_path={tmp_path}/mirror", *extra]
        done = plays.run_playbook("playbooks/mirror.yml", "-i", str(inventory), *words, PATH=path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    push = ("-e", "otel_mirror_from=archives", "-e", f"otel_mirror_registry={REGISTRY}")
    for content in ("first", "second"):
        (store / "published").write_text(content)
        mirror()
        mirror(*push)
        (image,) = [file for file in store.iterdir() if file.name != "published"]
        assert image.read_text().startswith(content)
    assert "changed=0" in mirror(*push)
    image.write_text('{"manifests": []}')
    mirror(*push)
    assert image.read_text() == '{"manifests": []}', "an image of several architectures is none of one"
