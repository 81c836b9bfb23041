# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors as the inventory renders them, and how each is before a change. Private.

A form is a collector with a config and an image at one time: the form before is what runs, or what the repository has;
the form after is what the inventory renders now. `collector_forecasts.py` compares both. A kept config is a copy of a
running config that an earlier task has saved, with masks in place of secrets.
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
from .._testing.chosen_bench import ChosenConfig
from .._testing.running_configs import find_input_in_cluster

# The kind of a collector of a Linux host.
SERVICE = "service"
_NOT_READABLE = "what it runs with is not one config that can be read"


@dataclass(frozen=True)
class RenderedCollector:
    """A collector of the inventory, as otel_render returns it.

    `form_after` is its config and image after the change.
    """

    collector_row: Mapping[str, Any]
    workload: ObjectRef
    form_after: ChosenConfig

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
    """What is known of collectors before a change.

    `kept_configs` has the forms of collectors by NAMESPACE/NAME, with masks in place of secrets. If it is not None, the
    forms before are taken from it alone. `cluster_resources` are the objects of the cluster, and `rendered_manifests`
    those of the inventory. With `is_in_repository`, the former are not from a cluster but from files of a GitOps
    repository, which a run writes anew. At least one of the first two is not None.
    """

    kept_configs: Mapping[str, ChosenConfig] | None
    cluster_resources: Sequence[Manifest] | None
    rendered_manifests: Sequence[Manifest]
    is_in_repository: bool

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> KnownBefore:
        """Return what the options of a forecast give. Raises Problem if they give nothing."""
        kept, resources = arguments["kept"], arguments["resources"]
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

    def find_form_before(self, collector: RenderedCollector) -> ChosenConfig | None:
        """Return a collector as it is before the change; None if it is not there yet.

        Raises Problem if it runs with no config that can be read, or with several.
        """
        if self.kept_configs is not None:
            return _find_kept_form(collector, self.kept_configs)
        suite = Suite(collector.name, collector=collector.workload.name)
        running_input = find_input_in_cluster(suite, [collector.collector_row], self.cluster_resources)
        if running_input is not None:
            return ChosenConfig(
                running_input.config, running_input.platform_context.image, f"{collector.name} before the change"
            )
        if any(ref(resource) == collector.workload for resource in self.cluster_resources or ()):
            raise Problem(_NOT_READABLE)
        return None

    def is_changed(self, form_before: ChosenConfig, form_after: ChosenConfig) -> bool:
        """Return whether a change is one of the config or the image. An image that is not known is no change."""
        config: Any = form_after.config
        if self.kept_configs is not None:
            config = mask_tree(config, make_masker(find_secrets(config)))
        if form_before.config != config:
            return True
        return form_before.image != form_after.image and bool(form_before.image and form_after.image)


def _find_kept_form(collector: RenderedCollector, kept: Mapping[str, ChosenConfig]) -> ChosenConfig | None:
    """Return the kept form of a collector; None if none was kept.

    If its image was not kept, it has that of the inventory. Raises Problem if it was kept without a config.
    """
    form = kept.get(collector.name)
    if form is None:
        return None
    if not form.config:
        raise Problem(_NOT_READABLE)
    return form if form.image else replace(form, image=collector.form_after.image)
