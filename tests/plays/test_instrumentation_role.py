# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of role otel_instrumentation is said once, and the example is what it renders to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.instrumentation import (
    list_option_names,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.samplers import PROPAGATORS, SAMPLERS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.sdk_languages import (
    LANGUAGES,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _role_files
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._instrumentation import build_bundle
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._instrumentation_options import PREFIX
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents, _yaml

from tests.support import plays

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "instrumentation"
ROLE = _role_files.ROLE.with_name("otel_instrumentation")
SPEC: dict[str, Any] = _documents.read_yaml(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
DEFAULTS: dict[str, Any] = {name: option["default"] for name, option in SPEC.items() if "default" in option}
OPTIONS = list_option_names()


def described(options: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Return every option and suboption with its path."""
    found = {f"{path}{name}": option for name, option in options.items()}
    for name, option in options.items():
        found |= described(option.get("options") or {}, f"{path}{name}.")
    return found


@pytest.mark.parametrize(("path", "option"), described(SPEC).items(), ids=described(SPEC))
def test_every_option_has_the_prefix_and_a_description(path: str, option: dict[str, Any]) -> None:
    assert path.startswith(PREFIX)
    assert option["description"].endswith(".")
    assert ("elements" in option) == (option.get("type") == "list")


def test_all_else_is_of_the_run() -> None:
    (task,) = _documents.read_yaml(ROLE / "tasks" / "render.yml")
    assert task["o11y.opentelemetry.instrumentation_render"]["variables_prefix"] == PREFIX
    run = {"state", "instances", "output_path", "force_conflicts", "wait_seconds", "lock_file"}
    run |= {"kubeconfig", "kube_context", "eks_cluster", "restart_namespaces", "restart_selector", "restart_seconds"}
    assert {name.removeprefix(PREFIX) for name in SPEC} - set(OPTIONS) == run


def test_every_state_has_tasks() -> None:
    tasks = {path.stem for path in (ROLE / "tasks").iterdir()}
    assert set(SPEC[f"{PREFIX}state"]["choices"]) <= tasks


def test_languages_samplers_and_propagators_are_documented_as_they_are() -> None:
    assert set(SPEC[f"{PREFIX}languages"]["options"]) == set(LANGUAGES)
    sampler = SPEC[f"{PREFIX}sampler"]["options"]["type"]["description"]
    assert re.findall(r"C\((\w+)\)", sampler) == list(SAMPLERS)
    assert re.findall(r"C\((\w+)\)", SPEC[f"{PREFIX}propagators"]["description"]) == list(PROPAGATORS)


def test_the_example_renders_to_its_golden_file(pytestconfig: pytest.Config) -> None:
    variables = _documents.read_yaml(EXAMPLE / "vars.yml")
    values = {**DEFAULTS, **variables}
    found = build_bundle(variables["otel_instrumentations"], {name: values.get(PREFIX + name) for name in OPTIONS})
    golden, text = (
        EXAMPLE / "rendered" / "instrumentations.yml",
        _yaml.dump(*found["manifests"], *found["namespaces"]),
    )
    if pytestconfig.getoption("--regenerate"):
        golden.write_text(text, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == text


def test_one_that_is_adopted_opens_no_other() -> None:
    items = [{"name": name, "endpoint": "http://a:4318", "languages": {"java": {}}} for name in ("one", "two")]
    items[0]["adopt"] = True
    found = build_bundle(items, {name: DEFAULTS.get(PREFIX + name) for name in OPTIONS})
    assert found["adopt"] == ["opentelemetry.one_instrumentation"]
    (task,) = _documents.read_yaml(ROLE / "tasks" / "apply.yml")
    assert task["o11y.opentelemetry.bundle_apply"]["adopt"] == "{{ otel_instrumentation_rendered.adopt }}"


GATEWAY = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
# What the inventory says of its collectors, and the Service to which an Instrumentation in namespace shop sends.
INVENTORIES: dict[str, tuple[dict[str, Any], str]] = {
    "item": ({"otel_collectors": [GATEWAY | {"namespace": "telemetry"}]}, "gateway.telemetry"),
    "common": ({"otel_collectors": [GATEWAY], "otel_collector_namespace": "{{ 'te' ~ 'st' }}"}, "gateway.test"),
    "default": ({"otel_collectors": [GATEWAY]}, "gateway.opentelemetry"),
    "instances": ({"otel_collector_instances": [GATEWAY]}, "gateway.opentelemetry"),
    "alone": ({"otel_collector_name": "gateway", "otel_collector_recipes": ["debug_output"]}, "gateway.opentelemetry"),
    "other": ({"otel_collectors": [GATEWAY | {"name": "agent"}]}, "gateway.shop"),
    "none": ({}, "gateway.shop"),
    "near": ({"otel_collectors": [GATEWAY, GATEWAY | {"namespace": "shop"}]}, "gateway.shop"),
    "given": ({"otel_collectors": [GATEWAY], "otel_instrumentation_collector": {"name": "gateway", "namespace": "x"}},
              "gateway.x"),
    "two": ({"otel_collectors": [GATEWAY | {"namespace": "b"}, GATEWAY | {"namespace": "a"}]}, ""),
}  # fmt: skip


def test_a_collector_is_looked_for_in_the_inventory(tmp_path: Path) -> None:
    common = {
        "otel_instrumentation_state": "rendered",
        "otel_instrumentation_output_path": str(tmp_path),
        "otel_instrumentation_namespace": "shop",
        "otel_instrumentation_collector": {"name": "gateway"},
        "otel_instrumentation_languages": {"python": {}},
    }
    role = [{"hosts": "all", "gather_facts": False, "roles": ["o11y.opentelemetry.otel_instrumentation"]}]
    done = plays.run(tmp_path, role, {name: common | given for name, (given, _service) in INVENTORIES.items()})
    files = {path.parent.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*/instrumentations.yml")}
    found = {name: re.findall(r"endpoint: http://(\S+).svc:4318", text) for name, text in files.items()}
    assert found == {name: [service] for name, (_given, service) in INVENTORIES.items() if service}, done.stdout
    told = " ".join(done.stdout.replace("''", "'").split())
    assert "instrumentation 'default': the inventory has collectors 'gateway' in the namespaces a, b" in told
    assert "Write `collector: {name: gateway, namespace: NAMESPACE}` with one of them." in told
