# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Galaxy and Automation Hub ask of a collection, and that nothing published leads nowhere.

Sources: the inclusion checklist of the package `ansible`
(https://docs.ansible.com/ansible/latest/community/collection_contributors/collection_checklist.html), and the
requirements of galaxy-importer, which `make gate` runs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.testbed.build import DEFAULT_KUBERNETES, KUBERNETES
from tools import addresses, imported

from .role import ROOT
from .source import files, text

GALAXY = yaml.safe_load(text("galaxy.yml"))
ADDRESS = "https://git.example.org/team/collection"
LINK = re.compile(r"\[[^\]]+\]\((?!https?://)([^)]+)\)")


def published(folder: Path, address: str) -> Path:
    """Return a copy of what `tools/build` rewrites, for a repository at this address."""
    for path in ("galaxy.yml", "README.md", *files("roles/*/README.md"), *files("docs/*.md")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text(path), encoding="utf-8")
    addresses.rewrite_artefact(folder, address)
    return folder


def test_every_file_of_code_names_its_licence() -> None:
    code_files = files("plugins/*.py", "tools/*.py", "otelcoltool/*.py")
    assert code_files
    assert [path for path in code_files if text(path) and "GNU General Public License" not in text(path)[:300]] == []


def test_the_address_of_the_repository_is_no_part_of_the_repository() -> None:
    assert not {"repository", "documentation", "homepage", "issues"} & set(GALAXY)


@pytest.mark.parametrize("address", ["", ADDRESS])
def test_published_pages_lead_to_the_repository_or_nowhere(tmp_path: Path, address: str) -> None:
    folder = published(tmp_path, address)
    for page in folder.rglob("README.md"):
        found = page.read_text(encoding="utf-8")
        assert LINK.findall(found) == []
        assert "mermaid" not in found, "Galaxy draws no diagrams"
        assert ("?raw=true" in found) is bool(address and page.parent == folder)
    for page in (folder / "docs").glob("*.md"):
        assert "](../" not in page.read_text(encoding="utf-8")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert (f"({ADDRESS}/blob/v{GALAXY['version']}/docs/recipes.md)" in readme) is bool(address)
    about = yaml.safe_load((folder / "galaxy.yml").read_text(encoding="utf-8"))
    assert about.get("issues") == (f"{ADDRESS}/issues" if address else None)


def test_the_changelog_has_this_version_in_both_forms() -> None:
    newest = max(yaml.safe_load(text("changelogs/changelog.yaml"))["releases"], key=Version)
    assert newest == GALAXY["version"]
    assert f"\nv{newest}\n" in text("CHANGELOG.rst")


def test_bounds_of_the_collections_are_the_same_everywhere_and_below_alone() -> None:
    """An upper bound drops a collection from the package `ansible` when that takes a newer dependency."""
    listed = yaml.safe_load(text("awx/execution-environment.yml"))["dependencies"]["galaxy"]["collections"]
    of_image = {item["name"]: item["version"] for item in listed if "version" in item}
    asked = {item["name"]: item["version"] for item in yaml.safe_load(text("requirements.yml"))["collections"]}
    assert GALAXY["dependencies"] == asked == of_image
    page = " ".join(text("README.md").split())
    for name, bounds in asked.items():
        assert f"{name}, {bounds.removeprefix('>=')} or newer" in page
        assert SpecifierSet(bounds).contains("99.0.0") and not SpecifierSet(bounds).contains("1.0.0")


def test_libraries_have_no_upper_bound() -> None:
    """A cap on a library stops other collections of the same environment from being installed."""
    lines = [line for line in text("requirements.txt").splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if "<" in line or "==" in line or "~=" in line] == []


CORES = re.findall(
    r"^ansible(?:-core~=([\d.]+)\.0(?:rc\d+)?|~=(\d+)\.\d+) ([\d.]+) (\S+)$", text("tools/matrix.txt"), re.MULTILINE
)
# The package `ansible` is one major version for each minor one of ansible-core.
OF_ROWS = {core or f"2.{int(package) + 7}" for core, package, _python, _versions in CORES}
# `make setup` installs the newest of these that the machine has a Python for.
OF_SETUP = set(re.findall(r'^name = "ansible-core"\nversion = "(2\.\d+)', text("uv.lock"), re.MULTILINE))
TESTED = sorted(OF_ROWS | OF_SETUP)


def test_what_is_promised_is_what_is_tested() -> None:
    oldest = yaml.safe_load(text("meta/runtime.yml"))["requires_ansible"]
    assert oldest == f">={TESTED[0]}.0"
    assert f"ansible-core {TESTED[0]} to {TESTED[-1]}" in " ".join(text("README.md").split())
    assert f"all supported versions, {TESTED[0]} to {TESTED[-1]}" in text("docs/releases.md")
    assert [f"2.{minor}" for minor in range(int(TESTED[0][2:]), int(TESTED[-1][2:]) + 1)] == TESTED, "none is left out"
    environment = yaml.safe_load(text("awx/execution-environment.yml"))["dependencies"]["ansible_core"]["package_pip"]
    allowed = SpecifierSet(environment.removeprefix("ansible-core"))
    assert [core for core in TESTED if not allowed.contains(f"{core}.5")] == []
    assert not allowed.contains(f"2.{int(TESTED[-1][2:]) + 1}.0")
    assert {versions for *_others, versions in CORES} == {"lowest-direct", "highest"}


def test_readme_and_changelog_name_the_same_versions() -> None:
    """The summary of the newest release ends with the sentence of README on what it is tested with."""
    tested = re.search(r"Tested with .*?\.(?= |$)(?! ?\d)", " ".join(text("README.md").split()))
    releases = yaml.safe_load(text("changelogs/changelog.yaml"))["releases"]
    assert tested and releases[GALAXY["version"]]["changes"]["release_summary"].endswith(tested[0])
    assert tested[0] in text("CHANGELOG.rst")
    versions = sorted(KUBERNETES, key=Version)
    assert f"Kubernetes {versions[0]} to {versions[-1]}" in tested[0]
    operators = yaml.safe_load(text("plugins/plugin_utils/_data/compatibility.yml"))["tested"]
    for product, name in (("cert-manager", "cert-manager"), ("opentelemetry-operator", "operator")):
        assert operators[product].rpartition(".")[0] in tested[0].partition(name)[2]


def test_each_tested_core_has_a_date_until_which_it_is_supported() -> None:
    rows = re.findall(r"^\| (2\.\d+) \| 3\.", text("docs/releases.md"), re.MULTILINE)
    assert rows == TESTED


def test_workflows_call_targets_that_exist_and_nothing_else() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    called = []
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            called += [step["run"] for step in job["steps"] if "run" in step]
    names = [
        re.fullmatch(r"(?:sudo --preserve-env=[A-Z0-9_,]+ )?make (\w+)(?: REPOSITORY=\S.*)?", run.strip())
        for run in called
    ]
    assert [run for run, name in zip(called, names, strict=True) if not name or name[1] not in targets] == []


def test_each_night_tests_every_other_kubernetes_that_the_testbed_has() -> None:
    workflow = yaml.safe_load(text(".github/workflows/ci.yml"))
    versions = workflow["jobs"]["kubernetes"]["strategy"]["matrix"]["version"]
    assert sorted([*versions, DEFAULT_KUBERNETES]) == sorted(KUBERNETES)
    folder = ROOT / "tests" / "testbed" / "go" / "kubernetes"
    for minor, version in KUBERNETES.items():
        modules = folder / ("go.mod" if minor == DEFAULT_KUBERNETES else f"v{minor}.mod")
        assert re.findall(r"k8s\.io/kubernetes v(\S+)", modules.read_text(encoding="utf-8")) == [version]


@pytest.mark.parametrize("kind", ["module", "filter", "inventory", "lookup"])
def test_a_plugin_without_documentation_is_told_of_what_galaxy_imports(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = [
        {"content_type": kind, "content_name": "silent", "doc_strings": {}},
        {"content_type": kind, "content_name": "described", "doc_strings": {"doc": {}}},
    ]
    result, log = tmp_path / "result.json", tmp_path / "log"
    result.write_text(json.dumps({"docs_blob": {"contents": pages}, "contents": []}), encoding="utf-8")
    log.write_text("", encoding="utf-8")
    assert imported.main(result, log) == 1
    assert capsys.readouterr().out == f"{kind} silent has no documentation\n"


def test_an_import_that_found_nothing_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result, log = tmp_path / "result.json", tmp_path / "log"
    result.write_text(json.dumps({"docs_blob": {"contents": []}, "contents": []}), encoding="utf-8")
    log.write_text("", encoding="utf-8")
    assert imported.main(result, log) == 1
    assert "found no module, filter, inventory or lookup" in capsys.readouterr().out
