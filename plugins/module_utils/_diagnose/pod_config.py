# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector of a pod: its container, config, variables and mounts. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from .._otelcol.config.documents import configs_in
from .._otelcol.config.paths import at, items, section
from .._otelcol.kube.pod_references import Source

Object = dict[str, Any]
# How people name the container or the image of a collector: the operator, the Helm chart, ADOT.
_NAMES = re.compile(r"otc-container|opentelemetry|otel|collector")
# `${env:NAME}`, `${env:NAME:-default}` and `${NAME}`. Source: confmap/provider/envprovider of the Collector.
_REFERENCE = re.compile(r"\$\{(?:env:)?(?P<name>[A-Za-z_]\w*)(?::-(?P<default>(?:[^}$]|\$(?!\{))*))?\}")
# How a command names its config: in two words, or in one with an equals sign.
_CONFIG, _CONFIG_AND_VALUE = ("--config", "-config"), ("--config=", "-config=")
# The fields of a pod that a variable can have: their paths in `fieldRef`, and where they stand in the pod.
_FIELDS = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "spec.nodeName": ("spec", "nodeName"),
    "status.podIP": ("status", "podIP"),
    "status.hostIP": ("status", "hostIP"),
}


def collector_container(spec: Object) -> Object:
    """Return the container that runs the collector: the one with a config, else the one that is named like it."""
    containers: list[Object] = items(spec, "containers")
    for container in containers:
        if "--config" in str(_words(container)):
            return container
    for container in containers:
        if _NAMES.search(f"{container.get('name')} {container.get('image')}"):
            return container
    return containers[0] if containers else {}


def config_texts(container: Object, found: Sequence[Source], config_maps: Mapping[str, Object]) -> list[str]:
    """Return the configs that the container is started with, as text in their order.

    Where the words of its command name none, the configs in the ConfigMaps that it mounts count.
    """
    texts = []
    for path in _config_paths(_words(container)):
        text = _text_at(path, container, found, config_maps)
        if text:
            texts.append(text)
    return texts or _mounted_texts(found, config_maps)


def _mounted_texts(found: Sequence[Source], config_maps: Mapping[str, Object]) -> list[str]:
    """Return the configs in the ConfigMaps that a container mounts."""
    mounted = [config_maps[source.name] for source in found if source.path and source.name in config_maps]
    return [str(at(mounted[place.document], place.path)) for place in configs_in(mounted, wanted=False)]


def unread_words(container: Object, found: Sequence[Source], config_maps: Mapping[str, Object]) -> list[str]:
    """Return the words of a container that set a part of its config which `config_texts` does not have."""
    words = _words(container)
    unread = []
    for path in _config_paths(words):
        text = _text_at(path, container, found, config_maps).lstrip()
        if not text or text.startswith("${"):
            unread.append(path)
    for word in words:
        if word.startswith(("--set", "-set")):
            unread.append(word.partition("=")[0])
    return unread


def _words(container: Object) -> list[str]:
    """Return the words that a container is started with."""
    words = [*items(container, "command"), *items(container, "args")]
    return [str(word) for word in words]


def _config_paths(words: Sequence[str]) -> list[str]:
    """Return where the options `--config` of a command read from, without the scheme of files.

    Those of one word, `--config=PATH`, come before those of two.
    """
    paths = []
    for word in words:
        if word.startswith(_CONFIG_AND_VALUE):
            paths.append(word.partition("=")[2])
    for option, path in pairwise(words):
        if option in _CONFIG:
            paths.append(path)
    return [path.removeprefix("file:") for path in paths]


def _text_at(path: str, container: Object, found: Sequence[Source], config_maps: Mapping[str, Object]) -> str:
    """Return the text that an option `--config` reads, from a variable or a mounted ConfigMap; empty if unknown."""
    if path.startswith("env:"):
        return environment(container, {}).get(path.removeprefix("env:"), "")
    for source in found:
        if source.kind == "ConfigMap" and source.name in config_maps:
            key = source.key_of(path)
            if key:
                return str(section(config_maps[source.name], "data").get(key) or "")
    return ""


def environment(container: Object, pod: Object) -> dict[str, str]:
    """Return the variables whose values are not secret: those that are written, and fields of the pod."""
    known = {}
    for variable in items(container, "env"):
        value = _value_of(variable, pod)
        if value is not None:
            known[str(variable.get("name"))] = str(value)
    return known


def _value_of(variable: Object, pod: Object) -> Any:
    """Return what a variable is set to: a field of the pod, or what is written; None if it is set from elsewhere."""
    field = at(variable, ("valueFrom", "fieldRef", "fieldPath"))
    if field in _FIELDS:
        return at(pod, _FIELDS[field])
    return variable.get("value")


def expanded(value: Any, known: Mapping[str, str]) -> Any:
    """Return a config with the variables that are known in place; the others stay as they are written."""
    if isinstance(value, dict):
        return {key: expanded(below, known) for key, below in value.items()}
    if isinstance(value, list):
        return [expanded(element, known) for element in value]
    if not isinstance(value, str) or "${" not in value:
        return value

    def replacement(reference: re.Match[str]) -> str:
        as_written = reference["default"] or reference[0]
        return known.get(reference["name"], as_written)

    return _REFERENCE.sub(replacement, value)
