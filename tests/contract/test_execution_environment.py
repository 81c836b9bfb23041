# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an execution environment is made of; no image is built here, for that needs a container engine."""

from __future__ import annotations

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents
from packaging.requirements import Requirement

from .role import ROOT
from .source import files, imports, text

EXAMPLE = "awx/execution-environment.yml"
DEFINITION: dict[str, Any] = _documents.read_yaml(ROOT / EXAMPLE)
REQUIREMENTS = {
    found.name: found
    for line in text("requirements.txt").splitlines()
    if line and not line.startswith("#") and (found := Requirement(line))
}
# The distribution of each module that plugins import; what ansible-core itself depends on, it brings.
BRINGS = {
    "botocore": "boto3",
    "google": "opentelemetry-proto",
    "grpc": "grpcio",
    "opentelemetry": "opentelemetry-proto",
    "referencing": "jsonschema",
    "yaml": "PyYAML",
}
OF_ANSIBLE_CORE = {"ansible", "ansible_collections", "cryptography", "jinja2", "packaging"}
LATE = re.compile(r"""(?:library|import_module|find_spec)\(\s*["']([a-z0-9_]+)""")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the build context that ansible-builder makes of the example."""
    folder = tmp_path_factory.mktemp("context")
    command = ["ansible-builder", "create", "--file", str(ROOT / EXAMPLE), "--context", str(folder)]
    subprocess.run([*command, "--output-filename", "Containerfile"], check=True, capture_output=True, timeout=60)
    return folder


def test_ansible_builder_makes_a_context(context: Path) -> None:
    written = (context / "Containerfile").read_text()
    assert DEFINITION["images"]["base_image"]["name"] in written
    assert all(
        DEFINITION["dependencies"][name]["package_pip"] in written for name in ("ansible_core", "ansible_runner")
    )


def test_the_context_has_the_collections_in_the_ranges_of_galaxy(context: Path) -> None:
    listed = _documents.read_yaml(context / "_build" / "requirements.yml")["collections"]
    own, *others = listed
    galaxy = _documents.read_yaml(ROOT / "galaxy.yml")
    assert own["name"] == f"{galaxy['namespace']}.{galaxy['name']}"
    assert {item["name"]: item["version"] for item in others} == galaxy["dependencies"]


def test_the_example_has_an_ansible_core_that_the_collection_takes() -> None:
    (core,) = [Requirement(DEFINITION["dependencies"]["ansible_core"]["package_pip"])]
    asked = _documents.read_yaml(ROOT / "meta" / "runtime.yml")["requires_ansible"].removeprefix(">=")
    assert core.specifier.contains(asked)
    assert not core.specifier.contains("2.17.9")


def test_ansible_builder_finds_what_the_collection_needs(tmp_path: Path) -> None:
    found = tmp_path / "requirements.txt"
    command = ["ansible-builder", "introspect", str(ROOT / ".ansible" / "collections"), "--write-pip", str(found)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    of_core = {"PyYAML"}  # ansible-builder leaves out what every environment has
    lines = found.read_text().splitlines()
    assert {Requirement(line.split("#")[0]).name for line in lines if line} == set(REQUIREMENTS) - of_core


def test_versions_that_do_not_work_are_kept_out() -> None:
    assert not REQUIREMENTS["kubernetes"].specifier.contains("37.0.2")
    assert not REQUIREMENTS["boto3"].specifier.contains("1.34.0")
    assert [name for name, item in REQUIREMENTS.items() if ">=" not in str(item.specifier)] == []


@pytest.mark.parametrize("path", files("plugins/*.py"))
def test_what_plugins_import_is_asked_for(path: str) -> None:
    named = {name.split(".")[0] for name in imports(path) if "/" not in name} | set(LATE.findall(text(path)))
    others = named - set(sys.stdlib_module_names) - OF_ANSIBLE_CORE
    assert {BRINGS.get(name, name) for name in others} <= set(REQUIREMENTS)


def test_what_belongs_to_the_checkout_alone_is_not_built() -> None:
    ignored = _documents.read_yaml(ROOT / "galaxy.yml")["build_ignore"]
    leftovers = {".ansible", ".cache", ".hypothesis", ".venv", "ours.egg-info", "ours-0.1.0.tar.gz"}
    names = {path.split("/")[0] for path in files("*")} | leftovers
    built = {name for name in names if not any(fnmatch(name, pattern) for pattern in ignored)}
    folders = {"changelogs", "docs", "examples", "extensions", "inventories", "meta", "playbooks", "plugins", "roles"}
    texts = {"CHANGELOG.rst", "LICENSE", "README.md", "galaxy.yml", "requirements.txt"}
    assert built == folders | texts
