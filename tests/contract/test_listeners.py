# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every receiver that the catalogue knows to listen gets its ports in every object that needs them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.port_rows import ListenerRow
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

from .kubernetes_rules import violations
from .role import RECIPES, required

LISTENERS = _builds.load_catalogue().listeners
RECEIVERS = sorted({row["type"] for row in _builds.load_catalogue().port_rows if row["section"] == "receivers"})
FIRST = 20000
WORKLOADS = {"DaemonSet", "Deployment", "StatefulSet"}
# Backend and mode, and whether the config writes the endpoints or leaves them to their defaults.
WAYS = [
    ("kubernetes", "deployment", False),
    ("kubernetes", "daemonset", True),
    ("operator", "statefulset", True),
    ("operator", "sidecar", False),
]
PORT_NAME = re.compile(r"(?!.*--)(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")


def put(settings: dict[str, Any], path: Any, value: Any) -> None:
    """Write a value at a path."""
    *way, last = path
    for key in way:
        settings = settings.setdefault(key, {})
    settings.setdefault(last, value)


def settings_of(rows: tuple[ListenerRow, ...], written: bool) -> dict[str, Any]:
    """Return settings that turn every port on, at a written endpoint or at its default."""
    settings: dict[str, Any] = {}
    for number, row in enumerate(rows, FIRST):
        if written or row.port is None:
            endpoint = number if row.path[-1] == "port" else f"${{env:MY_POD_IP}}:{number}"
            put(settings, row.path, endpoint)
        elif row.switch_path:
            put(settings, row.switch_path, {})
    return settings


def rendered(name: str, settings: dict[str, Any], backend: str, mode: str) -> list[dict[str, Any]]:
    """Return the manifests of a collector with one receiver, of an image that may have any component."""
    config = {
        "receivers": {name: settings},
        "exporters": {"debug": {}},
        "service": {"pipelines": {"logs": {"receivers": [name], "exporters": ["debug"]}}},
    }
    item = {"name": "one", "backend": backend, "mode": mode, "config": config, "image": "registry.example/own:1"}
    more = {"network_policy": {"enabled": backend == "kubernetes"}, "service": {"enabled": mode != "sidecar"}}
    return list(bundle({**item, **more})["manifests"])


def bundle(item: dict[str, Any]) -> dict[str, Any]:
    return _render.build_bundle(_render.judge_request(_render.RenderRequest([item], {"namespace": "a"})))


def open_ports(manifests: list[dict[str, Any]], kinds: set[str]) -> set[tuple[int, str]]:
    """Return the ports that objects of these kinds name."""
    found: set[tuple[int, str]] = set()
    for manifest in manifests:
        spec = manifest.get("spec", {}) if manifest["kind"] in kinds else {}
        if manifest["kind"] in WORKLOADS:
            spec = spec["template"]["spec"]["containers"][0] if spec else {}
        ports = [*spec.get("ports", []), *(port for rule in spec.get("ingress", []) for port in rule["ports"])]
        found |= {(port.get("containerPort") or port["port"], port["protocol"]) for port in ports}
    return found


@pytest.mark.parametrize(("backend", "mode", "written"), WAYS)
@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_that_listens_gets_its_ports(name: str, backend: str, mode: str, written: bool) -> None:
    rows = LISTENERS["receivers", name]
    manifests = rendered(name, settings_of(rows, written), backend, mode)
    ports = {
        (number if written or row.port is None else row.port, row.protocol): row.is_exposed
        for number, row in enumerate(rows, FIRST)
    }
    clients = {end for end, exposed in ports.items() if exposed}
    if backend == "operator":  # the operator itself adds the ports that are for probes and scrapers
        assert clients <= open_ports(manifests, {"OpenTelemetryCollector"})
    else:
        assert set(ports) <= open_ports(manifests, WORKLOADS)
        assert set(ports) <= open_ports(manifests, {"NetworkPolicy"})
    if mode != "sidecar":
        assert clients == open_ports(manifests, {"Service"}) & set(ports)
    assert violations(manifests) == []


@pytest.mark.parametrize("key", LISTENERS, ids="-".join)
def test_ports_have_names_that_kubernetes_takes(key: tuple[str, str]) -> None:
    assert [row.name for row in LISTENERS[key] if not PORT_NAME.fullmatch(row.name)] == []


# Recipes that fetch their data themselves.
FETCH = ("kafka_ingest",)


@pytest.mark.parametrize("name", [name for name in RECIPES if name.endswith("_ingest") and name not in FETCH])
def test_a_recipe_that_takes_data_in_yields_a_service_port(name: str) -> None:
    partners = [other for other in ("otlp_ingest", "debug_output") if other != name]
    mode = next(mode for mode in RECIPES[name]["modes"] if mode != "sidecar")
    alone = {"name": "one", "mode": mode, "service": {"enabled": True}}
    others = [{other: required(RECIPES[other]["options"])} for other in partners]
    recipes = [{name: required(RECIPES[name]["options"])}]
    with_it = open_ports(bundle({**alone, "recipes": [*recipes, *others]})["manifests"], {"Service"})
    without = open_ports(bundle({**alone, "recipes": others})["manifests"], {"Service"}) if partners[1:] else set()
    assert with_it - without


def test_a_type_is_known_by_its_old_name_too() -> None:
    assert LISTENERS["receivers", "tcplog"] == LISTENERS["receivers", "tcp_log"]
