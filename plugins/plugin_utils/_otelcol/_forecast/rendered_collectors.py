# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors as the inventory renders them, and how each is before a change. Private.

`collector_forecasts.py` compares the config and image of each collector before a change, which are what runs or what a
GitOps repository has, with those after it, which are what the inventory renders now. A kept config is a copy of a
running config that an earlier task has saved, with masks in place of secrets. An example: the row
`{"name": "gateway", "namespace": "shop", "kind": "Deployment", "config": {…}, "image": "otelcol:0.158.0"}` is the
collector `shop/gateway`, whose capture is in the folder `shop.gateway`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ....module_utils._otelcol.config.config_secrets import find_secrets
from ....module_utils._otelcol.config.masking import make_masker, mask_tree
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.forecast.applied_resources import is_applied
from ....module_utils._otelcol.kube.objects import Manifest, ObjectRef, ref
from ....module_utils._otelcol.testing.case import Suite
from .. import _inputs
from .._testing.chosen_collector import ChosenConfig
from .._testing.running_configs import find_input_in_cluster

# The kind of a collector of a Linux host.
SERVICE = "service"
_NOT_READABLE = "what it runs with is not one config that can be read"


@dataclass(frozen=True)
class RenderedCollector:
    """A collector of the inventory, as otel_render returns it.

    `config_after` has its config and image after the change.
    """

    collector_row: Mapping[str, Any]
    workload: ObjectRef
    config_after: ChosenConfig

    @classmethod
    def from_row(cls, row: Mapping[str, Any], row_place: str) -> RenderedCollector:
        """Return the collector of a row. Raises Problem for one without a name, a namespace or a config."""
        fix = "Give `collectors` as otel_render returns them."
        if not row.get("name") or not row.get("namespace"):
            raise Problem("this is no collector with a name and a namespace", where=row_place, fix=fix)
        config = row.get("config")
        inputs = [] if config is None else _inputs.collect_inputs([], config).inputs
        if not inputs or not isinstance(inputs[0].config, Mapping):
            raise Problem("this is no collector with a config", where=row_place, fix=fix)
        workload = ObjectRef(str(row.get("kind")), str(row["namespace"]), str(row["name"]))
        origin = f"{workload.namespace}/{workload.name} of the inventory"
        return cls(row, workload, ChosenConfig(inputs[0].config, str(row.get("image") or ""), origin))

    @property
    def name(self) -> str:
        """Its namespace and name."""
        return f"{self.workload.namespace}/{self.workload.name}"

    @property
    def capture_folder(self) -> str:
        """The name of its capture among those of its host of the inventory."""
        is_of_host = self.workload.kind == SERVICE
        return self.workload.name if is_of_host else f"{self.workload.namespace}.{self.workload.name}"


@dataclass(frozen=True)
class KnownBefore:
    """What is known of collectors before a change: kept configs, or else the objects of the cluster."""

    kept_configs: Mapping[str, ChosenConfig] | None
    """The kept configs by NAMESPACE/NAME. If they are not None, nothing else counts."""
    cluster_resources: Sequence[Manifest] | None
    """The objects of the cluster, or those in files of a GitOps repository; None if there are kept configs alone."""
    rendered_manifests: Sequence[Manifest]
    """The objects of the inventory."""
    is_in_repository: bool
    """Whether `cluster_resources` are files of a GitOps repository, which a run writes anew."""

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> KnownBefore:
        """Return what the options of a forecast give. Raises Problem if they give nothing."""
        kept, resources = arguments["kept_configs"], arguments["resources"]
        if kept is None and resources is None:
            fix = "Give `resources`, `gitops_path`, `kept_path` or `host_running`."
            raise Problem("the configs of before are not known", fix=fix)
        return cls(kept, resources, arguments["manifests"], bool(arguments.get("gitops_path")))

    def keeps_resource(self, collector: RenderedCollector) -> bool:
        """Return whether a run changes nothing of a custom resource.

        In a cluster, fields that others have added to the resource stay. A file of a repository is written anew,
        without them, so there it may change.
        """
        return not self.is_in_repository and is_applied(
            collector.workload, self.rendered_manifests, self.cluster_resources or ()
        )

    def find_config_before(self, collector: RenderedCollector) -> ChosenConfig | None:
        """Return a collector as it is before the change; None if it is not there yet.

        Raises Problem if it runs with no config that can be read, or with several.
        """
        if self.kept_configs is not None:
            return _find_kept_config(collector, self.kept_configs)
        suite = Suite(collector.name, collector=collector.workload.name)
        running_input = find_input_in_cluster(suite, [collector.collector_row], self.cluster_resources)
        if running_input is not None:
            return ChosenConfig(
                running_input.config, running_input.platform_context.image, f"{collector.name} before the change"
            )
        if any(ref(resource) == collector.workload for resource in self.cluster_resources or ()):
            raise Problem(_NOT_READABLE)
        return None

    def is_changed(self, config_before: ChosenConfig, config_after: ChosenConfig) -> bool:
        """Return whether a change is one of the config or the image. An image that is not known is no change."""
        compared_config: Any = config_after.config
        if self.kept_configs is not None:  # kept configs are masked
            compared_config = mask_tree(compared_config, make_masker(find_secrets(compared_config)))
        if config_before.config != compared_config:
            return True
        return config_before.image != config_after.image and bool(config_before.image and config_after.image)


def _find_kept_config(collector: RenderedCollector, kept: Mapping[str, ChosenConfig]) -> ChosenConfig | None:
    """Return the kept config of a collector; None if none was kept.

    If its image was not kept, it has that of the inventory. Raises Problem if it was kept without a config.
    """
    kept_config = kept.get(collector.name)
    if kept_config is None:
        return None
    if not kept_config.config:
        raise Problem(_NOT_READABLE)
    return kept_config if kept_config.image else replace(kept_config, image=collector.config_after.image)
