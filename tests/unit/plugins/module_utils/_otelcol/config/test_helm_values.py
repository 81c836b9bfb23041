# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of values of Helm charts, and which files are none."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.helm_values import (
    find_unrendered_values,
    may_have_values,
)

CONFIG = "{receivers: {otlp: {}}, service: {pipelines: {}}}"
APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: "
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: "
CHART = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nspec: "
STACK = f"{{collectors: {{daemon: {{config: {CONFIG}}}}}}}"
VALUES = {
    "a config": f"mode: deployment\nconfig: {CONFIG}",
    "another config": f"alternateConfig: {CONFIG}",
    "presets": "mode: daemonset\npresets: {logsCollection: {enabled: true}}",
    "a dependency": f"opentelemetry-collector: {{config: {CONFIG}}}",
    "a stack": f"collectors: {{daemon: {{config: {CONFIG}}}}}",
    "a stack below": "stack: {collectors: {daemon: {presets: {}, mode: daemonset}}}",
    "Flux": f"{RELEASE}{{chart: {{spec: {{chart: opentelemetry-kube-stack}}}}}}",
    "Flux with a reference": f"{RELEASE}{{chartRef: {{kind: OCIRepository}}, values: {{config: {CONFIG}}}}}",
    "Flux with a reference to a stack": f"{RELEASE}{{chartRef: {{kind: OCIRepository}}, values: {STACK}}}",
    "Flux with a chart of a folder": f"{RELEASE}{{chart: {{spec: {{chart: ./mine}}}}, values: {{config: {CONFIG}}}}}",
    "Argo CD": f"{APPLICATION}{{source: {{chart: opentelemetry-collector, targetRevision: 1.2.3}}}}",
    "Argo CD with several": f"{APPLICATION}{{sources: [{{ref: a}}, {{chart: opentelemetry-collector}}]}}",
    "k3s": f"{CHART}{{chart: stable/opentelemetry-collector}}",
}
OTHERS = {
    "a config of a Collector": CONFIG,
    "values of another chart": "mode: x\nimage: y\nconfig: {key: value}",
    "a config as text": "config: 'receivers: {}'",
    "a list": "[a, b]",
    "nothing": "",
    "another release": f"{RELEASE}{{chart: {{spec: {{chart: nginx}}}}, values: {{presets: {{}}}}}}",
    "another application": f"{APPLICATION}{{source: {{chart: nginx}}}}",
    "odd objects": f"{RELEASE}[]\n---\n{APPLICATION}{{sources: 1}}\n---\n{CHART}null",
}


def found(text: str) -> list[Any]:
    return find_unrendered_values(list(yaml.safe_load_all(text)), "f.yaml")


@pytest.mark.parametrize("name", VALUES)
def test_values_are_told_with_the_command_that_renders_them(name: str) -> None:
    (one,) = found(VALUES[name])
    assert "Helm chart" in one.description
    assert "helm template NAME " in one.fix and one.fix.endswith("> rendered.yaml`, and validate rendered.yaml.")
    assert may_have_values(VALUES[name]) or name.startswith("Flux with")


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_none(name: str) -> None:
    assert found(OTHERS[name]) == []


def command(name: str) -> str:
    (unrendered,) = found(VALUES[name])
    return str(unrendered.fix)


def test_the_command_names_the_chart_and_where_it_is() -> None:
    repository = "--repo https://open-telemetry.github.io/opentelemetry-helm-charts -f"
    assert f"helm template NAME opentelemetry-kube-stack {repository}" in command("Flux with a reference to a stack")
    assert f"helm template NAME opentelemetry-collector {repository}" in command("Flux with a reference")
    assert "helm template NAME ./mine -f" in command("Flux with a chart of a folder")


def test_a_chart_of_another_repository_is_not_looked_for_in_that_of_opentelemetry() -> None:
    release = f"{RELEASE}{{chart: {{spec: {{chart: mine, version: 1.x}}}}, values: {{config: {CONFIG}}}}}"
    (unrendered,) = found(release)
    assert "helm template NAME mine --repo REPOSITORY --version '1.x' -f values.yaml" in unrendered.fix


def test_the_version_of_the_chart_is_that_of_the_object() -> None:
    assert "--version '1.2.3'" in found(VALUES["Argo CD"])[0].fix
