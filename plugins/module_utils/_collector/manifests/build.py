# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every builder of objects gets, and the frame of every object. Private.

A build is one collector with its options, its finished config and what follows from both. `_judged_collectors.py` of
plugin_utils makes it, and the files of this folder make manifests of it. A `Target` of the rules, which is called a
build too, is another thing: the program of the Collector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._otelcol.kube.text_values import check_texts
from ..._otelcol.needs.derive_needs import Needs
from ..._otelcol.needs.needed_ports import CollectorPort
from ..options import Collector
from ..platform import Platform

Manifest = dict[str, Any]

# Of the hash of a config, in the name of its ConfigMap.
_HASH_DIGITS = 10


@dataclass(frozen=True)
class CollectorBuild:
    """A collector with its finished config and what follows from it."""

    collector: Collector
    """Its options."""
    needs: Needs
    """What its config needs of Kubernetes, such as ports, rights and mounts."""
    config: Mapping[str, Any]
    config_text: str
    """The config as YAML."""
    config_hash: str
    image: str
    """The image of its pods; empty where the operator chooses it."""
    run_as_user: int | None
    """The user of its pods; None where the cluster chooses it."""
    account_owner: str = ""
    """The name of the collector to which the ServiceAccount belongs: collectors may share one."""
    platform: Platform = field(default_factory=Platform)
    collector_version: str = ""
    """The version of the Collector in the image; empty if nobody knows it."""
    host_names: tuple[str, ...] = ()
    """Lines `IP NAME` of hosts that the pods know beside DNS."""

    @property
    def config_name(self) -> str:
        """The name of the ConfigMap, which differs for each config of the collector."""
        return f"{self.collector.name}-{self.config_hash[:_HASH_DIGITS]}"

    @property
    def wants_api_token(self) -> bool:
        """Whether the pods have a token for the Kubernetes API: as the user says, or if the config needs one."""
        configured = self.collector.automount_service_account_token
        return self.needs.asks_api if configured is None else configured

    @property
    def exposed_ports(self) -> tuple[CollectorPort, ...]:
        """The ports that clients connect to."""
        return tuple(port for port in self.needs.ports if port.is_exposed)


def frame_manifest(
    build: CollectorBuild,
    api_version: str,
    kind: str,
    *,
    name: str = "",
    namespaced: bool = True,
    annotations: Mapping[str, str] | None = None,
    **body: Any,
) -> Manifest:
    """Return a manifest of a collector around the given body, with the labels of this collection.

    The name defaults to that of the collector. An object without a namespace is one of the cluster.
    """
    collector = build.collector
    metadata: dict[str, Any] = {"name": name or collector.name, "labels": collector.object_labels}
    if namespaced:
        metadata["namespace"] = collector.namespace
    all_annotations = {**collector.annotations, **check_texts("annotations", annotations or {})}
    if all_annotations:
        metadata["annotations"] = all_annotations
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def omit_empty(**values: Any) -> dict[str, Any]:
    """Return the values that say something: no None, no empty mapping, list or text. 0 and False stay."""
    return {key: value for key, value in values.items() if value not in (None, {}, [], "", ())}
