# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every builder gets, and the frame of every object. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._otelcol.needs.derive_needs import Needs, Port
from ..options import Collector
from ..platform import Platform

Manifest = dict[str, Any]

# What a ConfigMap may hold. Source: MaxSecretSize in Kubernetes' pkg/apis/core/types.go, which ConfigMaps share.
MAX_CONFIG_BYTES = 2**20
_KIB, _SHOWN, _HASH_DIGITS = 1024, 3, 10


@dataclass(frozen=True)
class CollectorBuild:
    """A collector with its finished config and what follows from it."""

    collector: Collector
    needs: Needs
    config: Mapping[str, Any]
    config_text: str
    config_hash: str
    image: str
    run_as_user: int | None
    # The collector to which the ServiceAccount belongs: collectors may share one.
    account_owner: str = ""
    platform: Platform = field(default_factory=Platform)
    # The version of the Collector in the image, empty if nobody knows it.
    collector_version: str = ""
    # Lines `IP NAME` that the pods add to their names of hosts.
    host_names: tuple[str, ...] = ()

    @property
    def config_name(self) -> str:
        """The name of the ConfigMap, which differs for each config of the collector."""
        return f"{self.collector.name}-{self.config_hash[:_HASH_DIGITS]}"

    @property
    def api_token(self) -> bool:
        """Whether the pods have a token for the Kubernetes API: as the user says, or if the config needs one."""
        wanted = self.collector.automount_service_account_token
        return self.needs.asks_api if wanted is None else wanted

    @property
    def exposed(self) -> tuple[Any, ...]:
        """The ports that clients connect to."""
        return tuple(port for port in self.needs.ports if port.exposed)


def check_size(name: str, config: Mapping[str, Any], text: str) -> None:
    """Raise Problem for a config that no ConfigMap can hold. Both backends put it into one."""
    size = len(text.encode())
    if size <= MAX_CONFIG_BYTES:
        return
    sizes = {
        f"{section}.{name}": len(str(settings)) // _KIB
        for section, parts in config.items()
        if isinstance(parts, dict)
        for name, settings in parts.items()
    }
    largest = sorted(sizes, key=lambda place: -sizes[place])[:_SHOWN]
    raise Problem(
        f"the config has {size // _KIB} KiB, and a ConfigMap holds {MAX_CONFIG_BYTES // _KIB} KiB",
        asked=f"Render collector '{name}'",
        where=f"the largest parts are {', '.join(f'{place} (about {sizes[place]} KiB)' for place in largest)}",
        fix="Split the collector, or mount large parts as files with `volumes` and name them as `${file:PATH}`.",
    )


def frame(
    build: CollectorBuild,
    api_version: str,
    kind: str,
    *,
    name: str = "",
    namespaced: bool = True,
    annotations: Mapping[str, str] | None = None,
    **body: Any,
) -> Manifest:
    """Return a manifest with our metadata around the given body; name and namespace default to the collector's."""
    collector = build.collector
    metadata: dict[str, Any] = {"name": name or collector.name, "labels": collector.object_labels}
    if namespaced:
        metadata["namespace"] = collector.namespace
    every = {**collector.annotations, **names.texts("annotations", annotations or {})}
    if every:
        metadata["annotations"] = every
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def present(**values: Any) -> dict[str, Any]:
    """Return the values that say something: no None, no empty mapping, list or text."""
    return {key: value for key, value in values.items() if value not in (None, {}, [], "", ())}


def namespace(build: CollectorBuild) -> Manifest | None:
    """Return the Namespace of a collector, unless another owner creates it."""
    collector = build.collector
    return shared_namespace(collector.namespace) if collector.create_namespace else None


def shared_namespace(name: str) -> Manifest | None:
    """Return a Namespace without labels of its users, who share it; none for a namespace of Kubernetes itself."""
    if names.is_predefined(name):
        return None
    labels = {names.OWNER_LABEL: names.OWNER, names.RELEASE_LABEL: names.shared_release(name)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def exposed_port(build: CollectorBuild, name: str, what: str = "ingress or routes") -> Port:
    """Return the port that traffic from outside goes to. Raises Problem when there is none, or no Service before it."""
    collector = build.collector
    ports: dict[str, Any] = {port.name: port for port in build.exposed}
    if not collector.wants_service:
        wrong = f"collector '{collector.name}' has {'an' if what[0] in 'aeio' else 'a'} {what} but no Service"
        raise Problem(wrong, fix="Set `service: {enabled: true}`.")
    if name not in ports:
        fix = f"Its config listens on: {', '.join(ports) or 'nothing'}."
        raise Problem(f"collector '{collector.name}' has no port '{name}' for its {what}", fix=fix)
    found: Port = ports[name]
    return found
