# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector of a pod: its container, config, variables and mounts. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ..config.documents import configs
from ..config.paths import at, items, section

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


class Source(NamedTuple):
    """A Secret or ConfigMap that a pod uses. `files` are its keys by path when it is mounted; no key means all."""

    kind: str
    name: str
    optional: bool = False
    path: str = ""
    files: tuple[tuple[str, str], ...] = ()
    key: str = ""

    def key_of(self, path: str) -> str:
        """Return the key whose content a container sees at a path; nothing when it is not below this mount."""
        if not self.path or not path.startswith(f"{self.path.rstrip('/')}/"):
            return self.key if self.path and self.key and path == self.path else ""
        inner = path[len(self.path.rstrip("/")) + 1 :]
        return dict(self.files).get(inner, "") if self.files else inner


def collector_container(spec: Object) -> Object:
    """Return the container that runs the collector: the one with a config, else the one that is named like it."""
    containers: list[Object] = items(spec, "containers")
    started = [item for item in containers if "--config" in str([*items(item, "args"), *items(item, "command")])]
    named = [item for item in containers if _NAMES.search(f"{item.get('name')} {item.get('image')}")]
    return next(iter([*started, *named, *containers]), {})


def sources(spec: Object, container: Object) -> list[Source]:
    """Return every Secret and ConfigMap that a pod needs: by its volumes, and by the variables of the container."""
    mounts = {mount.get("name"): mount for mount in reversed(items(container, "volumeMounts"))}
    found = [source for volume in items(spec, "volumes") for source in _of_volume(volume, mounts)]
    return [*found, *_of_variables(container)]


def _of_volume(volume: Object, mounts: Mapping[Any, Object]) -> Iterator[Source]:
    mount = mounts.get(volume.get("name"), {})
    parts = [volume, *items(volume, "projected", "sources")]
    for part in parts:
        for key, kind, name_key in (
            ("secret", "Secret", "secretName" if part is volume else "name"),
            ("configMap", "ConfigMap", "name"),
        ):
            given = section(part, key)
            name = given.get(name_key)
            if name:
                files = tuple((str(item.get("path")), str(item.get("key"))) for item in items(given, "items"))
                sub_path = str(mount.get("subPath") or "")
                path = str(mount.get("mountPath") or "")
                yield Source(
                    kind, str(name), bool(given.get("optional")), path, files, dict(files).get(sub_path, sub_path)
                )


def _of_variables(container: Object) -> Iterator[Source]:
    for variable in items(container, "env"):
        for key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            given = section(variable, "valueFrom", key)
            if given.get("name"):
                yield Source(kind, str(given["name"]), bool(given.get("optional")), key=str(given.get("key") or ""))
    for origin in items(container, "envFrom"):
        for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            given = section(origin, key)
            if given.get("name"):
                yield Source(kind, str(given["name"]), bool(given.get("optional")))


def config_texts(container: Object, found: Sequence[Source], config_maps: Mapping[str, Object]) -> list[str]:
    """Return the configs that the container is started with, as text in their order."""
    words = [str(word) for word in [*items(container, "command"), *items(container, "args")]]
    paths = [word.partition("=")[2] for word in words if word.startswith(("--config=", "-config="))]
    paths += [after for word, after in pairwise(words) if word in ("--config", "-config")]
    texts = [_text_at(path.removeprefix("file:"), container, found, config_maps) for path in paths]
    known = [text for text in texts if text]
    if known:
        return known
    mounted = [config_maps[item.name] for item in found if item.path and item.name in config_maps]
    return [str(at(mounted[place.document], place.path)) for place in configs(mounted, wanted=False)]


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
