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
    started = [item for item in containers if "--config" in str([*items(item, "args"), *items(item, "command")])]
    named = [item for item in containers if _NAMES.search(f"{item.get('name')} {item.get('image')}")]
    return next(iter([*started, *named, *containers]), {})


def config_texts(container: Object, found: Sequence[Source], config_maps: Mapping[str, Object]) -> list[str]:
    """Return the configs that the container is started with, as text in their order."""
    texts = [_text_at(path, container, found, config_maps) for path in _config_paths(_words(container))]
    known = [text for text in texts if text]
    if known:
        return known
    mounted = [config_maps[item.name] for item in found if item.path and item.name in config_maps]
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
    return [str(word) for word in [*items(container, "command"), *items(container, "args")]]


def _config_paths(words: Sequence[str]) -> list[str]:
    paths = [word.partition("=")[2] for word in words if word.startswith(("--config=", "-config="))]
    paths += [after for word, after in pairwise(words) if word in ("--config", "-config")]
    return [path.removeprefix("file:") for path in paths]


def _text_at(path: str, container: Object, found: Sequence[Source], config_maps: Mapping[str, Object]) -> str:
    if path.startswith("env:"):
        return environment(container, {}).get(path.removeprefix("env:"), "")
    for source in found:
        key = source.key_of(path) if source.kind == "ConfigMap" and source.name in config_maps else ""
        if key:
            return str(section(config_maps[source.name], "data").get(key) or "")
    return ""


def environment(container: Object, pod: Object) -> dict[str, str]:
    """Return the variables whose values are not secret: those that are written, and fields of the pod."""
    known = {}
    for variable in items(container, "env"):
        field = at(variable, ("valueFrom", "fieldRef", "fieldPath"))
        value = at(pod, _FIELDS[field]) if field in _FIELDS else variable.get("value")
        if value is not None:
            known[str(variable.get("name"))] = str(value)
    return known


def expanded(value: Any, known: Mapping[str, str]) -> Any:
    """Return a config with the variables that are known in place; the others stay as they are written."""
    if isinstance(value, dict):
        return {key: expanded(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [expanded(item, known) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    return _REFERENCE.sub(lambda match: known.get(match["name"], match["default"] or match[0]), value)
