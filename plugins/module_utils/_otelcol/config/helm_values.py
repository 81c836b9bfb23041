# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of OpenTelemetry's Helm charts, which are a collector config only after Helm has rendered them.

Sources: values.yaml of the charts opentelemetry-collector and opentelemetry-kube-stack, and the kinds HelmRelease
(Flux), Application (Argo CD) and HelmChart (k3s). Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .documents import TOP_LEVEL, is_object
from .paths import Path, at, items, section

_REPOSITORY = "https://open-telemetry.github.io/opentelemetry-helm-charts"
_COLLECTOR, _STACK = "opentelemetry-collector", "opentelemetry-kube-stack"
_CHARTS = (_COLLECTOR, _STACK)
_CONFIGS = ("config", "alternateConfig")
# A key of values, and a word that only values of these charts have: a file without both is not read.
_KEY_OF_VALUES = re.compile(
    r"(?:^|[{,])[ \t]*[\"']?(?:config|alternateConfig|presets|chart)[\"']?[ \t]*:", re.MULTILINE
)
_WORD_OF_COLLECTOR = re.compile(r"\b(?:receivers|exporters|pipelines|presets|opentelemetry-(?:collector|kube-stack))\b")
_THEN_VALIDATE = "and validate rendered.yaml."


@dataclass(frozen=True)
class Unrendered:
    """Values of a chart in a file: which of its documents, where in that, what they are, and what to do."""

    document: int
    path: Path
    what: str
    fix: str


def may_have_values(text: str) -> bool:
    """Whether YAML text may have values of one of the charts, without reading it."""
    return bool(_KEY_OF_VALUES.search(text) and _WORD_OF_COLLECTOR.search(text))


def unrendered_values(documents: Sequence[Any], file: str) -> list[Unrendered]:
    """Return the values of charts in the documents of a file."""
    unrendered: list[Unrendered] = []
    for number, data in enumerate(documents):
        unrendered += _of_object(number, data) if is_object(data) else _of_values(number, data, file)
    return unrendered


def _of_values(document: int, data: Any, file: str) -> Iterator[Unrendered]:
    """Yield values of a chart, or of a chart on which another one depends: they stand below its name."""
    chart = _chart_of(data)
    if chart:
        command = f"helm template NAME open-telemetry/{chart} -f {file} > rendered.yaml"
        what = f"a file of values for Helm chart {chart}"
        yield Unrendered(document, (), what, f"Run `{command}`, {_THEN_VALIDATE}")
    if not isinstance(data, Mapping):
        return
    for key, below in data.items():
        if key not in (*_CONFIGS, "collectors") and _chart_of(below):
            what = f"a file of values for a Helm chart, with those of its dependency '{key}'"
            commands = f"`helm dependency build CHART` and `helm template NAME CHART -f {file} > rendered.yaml`"
            yield Unrendered(document, (str(key),), what, f"Run {commands}, {_THEN_VALIDATE}")


def _chart_of(data: Any) -> str:
    """Return the chart of which data is values; empty text if it is of none."""
    if _is_of_collector(data):
        return _COLLECTOR
    return _STACK if _is_of_stack(data) else ""


def _is_of_collector(data: Any) -> bool:
    """Whether data is values of the chart of a collector: they have its config, or presets that make one."""
    if not isinstance(data, Mapping):
        return False
    has_presets = isinstance(data.get("presets"), Mapping)
    if has_presets and ("mode" in data or "image" in data):
        return True
    return any(_has_section(section(data, key)) for key in _CONFIGS)


def _has_section(config: Mapping[str, Any]) -> bool:
    """Whether a mapping has a section of a config."""
    return any(name in config for name in TOP_LEVEL)


def _is_of_stack(data: Any) -> bool:
    """Whether data is values of the chart that has several collectors by their names."""
    return any(_is_of_collector(collector) for collector in section(data, "collectors").values())


class _Installed(NamedTuple):
    """A chart that an object lets a controller install: its name, its version, and the field with its values."""

    chart: str
    version: Any
    field: str


def _of_object(document: int, manifest: Mapping[str, Any]) -> Iterator[Unrendered]:
    """Yield the values in an object that lets a controller install a chart."""
    kind = str(manifest["kind"])
    charts_of = _INSTALLERS.get(kind)
    if charts_of is None:
        return
    for installed in charts_of(section(manifest, "spec")):
        what = f"an object of kind {kind} with Helm chart {installed.chart}"
        yield Unrendered(document, ("spec",), what, _how_to_render(installed))


def _of_helm_release(spec: Mapping[str, Any]) -> Iterator[_Installed]:
    """Yield the chart of a HelmRelease of Flux. One with `chartRef` names none, so its values tell."""
    chart = at(spec, ("chart", "spec", "chart"))
    chart_of_values = _chart_of(spec.get("values"))
    if chart in _CHARTS or chart_of_values:
        yield _Installed(str(chart or chart_of_values), at(spec, ("chart", "spec", "version")), "spec.values")


def _of_helm_chart(spec: Mapping[str, Any]) -> Iterator[_Installed]:
    """Yield the chart of a HelmChart of k3s."""
    chart = str(spec.get("chart") or "").rpartition("/")[2]
    if chart in _CHARTS:
        yield _Installed(chart, spec.get("version"), "spec.valuesContent")


def _of_application(spec: Mapping[str, Any]) -> Iterator[_Installed]:
    """Yield the charts of an Application of Argo CD."""
    for source in (spec.get("source"), *items(spec, "sources")):
        chart = at(source, ("chart",))
        if chart in _CHARTS:
            yield _Installed(str(chart), at(source, ("targetRevision",)), "helm.valuesObject (or helm.values)")


_INSTALLERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[_Installed]]] = {
    "HelmRelease": _of_helm_release,
    "HelmChart": _of_helm_chart,
    "Application": _of_application,
}


def _how_to_render(installed: _Installed) -> str:
    """Return how a user renders the chart that an object installs."""
    command = f"helm template NAME {_chart_and_place(installed.chart, installed.version)} -f values.yaml"
    return f"Write `{installed.field}` to values.yaml, run `{command} > rendered.yaml`, {_THEN_VALIDATE}"


def _chart_and_place(chart: str, version: Any) -> str:
    """Return how Helm's command line names a chart: by its folder, or by its name, repository and version."""
    if chart.startswith((".", "/")):
        return chart
    repository = _REPOSITORY if chart in _CHARTS else "REPOSITORY"
    of_version = f" --version '{version}'" if version else ""
    return f"{chart} --repo {repository}{of_version}"
