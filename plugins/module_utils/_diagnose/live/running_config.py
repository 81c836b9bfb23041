# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the config with which the pods of a collector run. Private."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..._kube.live.api_errors import library
from ..._otelcol.config.documents import merged_configs
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.pod_references import Source, sources
from ..._otelcol.yaml.yaml_documents import load
from ..pod_config import config_texts, environment, expanded
from .find_collectors import DiagnosedTarget
from .reader import ClusterReader, Object


class RunningConfig(NamedTuple):
    """The config of a collector's pods, with all variables; empty if it cannot be read, and the notes say why.

    `sources` are the objects that the container refers to, `config_maps` those of them that were read, by name.
    """

    config: dict[str, Any]
    sources: Sequence[Source]
    config_maps: dict[str, Object]


def running_config(reader: ClusterReader, target: DiagnosedTarget) -> RunningConfig:
    """Return the config of a collector."""
    referred = sources(section(target.pod, "spec"), target.container)
    config_maps = {}
    unread = ""
    for name in dict.fromkeys(source.name for source in referred if source.kind == "ConfigMap"):
        answer = reader.one("configmaps", target.pod_namespace, name, target.notes)
        unread = unread or answer.why
        if answer.value:
            config_maps[name] = {**answer.value, "apiVersion": "v1", "kind": "ConfigMap"}
    texts: list[Any] = config_texts(target.container, referred, config_maps)
    if not texts and target.custom:
        texts = [section(target.custom, "spec").get("config") or ""]
    config = _merged(texts, target, environment(target.container, target.pod))
    if config is None:
        return RunningConfig({}, referred, config_maps)
    if not config and (target.workload or target.custom):
        none = "no ConfigMap and no custom resource has one that the container is started with"
        target.notes.add("config", unread or none)
    return RunningConfig(config, referred, config_maps)


def _merged(texts: list[Any], target: DiagnosedTarget, variables: dict[str, str]) -> dict[str, Any] | None:
    """Return configs as one, with its variables; None if one of them cannot be read, which is noted."""
    yaml = library("yaml", "PyYAML")
    configs = []
    for text in texts:
        try:
            config = load(yaml, text, "config").data if isinstance(text, str) else text
        except Problem as problem:  # what one tenant wrote stops the diagnosis of no other
            target.notes.add("config", str(problem))
            return None
        if isinstance(config, dict):
            configs.append(config)
    merged = expanded(merged_configs(configs), variables)
    return merged if isinstance(merged, dict) else {}
