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
from typing import Any

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
    found = []
    for number, data in enumerate(documents):
        places = _of_object(data) if is_object(data) else _of_values(data, file)
        found += [Unrendered(number, path, what, fix) for path, what, fix in places]
    return found


def _of_values(data: Any, file: str) -> Iterator[tuple[Path, str, str]]:
    """Yield values of a chart, or of a chart on which another one depends: they stand below its name."""
    if _is_values(data):
        what, chart = f"a file of values for Helm chart {_COLLECTOR}", f"open-telemetry/{_COLLECTOR}"
        yield (), what, f"Run `helm template NAME {chart} -f {file} > rendered.yaml`, {_THEN}"
    elif _is_stack(data):
        what, chart = f"a file of values for Helm chart {_STACK}", f"open-telemetry/{_STACK}"
        yield (), what, f"Run `helm template NAME {chart} -f {file} > rendered.yaml`, {_THEN}"
    for key, below in data.items() if isinstance(data, Mapping) else ():
        if key not in (*_CONFIGS, "collectors") and (_is_values(below) or _is_stack(below)):
            what = f"a file of values for a Helm chart, with those of its dependency '{key}'"
            fix = f"Run `helm dependency build CHART` and `helm template NAME CHART -f {file} > rendered.yaml`, {_THEN}"
            yield (str(key),), what, fix


def _is_values(data: Any) -> bool:
    """Whether data is values of the chart of a collector: they have its config, or presets that make one."""
    if not isinstance(data, Mapping):
        return False
    configs = (section(data, key) for key in _CONFIGS)
    has_config = any(name in config for config in configs for name in TOP_LEVEL)
    has_presets = isinstance(data.get("presets"), Mapping) and ("mode" in data or "image" in data)
    return has_config or has_presets


def _is_stack(data: Any) -> bool:
    """Whether data is values of the chart that has several collectors by their names."""
    return any(_is_values(one) for one in section(data, "collectors").values())


def _of_object(item: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    """Yield the values in an object that lets a controller install a chart."""
    kind, spec = str(item["kind"]), section(item, "spec")
    if kind == "HelmRelease":
        chart = at(spec, ("chart", "spec", "chart"))
        if chart in _CHARTS or _is_values(spec.get("values")):
            version = at(spec, ("chart", "spec", "version"))
            yield ("spec",), _released(kind, chart), _extract("spec.values", chart, version)
    elif kind == "HelmChart":
        chart = str(spec.get("chart") or "").rpartition("/")[2]
        if chart in _CHARTS:
            yield ("spec",), _released(kind, chart), _extract("spec.valuesContent", chart, spec.get("version"))
    elif kind == "Application":
        for source in (spec.get("source"), *items(spec, "sources")):
            chart = at(source, ("chart",))
            if chart in _CHARTS:
                fix = _extract("helm.valuesObject (or helm.values)", chart, at(source, ("targetRevision",)))
                yield ("spec",), _released(kind, chart), fix


def _released(kind: str, chart: Any) -> str:
    return f"an object of kind {kind} with Helm chart {chart or _COLLECTOR}"


def _extract(values: str, chart: Any, version: Any) -> str:
    of_version = f" --version '{version}'" if version else ""
    command = f"helm template NAME {chart or _COLLECTOR} --repo {_REPOSITORY}{of_version} -f values.yaml"
    return f"Write `{values}` to values.yaml, run `{command} > rendered.yaml`, {_THEN}"
