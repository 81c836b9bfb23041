# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of OpenTelemetry's Helm charts, which are a collector config only after Helm has rendered them.

Sources: values.yaml of the charts opentelemetry-collector and opentelemetry-kube-stack, and the kinds HelmRelease
(Flux), Application (Argo CD) and HelmChart (k3s). Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .documents import TOP_LEVEL, is_object
from .paths import Path, at, items, section

_REPOSITORY = "https://open-telemetry.github.io/opentelemetry-helm-charts"
_COLLECTOR, _STACK = "opentelemetry-collector", "opentelemetry-kube-stack"
_CHARTS = (_COLLECTOR, _STACK)
_CONFIGS = ("config", "alternateConfig")
_MAY_BE = re.compile(r"(?:^|[{,])[ \t]*[\"']?(?:config|alternateConfig|presets|chart)[\"']?[ \t]*:", re.MULTILINE)
_NAMED = re.compile(r"\b(?:receivers|exporters|pipelines|presets|opentelemetry-(?:collector|kube-stack))\b")
_THEN = "and validate rendered.yaml."


@dataclass(frozen=True)
class Unrendered:
    """Values of a chart in a stream of documents: which document, where in it, what they are, and what to do."""

    document: int
    path: Path
    what: str
    fix: str


def may_have_values(text: str) -> bool:
    """Whether YAML text may have values of one of the charts, without reading it."""
    return bool(_MAY_BE.search(text) and _NAMED.search(text))


def unrendered_values(documents: Sequence[Any], file: str) -> list[Unrendered]:
    """Return the values of charts in the documents of a file."""
    unrendered = []
    for number, data in enumerate(documents):
        values = _of_object(data) if is_object(data) else _of_values(data, file)
        unrendered += [Unrendered(number, part.path, part.what, part.fix) for part in values]
    return unrendered


class _Values(NamedTuple):
    """Values of a chart in a document: where, what they are, and what to do."""

    path: Path
    what: str
    fix: str


def _of_values(data: Any, file: str) -> Iterator[_Values]:
    """Yield values of a chart, or of a chart on which another one depends: they stand below its name."""
    chart = _chart_of(data)
    if chart:
        command = f"helm template NAME open-telemetry/{chart} -f {file} > rendered.yaml"
        yield _Values((), f"a file of values for Helm chart {chart}", f"Run `{command}`, {_THEN}")
    if not isinstance(data, Mapping):
        return
    for key, below in data.items():
        if key not in (*_CONFIGS, "collectors") and _chart_of(below):
            what = f"a file of values for a Helm chart, with those of its dependency '{key}'"
            fix = f"Run `helm dependency build CHART` and `helm template NAME CHART -f {file} > rendered.yaml`, {_THEN}"
            yield _Values((str(key),), what, fix)


def _chart_of(data: Any) -> str:
    """Return the chart of which data is values; empty text if it is of none."""
    if _is_values(data):
        return _COLLECTOR
    return _STACK if _is_stack(data) else ""


def _is_values(data: Any) -> bool:
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


def _is_stack(data: Any) -> bool:
    """Whether data is values of the chart that has several collectors by their names."""
    return any(_is_values(collector) for collector in section(data, "collectors").values())


def _of_object(manifest: Mapping[str, Any]) -> Iterator[_Values]:
    """Yield the values in an object that lets a controller install a chart."""
    kind, spec = str(manifest["kind"]), section(manifest, "spec")
    if kind == "HelmRelease":
        chart = at(spec, ("chart", "spec", "chart"))
        chart_of_values = _chart_of(spec.get("values"))
        if chart in _CHARTS or chart_of_values:
            chart = chart or chart_of_values
            version = at(spec, ("chart", "spec", "version"))
            yield _Values(("spec",), _released(kind, chart), _extract("spec.values", chart, version))
    elif kind == "HelmChart":
        chart = str(spec.get("chart") or "").rpartition("/")[2]
        if chart in _CHARTS:
            fix = _extract("spec.valuesContent", chart, spec.get("version"))
            yield _Values(("spec",), _released(kind, chart), fix)
    elif kind == "Application":
        for source in (spec.get("source"), *items(spec, "sources")):
            chart = at(source, ("chart",))
            if chart in _CHARTS:
                fix = _extract("helm.valuesObject (or helm.values)", chart, at(source, ("targetRevision",)))
                yield _Values(("spec",), _released(kind, chart), fix)


def _released(kind: str, chart: Any) -> str:
    """Return an object that installs a chart in words."""
    return f"an object of kind {kind} with Helm chart {chart}"


def _extract(values: str, chart: Any, version: Any) -> str:
    """Return how a user renders the chart that an object installs; `values` names the field with its values."""
    command = f"helm template NAME {_chart_and_place(str(chart), version)} -f values.yaml"
    return f"Write `{values}` to values.yaml, run `{command} > rendered.yaml`, {_THEN}"


def _chart_and_place(chart: str, version: Any) -> str:
    """Return how Helm's command line names a chart: by its folder, or by its name, repository and version."""
    if chart.startswith((".", "/")):
        return chart
    repository = _REPOSITORY if chart in _CHARTS else "REPOSITORY"
    of_version = f" --version '{version}'" if version else ""
    return f"{chart} --repo {repository}{of_version}"
