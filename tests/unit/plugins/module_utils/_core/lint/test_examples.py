# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the project shows to others is what its own rules have nothing against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.recipe_options import RECIPE_OPTIONS

ROOT = Path(__file__).parents[6]
ROLE = ROOT / "roles" / "otel_collector"
PREFIX = "otel_collector_"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text().replace("{{ inventory_dir }}", str(path.parent)))


def defaults(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs of the role that are its own collector's, without what Ansible would have to work out."""
    own = {key.removeprefix(PREFIX): value for key, value in variables.items() if key.startswith(PREFIX)}
    known = read(ROLE / "vars" / "main.yml")["__otel_collector_defaults"]
    return {key: value for key, value in own.items() if key in known and "{{" not in str(value)}


def inventories() -> Iterator[Any]:
    """Yield name, variables and collectors of every inventory; those of failures are wrong on purpose."""
    folder = ROOT / "inventories"
    for pattern in ("*/group_vars/all.yml", "*/group_vars/all/collectors.yml"):
        for path in sorted(folder.glob(pattern)):
            yield pytest.param(read(path), id=path.relative_to(folder).parts[0])
    for path in sorted((ROOT / "molecule").glob("*/inventory.yml")):
        variables = read(path)["all"].get("vars", {})
        if "otel_collectors" in variables:
            yield pytest.param(variables, id=path.parent.name)


def severe(variables: dict[str, Any]) -> list[str]:
    request = _render.Request(variables["otel_collectors"], defaults(variables))
    findings = [finding for planned in _render.plan(request) for finding in planned.findings]
    return [str(finding) for finding in findings if finding.severity != "info"]


@pytest.mark.parametrize("variables", list(inventories()))
def test_an_inventory_of_ours_has_nothing_to_mend(variables: dict[str, Any]) -> None:
    assert severe(variables) == []


@pytest.mark.parametrize("platform", sorted(path.stem for path in (ROLE / "platforms").glob("*.yml")))
@pytest.mark.parametrize("mode", ["daemonset", "deployment", "statefulset"])
def test_all_recipes_together_have_nothing_to_mend(mode: str, platform: str) -> None:
    recipes = {path.parent.name: read(path) for path in sorted((ROLE / "recipes").glob("*/recipe.yml"))}
    used = [{name: RECIPE_OPTIONS.get(name, {})} for name, recipe in recipes.items() if mode in recipe["modes"]]
    secrets = {variable: {"secret": "all"} for recipe in recipes.values() for variable in recipe.get("variables", {})}
    item = {
        "name": "all",
        "namespace": "telemetry",
        "mode": mode,
        "platform": platform,
        "recipes": used,
        "env": secrets,
        "selinux_type": "spc_t",  # who gets past SELinux is for the user to say, as are these two
        "allow": ["root"],
        "host_ports": mode == "daemonset",
    }
    assert severe({"otel_collectors": [item]}) == []


@pytest.mark.parametrize(
    ("options", "build"),
    [
        ({}, ("contrib", "0.158.0")),
        ({"distribution": "adot"}, ("adot", "0.156.0")),
        ({"distribution": "adot", "version": "v0.48.0"}, ("adot", "0.151.0")),
        ({"distribution": "redhat", "version": "0.135.0-1"}, ("redhat", "0.135.0")),
        ({"version": "latest"}, None),
        ({"image": "registry.example/somebody/collector:1"}, None),
        ({"image": "mirror.example/opentelemetry-collector-k8s:0.150.0"}, ("k8s", "0.150.0")),
    ],
)
def test_rules_know_the_build_that_will_run(
    options: dict[str, Any], build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Subject] = []
    monkeypatch.setattr(_render, "lint", lambda subject: seen.append(subject) or [])
    _render.plan(
        _render.Request([{"name": "a", "namespace": "b", "recipes": ["otlp_ingest", "debug_output"]}], options)
    )
    target = seen[0].target
    assert (target and (target.distribution, target.version)) == build
    assert seen[0].deployment is not None
    assert seen[0].deployment.exposed == {(4317, "TCP"), (4318, "TCP")}
