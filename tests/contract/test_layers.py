# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom."""

from __future__ import annotations

import sys

import pytest

from .source import files, imports

CORE = "plugins/module_utils/_core"
EDGE = "plugins/module_utils/_edge"
CONTROLLER = "plugins/plugin_utils"
# What only the controller has: a module is copied to the host that it runs on, and brings neither.
OF_THE_CONTROLLER = {"yaml", "jinja2"}
IMPURE = {
    "os",
    "io",
    "pathlib",
    "shutil",
    "subprocess",
    "socket",
    "ssl",
    "time",
    "random",
    "urllib.request",
    "http",
    "tempfile",
}


def breaches(path: str, allowed: tuple[str, ...], refused: set[str]) -> list[str]:
    """Return what a file imports beside the standard library and the folders that it may use."""
    found = []
    for module in imports(path):
        inside = module.startswith("plugins/")
        known = module.startswith(allowed) if inside else module.split(".")[0] in sys.stdlib_module_names
        if not known or refused & {module, module.split(".")[0]}:
            found.append(module)
    return found


@pytest.mark.parametrize("path", files(f"{CORE}/*.py"))
def test_the_core_imports_the_standard_library_and_itself(path: str) -> None:
    assert breaches(path, (CORE,), IMPURE) == []


@pytest.mark.parametrize("path", files(f"{EDGE}/*.py", "plugins/modules/*.py"))
def test_what_runs_on_a_host_brings_no_parser_and_no_templates(path: str) -> None:
    found = list(imports(path))
    assert [module for module in found if module.split(".")[0] in OF_THE_CONTROLLER] == []
    assert [module for module in found if module.startswith(CONTROLLER)] == []


@pytest.mark.parametrize("path", files("plugins/action/*.py", "plugins/filter/*.py"))
def test_plugins_are_doorways_to_what_runs_on_the_controller(path: str) -> None:
    own = [module for module in imports(path) if module.startswith("plugins/")]
    assert [module for module in own if not module.startswith((CONTROLLER, CORE))] == []
    assert [module for module in imports(path) if module.split(".")[0] in OF_THE_CONTROLLER] == []


@pytest.mark.parametrize("path", files(f"{CONTROLLER}/*.py"))
def test_the_controller_does_not_reach_for_the_edge(path: str) -> None:
    assert [module for module in imports(path) if module.startswith(EDGE)] == []


def test_yaml_is_read_in_one_file_and_written_in_another() -> None:
    found = [path for path in files("plugins/*.py") if "yaml" in imports(path)]
    assert found == [f"{CONTROLLER}/_nodes.py", f"{CONTROLLER}/_yaml.py"]


def test_a_breach_would_be_noticed() -> None:
    assert breaches(f"{CONTROLLER}/_sources.py", (CORE,), IMPURE)
    assert breaches(f"{CORE}/needs.py", (EDGE,), set())
    assert f"{CORE}/paths" in imports(f"{CORE}/needs.py")
