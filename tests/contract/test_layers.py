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
WORKER = f"{CONTROLLER}/_worker"
# The rooms of a layer, from the ground up: a room imports rooms of lower floors, and none of its own floor.
FLOORS: dict[str, tuple[tuple[str, ...], ...]] = {
    CORE: (
        ("errors", "graph"),
        ("collector", "config"),
        ("aws", "cluster", "languages"),
        ("needs",),
        ("manifests",),
        ("backends", "instrumentation", "lint", "probe"),
        ("diagnose", "migrate", "recipes", "releases"),
        ("change", "fleet_report", "olm"),
    ),
    EDGE: (
        ("api",),
        ("aws", "probe", "release", "rollout"),
        ("diagnose", "olm", "sample_app", "webhooks"),
        ("change",),
        ("bundle",),
        ("instrumentation",),
    ),
}
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


def room_of(layer: str, path: str) -> str:
    """Return the room of a file or module: the folder below its layer, or the file itself where it lies in none."""
    return path.removeprefix(f"{layer}/").split("/")[0].removesuffix(".py")


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
    # An action that does the work of its module in the worker imports what the module imports.
    allowed = (CONTROLLER, EDGE) if WORKER in own else (CONTROLLER, CORE)
    assert [module for module in own if not module.startswith(allowed)] == []
    assert [module for module in imports(path) if module.split(".")[0] in OF_THE_CONTROLLER] == []


@pytest.mark.parametrize("path", files(f"{CONTROLLER}/*.py"))
def test_the_controller_does_not_reach_for_the_edge(path: str) -> None:
    assert [module for module in imports(path) if module.startswith(EDGE)] == []


def test_one_file_brings_the_parser_of_yaml() -> None:
    found = [path for path in files("plugins/*.py") if "yaml" in imports(path)]
    assert found == [f"{CONTROLLER}/_yaml.py"]


def test_a_breach_would_be_noticed() -> None:
    assert breaches(f"{CONTROLLER}/_sources.py", (CORE,), IMPURE)
    assert breaches(f"{CORE}/needs/derive.py", (EDGE,), set())
    assert f"{CORE}/config/paths" in imports(f"{CORE}/needs/derive.py")


@pytest.mark.parametrize("layer", FLOORS)
def test_rooms_import_only_rooms_on_lower_floors(layer: str) -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS[layer]) for room in rooms}
    found = [
        f"{path} imports {module}"
        for path in files(f"{layer}/*.py")
        for module in imports(path)
        if module.startswith(f"{layer}/")
        and room_of(layer, module) != room_of(layer, path)
        and floor[room_of(layer, module)] >= floor[room_of(layer, path)]
    ]
    assert found == []


@pytest.mark.parametrize("layer", FLOORS)
def test_every_room_has_a_floor_and_every_floor_is_needed(layer: str) -> None:
    there = {room_of(layer, path) for path in files(f"{layer}/*.py")} - {"__init__"}
    listed = [room for rooms in FLOORS[layer] for room in rooms]
    assert sorted(listed) == sorted(there)
    assert all(rooms for rooms in FLOORS[layer])


def test_a_room_on_the_wrong_floor_would_be_noticed() -> None:
    assert room_of(CORE, f"{CORE}/lint/reports.py") == "lint"
    assert room_of(CORE, f"{CORE}/errors") == "errors"
    assert f"{CORE}/needs/derive" in imports(f"{CORE}/lint/deployed.py")
