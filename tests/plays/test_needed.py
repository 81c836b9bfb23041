# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing on the controller is an error with the command that installs it."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import libraries
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.libraries import import_library
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _needed
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.support.plays import ROOT, run_playbook


def test_an_old_core_is_refused_with_the_versions_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    oldest = ".".join(map(str, _needed.OLDEST_CORE))
    assert _documents.read_yaml(ROOT / "meta" / "runtime.yml")["requires_ansible"] == f">={oldest}.0"
    newer = (f"{oldest}.0rc1", f"{oldest}.3", "2.21.0b2", "3.0.0")
    assert [_needed.explain_refused_core(version) for version in newer] == [None] * 4
    monkeypatch.setattr(_needed, "__version__", "2.17.14")
    with pytest.raises(AnsibleActionFail) as refused, _needed.fail_for_missing_needs():
        pass
    assert "ansible-core 2.17.14 is too old" in str(refused.value)
    assert f"{sys.executable} -m pip install 'ansible-core>={oldest}'" in str(refused.value)


def test_a_missing_collection_is_named_with_its_command(tmp_path: Path) -> None:
    namespace = tmp_path / "ansible_collections" / "o11y"
    namespace.mkdir(parents=True)
    (namespace / "opentelemetry").symlink_to(ROOT)
    done = run_playbook(
        "o11y.opentelemetry.site",
        "-i",
        "inventories/agent_gateway",
        ANSIBLE_COLLECTIONS_PATH=str(tmp_path),
        ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false",
    )
    printed = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, printed
    wanted = "the collection kubernetes.core is missing. Run: ansible-galaxy collection install kubernetes.core"
    assert wanted in printed


WANTED = _documents.read_yaml(ROOT / "galaxy.yml")["dependencies"]["amazon.aws"]


@pytest.mark.parametrize(
    ("version", "module", "says", "how"),
    [
        ("6.5.0", "", f"amazon.aws 6.5.0 is too old: o11y.opentelemetry works with {WANTED}", "--upgrade"),
        ("10.0.9", "NAME = 1", f"amazon.aws 10.0.9 is too old: o11y.opentelemetry works with {WANTED}", "--upgrade"),
        ("10.1.0", "", "amazon.aws 10.1.0 is incomplete: No module named", "--force"),
        ("99.0.0", "NAME = 1", "amazon.aws 99.0.0 is incomplete: cannot import name 'AnsibleAWSModule'", "--force"),
        ("main", "NAME = 1", "amazon.aws main is incomplete: cannot import name 'AnsibleAWSModule'", "--force"),
        ("", "", "amazon.aws of an unknown version is incomplete: No module named", "--force"),
    ],
)
def test_a_collection_that_does_not_fit_is_named_with_what_it_takes(
    tmp_path: Path, version: str, module: str, says: str, how: str
) -> None:
    (tmp_path / "ansible_collections/o11y").mkdir(parents=True)
    (tmp_path / "ansible_collections/o11y/opentelemetry").symlink_to(ROOT)
    folder = tmp_path / "ansible_collections/amazon/aws"
    (folder / "plugins/module_utils").mkdir(parents=True)
    if version:
        (folder / "MANIFEST.json").write_text(json.dumps({"collection_info": {"version": version}}))
    if module:
        (folder / "plugins/module_utils/modules.py").write_text(module)
    tasks = [{"o11y.opentelemetry.eks_addon_info": {"cluster_name": "a"}}]
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = run_playbook(
        str(tmp_path / "play.yml"),
        ANSIBLE_COLLECTIONS_PATH=str(tmp_path),
        ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false",
    )
    printed = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, printed
    assert f"the collection {says}" in printed
    assert f"Run: ansible-galaxy collection install 'amazon.aws:{WANTED}' {how}" in printed
    assert "is missing" not in printed


def test_a_mistake_of_this_collection_is_no_missing_collection() -> None:
    with pytest.raises(ModuleNotFoundError), _needed.fail_for_missing_needs():
        import_module(f"{_needed.__package__}.nosuch")


def test_the_wanted_versions_are_those_of_the_collection() -> None:
    assert _documents.read_yaml(ROOT / "galaxy.yml")["dependencies"] == _needed.REQUIRED_COLLECTIONS
    wanted = [Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines() if line[0] != "#"]
    assert {one.name: one.specifier for one in wanted} == {
        name: SpecifierSet(versions) for name, versions in libraries.LIBRARIES.items()
    }


@pytest.mark.parametrize(
    ("names", "found", "wrong", "how"),
    [
        (("jsonschema.nosuch",), "4.9.1", "jsonschema 4.9.1 is too old: ", "--upgrade 'jsonschema>=4.18'"),
        (("botocore.nosuch", "botocore"), "1.28.0", "boto3 1.28.0 is too old: ", "--upgrade 'boto3>=1.35.0'"),
        (("yaml.nosuch", "PyYAML"), "6.0.1", "PyYAML 6.0.1 does not load", "--force-reinstall 'PyYAML>=6.0'"),
        (("cryptography.nosuch",), "41.0", "cryptography 41.0 does not load", "--force-reinstall cryptography"),
    ],
)
def test_a_library_that_does_not_fit_is_named_with_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], found: str, wrong: str, how: str
) -> None:
    monkeypatch.setattr(libraries.metadata, "version", lambda _name: found)
    with pytest.raises(Problem) as refused:
        import_library(*names)
    assert refused.value.wrong.startswith(wrong)
    assert "nosuch" in refused.value.where
    assert refused.value.fix == f"Run: {sys.executable} -m pip install {how}"


def test_an_error_of_an_import_without_a_name_is_told_as_it_is() -> None:
    def broken() -> None:
        raise ImportError("needs another library")

    with pytest.raises(Problem) as refused:
        libraries.call_importing(broken)
    assert refused.value.wrong == "a Python library does not load: needs another library"
    assert refused.value.fix == f"Run: {sys.executable} -m pip check"


def test_a_version_with_fewer_numbers_is_not_older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries.metadata, "version", lambda _name: "6")
    with pytest.raises(Problem, match="PyYAML 6 does not load"):
        import_library("yaml.nosuch", "PyYAML")


def test_a_library_that_an_old_one_does_not_bring_is_no_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "referencing", None)
    monkeypatch.setattr(libraries.metadata, "version", {"jsonschema": "4.17.3"}.__getitem__)
    with pytest.raises(Problem) as refused:
        import_library("referencing", "jsonschema")
    assert refused.value.wrong == "jsonschema 4.17.3 is too old: o11y.opentelemetry works with jsonschema>=4.18"


@pytest.mark.parametrize(
    ("lost", "asked", "found", "wrong", "how"),
    [
        # Another library of the same namespace is installed.
        (
            "opentelemetry.proto",
            ("opentelemetry.proto.x", "opentelemetry-proto"),
            {},
            "library (opentelemetry-proto)",
            "",
        ),
        # What is needed has another name than what is imported.
        ("google.protobuf", ("opentelemetry.proto", "opentelemetry-proto"), {}, "library (protobuf)", "protobuf"),
        ("google.protobuf", ("opentelemetry.proto", ""), {"protobuf": "4.2"}, "protobuf 4.2 does not load", "protobuf"),
        ("dateutil", ("kubernetes", ""), {}, "library (python-dateutil)", "python-dateutil"),
        ("urllib3.x", ("urllib3", ""), {"urllib3": None}, "library (urllib3)", "urllib3"),
    ],
)
def test_a_library_is_named_as_pip_names_it(
    lost: str, asked: tuple[str, str], found: dict[str, Any], wrong: str, how: str
) -> None:
    versions = SimpleNamespace(version=found.__getitem__, PackageNotFoundError=KeyError)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libraries, "metadata", versions)
        problem = libraries.explain_import_error(ModuleNotFoundError(f"No module named '{lost}'", name=lost), *asked)
    assert wrong in problem.wrong
    assert problem.fix.endswith(how)


@pytest.mark.parametrize("missing", ["kubernetes", "urllib3"])
def test_a_missing_library_is_named_with_the_command_of_this_interpreter(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("kubernetes", missing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(Problem) as refused:
        import_library("kubernetes")
    assert f"Python library ({missing})" in refused.value.wrong
    assert refused.value.fix == f"Run: {sys.executable} -m pip install {missing}"
