# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector of a pod: its container, config, variables and mounts. Private.

A source is a ConfigMap or a Secret that a pod refers to. Everything here is read from objects of Kubernetes that others
have fetched: `live/running_config.py` and the page of the fleet call it. For example, the pod with

    containers: [{name: otc-container, args: [--config=/conf/collector.yaml], env: [{name: PORT, value: "4317"}]}]

and a ConfigMap `gateway` mounted at /conf has the config in the key `collector.yaml` of that ConfigMap, in which
`${env:PORT}` is 4317.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from .._otelcol.config.documents import find_configs
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.kube.pod_sources import PodSource
from .._rollout.stale_sidecars import SIDECAR_CONTAINER

Object = dict[str, Any]
# How people name the container or the image of a collector: the operator, the Helm chart, ADOT.
_COLLECTOR_NAMES = re.compile(r"otc-container|opentelemetry|otel|collector")
# `${env:NAME}`, `${env:NAME:-default}` and `${NAME}`. Source: confmap/provider/envprovider of the Collector.
_REFERENCE = re.compile(r"\$\{(?:env:)?(?P<name>[A-Za-z_]\w*)(?::-(?P<default>(?:[^}$]|\$(?!\{))*))?\}")
# How a command names its config: in two words, or in one with an equals sign.
_CONFIG_OPTIONS = ("--config", "-config")
_CONFIG_PREFIXES = ("--config=", "-config=")
# The fields of a pod that a variable can have: their paths in `fieldRef`, and where they stand in the pod.
_POD_FIELD_PATHS = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "spec.nodeName": ("spec", "nodeName"),
    "status.podIP": ("status", "podIP"),
    "status.hostIP": ("status", "hostIP"),
}


def find_collector_container(spec: Object) -> Object:
    """Return the container that runs the collector: the one with a config, else the one that is named like it."""
    containers: list[Object] = list_at(spec, "containers")
    for container in containers:
        if "--config" in str(_list_command_words(container)):
            return container
    for container in containers:
        if _COLLECTOR_NAMES.search(f"{container.get('name')} {container.get('image')}"):
            return container
    return containers[0] if containers else {}


def find_sidecar_container(spec: Object) -> Object:
    """Return the container that the operator has injected beside an application; an empty mapping if there is none.

    From version 0.140 on, it is an init container that goes on running, where Kubernetes knows these.
    """
    for container in [*list_at(spec, "initContainers"), *list_at(spec, "containers")]:
        if container.get("name") == SIDECAR_CONTAINER:
            sidecar_container: Object = container
            return sidecar_container
    return {}


def list_config_texts(container: Object, sources: Sequence[PodSource], config_maps: Mapping[str, Object]) -> list[str]:
    """Return the configs that the container is started with, as text in their order.

    Where the words of its command name none, the configs in the ConfigMaps that it mounts count.
    """
    config_texts = []
    for path in _list_config_paths(_list_command_words(container)):
        text = _read_text_at(path, container, sources, config_maps)
        if text:
            config_texts.append(text)
    # Without such an option, the command that names the config stands in the image.
    return config_texts or _list_mounted_texts(sources, config_maps)


def _list_mounted_texts(sources: Sequence[PodSource], config_maps: Mapping[str, Object]) -> list[str]:
    """Return the configs in the ConfigMaps that a container mounts."""
    mounted_maps = [config_maps[source.name] for source in sources if source.path and source.name in config_maps]
    return [
        str(value_at(mounted_maps[config_place.document_index], config_place.path))
        for config_place in find_configs(mounted_maps, is_declared_config=False)
    ]


def list_unread_words(container: Object, sources: Sequence[PodSource], config_maps: Mapping[str, Object]) -> list[str]:
    """Return the words of a container that set a part of its config which `list_config_texts` does not have.

    These are the options `--config` whose text cannot be read or is all in a variable, and the options `--set`.
    """
    words = _list_command_words(container)
    unread_options = []
    for path in _list_config_paths(words):
        text = _read_text_at(path, container, sources, config_maps).lstrip()
        if not text or text.startswith("${"):
            unread_options.append(path)
    for word in words:
        if word.startswith(("--set", "-set")):
            unread_options.append(word.partition("=")[0])
    return unread_options


def _list_command_words(container: Object) -> list[str]:
    """Return the words that a container is started with."""
    words = [*list_at(container, "command"), *list_at(container, "args")]
    return [str(word) for word in words]


def _list_config_paths(words: Sequence[str]) -> list[str]:
    """Return where the options `--config` of a command read from, without the scheme of files.

    They keep their order, since the Collector lets a later config replace what an earlier one says.
    """
    paths = []
    for word, following_word in pairwise((*words, "")):
        if word.startswith(_CONFIG_PREFIXES):
            paths.append(word.partition("=")[2])
        elif word in _CONFIG_OPTIONS and following_word:
            paths.append(following_word)
    return [path.removeprefix("file:") for path in paths]


def _read_text_at(path: str, container: Object, sources: Sequence[PodSource], config_maps: Mapping[str, Object]) -> str:
    """Return the text that an option `--config` reads, from a variable or a mounted ConfigMap; empty if unknown."""
    if path.startswith("env:"):
        return read_environment(container, {}).get(path.removeprefix("env:"), "")
    for source in sources:
        if source.kind == "ConfigMap" and source.name in config_maps:
            key = source.find_key_at(path)
            if key:
                return str(mapping_at(config_maps[source.name], "data").get(key) or "")
    return ""


def read_environment(container: Object, pod: Object) -> dict[str, str]:
    """Return the variables whose values are not secret: those that are written, and fields of the pod."""
    value_by_name = {}
    for variable in list_at(container, "env"):
        value = _read_variable(variable, pod)
        if value is not None:
            value_by_name[str(variable.get("name"))] = str(value)
    return value_by_name


def _read_variable(variable: Object, pod: Object) -> Any:
    """Return what a variable is set to: a field of the pod, or what is written; None if it is set from elsewhere."""
    field_path = value_at(variable, ("valueFrom", "fieldRef", "fieldPath"))
    if field_path in _POD_FIELD_PATHS:
        return value_at(pod, _POD_FIELD_PATHS[field_path])
    return variable.get("value")


def expand_variables(value: Any, value_by_name: Mapping[str, str]) -> Any:
    """Return a config with the variables that are known in place; the others stay as they are written."""
    if isinstance(value, dict):
        return {key: expand_variables(nested_value, value_by_name) for key, nested_value in value.items()}
    if isinstance(value, list):
        return [expand_variables(element, value_by_name) for element in value]
    if not isinstance(value, str) or "${" not in value:
        return value

    def replace_reference(reference: re.Match[str]) -> str:
        # A variable may come from a Secret, so one that is not known and has no default is left as it is written.
        default_text = reference[0] if reference["default"] is None else reference["default"]
        return value_by_name.get(reference["name"], default_text)

    return _REFERENCE.sub(replace_reference, value)
