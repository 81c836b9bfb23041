# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds values of OpenTelemetry's Helm charts, which are a collector config only after Helm has rendered them.

A validation reports them, with the command that renders them. For the file values.yaml

    mode: daemonset
    presets: {logsCollection: {enabled: true}}

`find_unrendered_values` answers `a file of values for Helm chart opentelemetry-collector`, and to run `helm template
NAME open-telemetry/opentelemetry-collector -f values.yaml > rendered.yaml`.
Sources: values.yaml of the charts opentelemetry-collector and opentelemetry-kube-stack, and the kinds HelmRelease
(Flux), Application (Argo CD) and HelmChart (k3s). Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .documents import TOP_LEVEL, is_object
from .paths import Path, list_at, mapping_at, value_at

_REPOSITORY = "https://open-telemetry.github.io/opentelemetry-helm-charts"
_COLLECTOR, _STACK = "opentelemetry-collector", "opentelemetry-kube-stack"
_CHARTS = (_COLLECTOR, _STACK)
# Keys of values below which a collector config stands.
_CONFIGS = ("config", "alternateConfig")
# A key of values, and a word that only values of these charts have: a file without both is not read.
_KEY_OF_VALUES = re.compile(
    r"(?:^|[{,])[ \t]*[\"']?(?:config|alternateConfig|presets|chart)[\"']?[ \t]*:", re.MULTILINE
)
_WORD_OF_COLLECTOR = re.compile(r"\b(?:receivers|exporters|pipelines|presets|opentelemetry-(?:collector|kube-stack))\b")
_THEN_VALIDATE = "and validate rendered.yaml."


@dataclass(frozen=True)
class UnrenderedValues:
    """Values of a chart in a file: the number of the document, the path in it, a description, and what to do."""

    document_index: int
    path: Path
    description: str
    fix: str


def may_have_values(text: str) -> bool:
    """Whether YAML text may have values of one of the charts, without reading it."""
    return bool(_KEY_OF_VALUES.search(text) and _WORD_OF_COLLECTOR.search(text))


def find_unrendered_values(documents: Sequence[Any], file: str) -> list[UnrenderedValues]:
    """Return the values of charts in the documents of a file."""
    unrendered: list[UnrenderedValues] = []
    for document_index, data in enumerate(documents):
        if is_object(data):
            unrendered += _find_in_object(document_index, data)
        else:
            unrendered += _find_in_values(document_index, data, file)
    return unrendered


def _find_in_values(document_index: int, data: Any, file: str) -> Iterator[UnrenderedValues]:
    """Yield values of a chart, and values of charts on which another chart depends, which stand below their names."""
    chart = _find_chart(data)
    if chart:
        command = f"helm template NAME open-telemetry/{chart} -f {file} > rendered.yaml"
        description = f"a file of values for Helm chart {chart}"
        yield UnrenderedValues(document_index, (), description, f"Run `{command}`, {_THEN_VALIDATE}")
    if not isinstance(data, Mapping):
        return
    for key, dependency_values in data.items():
        if key not in (*_CONFIGS, "collectors") and _find_chart(dependency_values):
            description = f"a file of values for a Helm chart, with those of its dependency '{key}'"
            commands = f"`helm dependency build CHART` and `helm template NAME CHART -f {file} > rendered.yaml`"
            yield UnrenderedValues(document_index, (str(key),), description, f"Run {commands}, {_THEN_VALIDATE}")


def _find_chart(data: Any) -> str:
    """Return the chart to which values belong; empty text if data is no values of a chart."""
    if _is_collector_values(data):
        return _COLLECTOR
    if _is_stack_values(data):
        return _STACK
    return ""


def _is_collector_values(data: Any) -> bool:
    """Whether data is values of the chart for one collector: it has a config, or presets that make one."""
    if not isinstance(data, Mapping):
        return False
    has_presets = isinstance(data.get("presets"), Mapping)
    if has_presets and ("mode" in data or "image" in data):
        return True
    return any(_has_section(mapping_at(data, key)) for key in _CONFIGS)


def _has_section(config: Mapping[str, Any]) -> bool:
    """Whether a mapping has a section of a config."""
    return any(name in config for name in TOP_LEVEL)


def _is_stack_values(data: Any) -> bool:
    """Whether data is values of the chart for several collectors, which stand by their names below `collectors`."""
    return any(_is_collector_values(collector) for collector in mapping_at(data, "collectors").values())


class _InstalledChart(NamedTuple):
    """A chart that an object lets a controller install: its name, its version, and the field with its values."""

    chart: str
    version: Any
    values_field: str


def _find_in_object(document_index: int, manifest: Mapping[str, Any]) -> Iterator[UnrenderedValues]:
    """Yield the values in an object that lets a controller install a chart."""
    kind = str(manifest["kind"])
    list_charts = _CHART_LISTERS.get(kind)
    if list_charts is None:
        return
    for installed_chart in list_charts(mapping_at(manifest, "spec")):
        description = f"an object of kind {kind} with Helm chart {installed_chart.chart}"
        yield UnrenderedValues(document_index, ("spec",), description, _describe_rendering(installed_chart))


def _list_helm_release_charts(spec: Mapping[str, Any]) -> Iterator[_InstalledChart]:
    """Yield the chart of a HelmRelease of Flux. A release with `chartRef` names no chart, so its values tell."""
    chart = value_at(spec, ("chart", "spec", "chart"))
    chart_of_values = _find_chart(spec.get("values"))
    if chart in _CHARTS or chart_of_values:
        version = value_at(spec, ("chart", "spec", "version"))
        yield _InstalledChart(str(chart or chart_of_values), version, "spec.values")


def _list_k3s_charts(spec: Mapping[str, Any]) -> Iterator[_InstalledChart]:
    """Yield the chart of a HelmChart of k3s."""
    chart = str(spec.get("chart") or "").rpartition("/")[2]
    if chart in _CHARTS:
        yield _InstalledChart(chart, spec.get("version"), "spec.valuesContent")


def _list_argo_charts(spec: Mapping[str, Any]) -> Iterator[_InstalledChart]:
    """Yield the charts of an Application of Argo CD."""
    for source in (spec.get("source"), *list_at(spec, "sources")):
        chart = value_at(source, ("chart",))
        if chart in _CHARTS:
            version = value_at(source, ("targetRevision",))
            yield _InstalledChart(str(chart), version, "helm.valuesObject (or helm.values)")


_CHART_LISTERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[_InstalledChart]]] = {
    "HelmRelease": _list_helm_release_charts,
    "HelmChart": _list_k3s_charts,
    "Application": _list_argo_charts,
}


def _describe_rendering(installed_chart: _InstalledChart) -> str:
    """Return how a user renders the chart that an object installs."""
    chart_arguments = _format_chart_arguments(installed_chart.chart, installed_chart.version)
    command = f"helm template NAME {chart_arguments} -f values.yaml"
    return f"Write `{installed_chart.values_field}` to values.yaml, run `{command} > rendered.yaml`, {_THEN_VALIDATE}"


def _format_chart_arguments(chart: str, version: Any) -> str:
    """Return how Helm's command line names a chart: by its folder, or by its name, repository and version."""
    if chart.startswith((".", "/")):
        return chart
    repository = _REPOSITORY if chart in _CHARTS else "REPOSITORY"
    version_option = f" --version '{version}'" if version else ""
    return f"{chart} --repo {repository}{version_option}"
