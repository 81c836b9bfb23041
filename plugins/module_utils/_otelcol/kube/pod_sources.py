# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secrets and ConfigMaps that a pod uses, by its volumes and by the variables of a container. Private.

Each use is a `PodSource`. The volume `{name: tls, secret: {secretName: web-tls}}`, mounted at `/tls`, is
`PodSource("Secret", "web-tls", path="/tls")`. The variable `{valueFrom: {secretKeyRef: {name: api, key: token}}}` is
`PodSource("Secret", "api", key="token")`. A diagnosis reads the config and the certificates of a pod at its sources,
and pod_references.py checks that they exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..config.paths import list_at, mapping_at, mappings_at
from .objects import Manifest

# The paths in a text, without those that go on as a glob or with a variable. A default after `:-` may never be used.
_PATH_PATTERN = re.compile(r"(?<![-\w./])(?<!:-)/[-.\w/]+(?![-.\w/*?\[{$])")
# The kinds that a variable refers to, by the key of the reference: in `env` to one key, in `envFrom` to all keys.
_KINDS_OF_ENV = {"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"}
_KINDS_OF_ENV_FROM = {"secretRef": "Secret", "configMapRef": "ConfigMap"}


class MountedFile(NamedTuple):
    """A file of a volume that lists its files: its path below the mount, and the key that it has the content of."""

    path: str
    key: str


class PodSource(NamedTuple):
    """A Secret or ConfigMap that a pod uses, by a variable or a volume."""

    kind: str
    name: str
    optional: bool = False
    """Whether the pod starts without it."""
    path: str = ""
    """Where a volume is mounted; empty for a variable, and for a volume that the container does not mount."""
    files: tuple[MountedFile, ...] = ()
    """The files that a volume lists; if it lists none, each key is a file."""
    key: str = ""
    """The key of a variable, or of a mount of a single file; empty for all keys."""

    @property
    def keys(self) -> list[str]:
        """The keys without which a container does not start: those of variables, and those that a volume lists."""
        keys = [] if self.path else [self.key]
        keys += [file.key for file in self.files]
        return [key for key in keys if key]

    def find_key_at(self, path: str) -> str:
        """Return the key whose content a container sees at a path; empty if the path is not below this mount.

        Below a mount at `/tls` without listed files, `/tls/ca.crt` has the key `ca.crt`.
        """
        if not self.path:
            return ""
        folder = f"{self.path.rstrip('/')}/"
        if path.startswith(folder):
            inner_path = path[len(folder) :]
            return dict(self.files).get(inner_path, "") if self.files else inner_path
        return self.key if path == self.path else ""

    def find_read_keys(self, texts: Iterable[str]) -> set[str]:
        """Return the keys that texts name by their paths below this mount. What a variable may replace does not count.

        With a mount at `/tls`, the text `cert_file: /tls/tls.crt` names the key `tls.crt`. Deeper paths name none here:
        a key has no slash, so they belong to a mount inside of this one.
        """
        folder = self.path.rstrip("/") if self.path else None
        keys = set()
        for path in _find_paths(texts):
            is_below_mount = folder in (path, path.rpartition("/")[0])
            is_single_file = bool(self.key)  # then only the path of the mount itself is one of this source
            if is_below_mount and (path == self.path or not is_single_file):
                keys.add(self.find_key_at(path))
        return keys - {""}


def _find_paths(texts: Iterable[str]) -> set[str]:
    """Return the paths in texts, without the stop of a sentence: `/tls/ca.crt` of `file:/tls/ca.crt.`."""
    paths: set[str] = set()
    for text in texts:
        paths.update(path.rstrip(".") for path in _PATH_PATTERN.findall(text))
    return paths


def list_sources(pod_spec: Manifest, container: Manifest) -> list[PodSource]:
    """Return every Secret and ConfigMap that a pod needs: by its volumes, and by the variables of the container."""
    mount_by_volume: dict[str, Manifest] = {}
    for mount in mappings_at(container, "volumeMounts"):
        mount_by_volume.setdefault(str(mount.get("name")), mount)
    sources: list[PodSource] = []
    for volume in mappings_at(pod_spec, "volumes"):
        sources += _list_volume_sources(volume, mount_by_volume.get(str(volume.get("name")), {}))
    return [*sources, *_list_variable_sources(container)]


def _list_volume_sources(volume: Manifest, mount: Manifest) -> Iterator[PodSource]:
    """Yield the Secrets and ConfigMaps of a volume; a projected volume has several. `mount` is empty without one."""
    yield from _list_named_sources(volume, mount, key_of_secret_name="secretName")
    for projected_source in mappings_at(volume, "projected", "sources"):
        yield from _list_named_sources(projected_source, mount, key_of_secret_name="name")


def _list_named_sources(volume: Manifest, mount: Manifest, *, key_of_secret_name: str) -> Iterator[PodSource]:
    """Yield the Secret and the ConfigMap that a volume, or a source of a projected one, names."""
    secret, config_map = mapping_at(volume, "secret"), mapping_at(volume, "configMap")
    if secret.get(key_of_secret_name):
        yield _make_volume_source("Secret", str(secret[key_of_secret_name]), secret, mount)
    if config_map.get("name"):
        yield _make_volume_source("ConfigMap", str(config_map["name"]), config_map, mount)


def _make_volume_source(kind: str, name: str, settings: Manifest, mount: Manifest) -> PodSource:
    """Return the source of a volume with these settings. A mount with `subPath` has a single file of it."""
    files = []
    for listed_file in mappings_at(settings, "items"):
        files.append(MountedFile(path=str(listed_file.get("path")), key=str(listed_file.get("key"))))
    sub_path = str(mount.get("subPath") or "")
    return PodSource(
        kind,
        name,
        optional=bool(settings.get("optional")),
        path=str(mount.get("mountPath") or ""),
        files=tuple(files),
        key=dict(files).get(sub_path, sub_path),
    )


def _list_variable_sources(container: Manifest) -> Iterator[PodSource]:
    """Yield what the variables of a container refer to: those of `env`, then all of `envFrom`."""
    for variable in list_at(container, "env"):
        for reference_key, kind in _KINDS_OF_ENV.items():
            reference = mapping_at(variable, "valueFrom", reference_key)
            if reference.get("name"):
                is_optional, key = bool(reference.get("optional")), str(reference.get("key") or "")
                yield PodSource(kind, str(reference["name"]), is_optional, key=key)
    for origin in list_at(container, "envFrom"):
        for reference_key, kind in _KINDS_OF_ENV_FROM.items():
            reference = mapping_at(origin, reference_key)
            if reference.get("name"):
                yield PodSource(kind, str(reference["name"]), bool(reference.get("optional")))
