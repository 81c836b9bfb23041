# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of examples whose kinds other projects define, against the definitions in their Go modules."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.testbed import go_modules
from tests.testbed.errors import ClusterError

from .role import ROOT

MESH = ROOT / "examples" / "mesh"
ISTIO = ("istio.io/api", "v1.31.1")
PROMETHEUS = ("github.com/prometheus-operator/prometheus-operator", "v0.92.0")
KINDS = {
    "Telemetry": (ISTIO, "kubernetes/customresourcedefinitions.gen.yaml", "istio.yml"),
    "ServiceMonitor": (
        PROMETHEUS,
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "../prometheus/rendered/manifests.yml",
    ),
    **{
        kind: (
            PROMETHEUS,
            f"example/prometheus-operator-crd/monitoring.coreos.com_{kind.lower()}s.yaml",
            "../monitoring/rendered/manifests.yml",
        )
        for kind in ("PodMonitor", "PrometheusRule")
    },
}
# Each provider of the example, and the message of Istio's mesh configuration that it is.
PROVIDERS = {
    "opentelemetry": "OpenTelemetryTracingProvider",
    "envoyOtelAls": "EnvoyOpenTelemetryLogProvider",
}


@cache
def folder(module: str, version: str) -> Path:
    if not shutil.which("go"):
        pytest.skip(f"the definitions are in the Go module {module}, and there is no Go on PATH")
    try:
        return go_modules.find_module_folder(module, version)
    except ClusterError as error:
        pytest.skip(f"{module} {version} cannot be had: {error.why}")


def documents(path: Path) -> list[Any]:
    return [item for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item]


def schema(kind: str, api_version: str) -> Any:
    """Return the schema of a kind, in which unknown fields are errors."""
    module, file, _example = KINDS[kind]
    definitions = documents(folder(*module) / file)
    (found,) = [item for item in definitions if item["spec"]["names"]["kind"] == kind]
    versions = {version["name"]: version["schema"]["openAPIV3Schema"] for version in found["spec"]["versions"]}
    return closed(versions[api_version.rpartition("/")[2]])


def closed(node: Any) -> Any:
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: closed(value) for key, value in node.items()}
    whole = (
        node.get("type") == "object" and "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields")
    )
    return {**inner, "additionalProperties": False} if whole and "additionalProperties" not in node else inner


def faults(manifest: dict[str, Any]) -> list[str]:
    """Return what the definition of its kind has against the spec of an object."""
    spec = schema(manifest["kind"], manifest["apiVersion"])["properties"]["spec"]
    return [error.message for error in jsonschema.Draft202012Validator(spec).iter_errors(manifest["spec"])]


@pytest.mark.parametrize("kind", KINDS)
def test_the_definition_of_its_project_takes_it(kind: str) -> None:
    found = [item for item in documents(MESH / KINDS[kind][2]) if item["kind"] == kind]
    assert found
    assert [faults(item) for item in found] == [[]] * len(found)
    assert faults({**found[0], "spec": {**found[0]["spec"], "unknown": 1}}) != []


def fields(message: str) -> set[str]:
    """Return the fields of a message of Istio's mesh configuration, as YAML spells them."""
    text = (folder(*ISTIO) / "mesh" / "v1alpha1" / "config.proto").read_text(encoding="utf-8")
    body = re.search(rf"^( *)message {message} {{\n(.*?)^\1}}", text, re.DOTALL | re.MULTILINE)
    assert body, message
    names = re.findall(r"^ *(?:repeated )?[\w.<>, ]+ (\w+) = \d+;", body[2], re.MULTILINE)
    return {re.sub(r"_(\w)", lambda letter: letter[1].upper(), name) for name in names}


def providers() -> dict[str, dict[str, Any]]:
    (values,) = documents(MESH / "istio-values.yml")
    return {item["name"]: item for item in values["meshConfig"]["extensionProviders"]}


def test_istio_knows_every_field_of_the_providers() -> None:
    assert set(yaml.safe_load((MESH / "istio-values.yml").read_text())["meshConfig"]) <= fields("MeshConfig")
    for provider in providers().values():
        (kind,) = set(provider) - {"name"}
        assert {"name", kind} <= fields("ExtensionProvider")
        assert set(provider[kind]) <= fields(PROVIDERS[kind])
    assert "unknown" not in fields("ExtensionProvider")


def test_the_telemetry_names_the_providers_and_they_the_gateway() -> None:
    (telemetry,) = documents(MESH / "istio.yml")
    named = [
        one["name"]
        for part in ("tracing", "accessLogging")
        for row in telemetry["spec"][part]
        for one in row["providers"]
    ]
    assert sorted(named) == sorted(providers())
    (service,) = [item for item in documents(MESH / "rendered" / "manifests.yml") if item["kind"] == "Service"]
    address = "{name}.{namespace}.svc.cluster.local".format(**service["metadata"])
    grpc = [port["port"] for port in service["spec"]["ports"] if port.get("appProtocol") == "grpc"]
    for provider in providers().values():
        (settings,) = [value for key, value in provider.items() if key != "name"]
        assert (settings["service"], [settings["port"]]) == (address, grpc)
    (values,) = documents(MESH / "linkerd-values.yml")
    collector = values["proxy"]["tracing"]["collector"]
    assert collector["endpoint"] == f"{address}:{grpc[0]}"
    assert collector["meshIdentity"] == {
        "serviceAccountName": service["metadata"]["name"],
        "namespace": service["metadata"]["namespace"],
    }
