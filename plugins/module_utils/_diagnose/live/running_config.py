# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the config with which the pods of a collector run. Private.

It is in the ConfigMaps or variables that the command of the container names (pod_config.py). If none of them can be
read, the custom resource of the operator has it. Several configs are merged, and known variables are filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..._kube.live.libraries import import_library
from ..._otelcol.config.documents import merge_configs
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.pod_sources import PodSource, list_sources
from ..._otelcol.yaml.yaml_documents import load_document
from ..pod_config import expand_variables, list_config_texts, read_environment
from .find_collectors import DiagnosedTarget
from .reader import ClusterReader, Object


class RunningConfig(NamedTuple):
    """The config with which a collector's pods run, and the objects that it is from."""

    config: dict[str, Any]
    """The config, with the values of its variables; empty if it cannot be read, and the notes of the target say why."""
    sources: Sequence[PodSource]
    """The ConfigMaps and Secrets that the container refers to."""
    config_maps: dict[str, Object]
    """Those of them that are ConfigMaps and were read, by name."""


class _ReadConfigMaps(NamedTuple):
    """The ConfigMaps that a container refers to."""

    by_name: dict[str, Object]
    """Those that were read."""
    unread_reason: str
    """Why the first of the others was not read; empty if all were."""


def read_running_config(reader: ClusterReader, target: DiagnosedTarget) -> RunningConfig:
    """Return the config of a collector. If there is none, the notes of the target say why."""
    referred_sources = list_sources(mapping_at(target.representative_pod, "spec"), target.collector_container)
    read_maps = _read_config_maps(reader, target, referred_sources)
    raw_configs = list_config_texts(target.collector_container, referred_sources, read_maps.by_name)
    if not raw_configs:
        raw_configs = _list_custom_configs(target)
    variables = read_environment(target.collector_container, target.representative_pod)
    config = _merge_configs(raw_configs, target, variables)
    if config is None:
        return RunningConfig({}, referred_sources, read_maps.by_name)
    if not config and (target.workload or target.custom_resource):
        missing_text = "no ConfigMap and no custom resource has one that the container is started with"
        target.notes.note_unseen("config", read_maps.unread_reason or missing_text)
    return RunningConfig(config, referred_sources, read_maps.by_name)


def _read_config_maps(reader: ClusterReader, target: DiagnosedTarget, sources: Sequence[PodSource]) -> _ReadConfigMaps:
    """Return those of some sources of a container that are ConfigMaps. Each is read once."""
    names = dict.fromkeys(source.name for source in sources if source.kind == "ConfigMap")
    config_maps = {}
    unread_reason = ""
    for name in names:
        answer = reader.read_object("configmaps", target.pod_namespace, name, target.notes)
        unread_reason = unread_reason or answer.unread_reason
        if answer.value:
            config_maps[name] = {**answer.value, "apiVersion": "v1", "kind": "ConfigMap"}
    return _ReadConfigMaps(config_maps, unread_reason)


def _list_custom_configs(target: DiagnosedTarget) -> list[Any]:
    """Return the config from which the operator makes the ConfigMap, as a text or as a mapping; none without operator.

    An empty text stands for a custom resource without a config.
    """
    if not target.custom_resource:
        return []
    return [mapping_at(target.custom_resource, "spec").get("config") or ""]


def _merge_configs(raw_configs: list[Any], target: DiagnosedTarget, variables: dict[str, str]) -> dict[str, Any] | None:
    """Return configs as one, with its variables; None if one of them cannot be read, which is noted."""
    yaml = import_library("yaml", "PyYAML")
    configs = []
    for raw_config in raw_configs:
        try:
            config = load_document(yaml, raw_config, "config").data if isinstance(raw_config, str) else raw_config
        except Problem as problem:  # what one tenant wrote stops the diagnosis of no other
            target.notes.note_unseen("config", str(problem))
            return None
        if isinstance(config, dict):
            configs.append(config)
    merged_config = expand_variables(merge_configs(configs), variables)
    return merged_config if isinstance(merged_config, dict) else {}
