# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each collector is before a change: by configs that were kept, or by the objects of a cluster. Private.

`collector_forecasts.py` calls `choose_before` once, and then asks the result about each collector of the inventory. The
two classes have the same methods:

| | `KeptBefore` | `ClusterBefore` |
|---|---|---|
| it knows | configs, with masks in place of secrets | objects of a cluster, or those in files of a GitOps repository |
| `leaves_resource_unchanged` | no | if the operator has only added to a custom resource of a cluster |
| `find_config_before` | the kept config | the config and image of the collector that the objects have |
| `is_changed` | compares with the new config, masked | compares with the new config as it is |

For example, a kept config `{"token": "********"}` is not changed by the new config `{"token": "s3cret"}`, and the same
config of a cluster is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ....module_utils._otelcol.config.config_secrets import find_secrets
from ....module_utils._otelcol.config.masking import make_masker, mask_tree
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.forecast.applied_resources import is_applied
from ....module_utils._otelcol.kube.objects import Manifest, ref
from ....module_utils._otelcol.testing.case import Suite
from .._testing.chosen_collector import ChosenConfig
from .._testing.running_configs import find_input_in_cluster
from .rendered_collectors import RenderedCollector

_NOT_READABLE = "what it runs with is not one config that can be read"


@dataclass(frozen=True)
class KeptBefore:
    """What is known of collectors by copies of their configs, which an earlier task has saved with masked secrets."""

    kept_configs: Mapping[str, ChosenConfig]
    """The configs by NAMESPACE/NAME."""

    def leaves_resource_unchanged(self, _collector: RenderedCollector) -> bool:
        """Return False: kept configs do not tell whether a run changes a custom resource."""
        return False

    def find_config_before(self, collector: RenderedCollector) -> ChosenConfig | None:
        """Return the kept config of a collector; None if none was kept.

        If its image was not kept, it has that of the inventory. Raises Problem if it was kept without a config.
        """
        kept_config = self.kept_configs.get(collector.name)
        if kept_config is None:
            return None
        if not kept_config.config:
            raise Problem(_NOT_READABLE)
        return kept_config if kept_config.image else replace(kept_config, image=collector.config_after.image)

    def is_changed(self, config_before: ChosenConfig, config_after: ChosenConfig) -> bool:
        """Return whether a change is one of the config or the image, with the secrets of the new config masked."""
        masked_config = mask_tree(config_after.config, make_masker(find_secrets(config_after.config)))
        return config_before.config != masked_config or _has_other_image(config_before, config_after)


@dataclass(frozen=True)
class ClusterBefore:
    """What is known of collectors by the objects of a cluster, or by those in files of a GitOps repository."""

    resources_before: Sequence[Manifest]
    """The objects that a change would find."""
    rendered_manifests: Sequence[Manifest]
    """The objects that the change applies: those of the inventory."""
    is_in_repository: bool
    """Whether `resources_before` are files of a GitOps repository, which a run writes anew."""

    def leaves_resource_unchanged(self, collector: RenderedCollector) -> bool:
        """Return whether a run changes nothing of a custom resource.

        In a cluster, fields that others have added to the resource stay. A file of a repository is written anew,
        without them, so there it may change.
        """
        return not self.is_in_repository and is_applied(
            collector.workload, self.rendered_manifests, self.resources_before
        )

    def find_config_before(self, collector: RenderedCollector) -> ChosenConfig | None:
        """Return a collector as it is before the change; None if it is not there yet.

        Raises Problem if it runs with no config that can be read, or with several.
        """
        suite = Suite(collector.name, collector=collector.workload.name)
        running_input = find_input_in_cluster(suite, [collector.collector_row], self.resources_before)
        if running_input is not None:
            image = running_input.platform_context.image
            return ChosenConfig(running_input.config, image, f"{collector.name} before the change")
        if any(ref(resource) == collector.workload for resource in self.resources_before):
            raise Problem(_NOT_READABLE)
        return None

    def is_changed(self, config_before: ChosenConfig, config_after: ChosenConfig) -> bool:
        """Return whether a change is one of the config or the image."""
        return config_before.config != config_after.config or _has_other_image(config_before, config_after)


def choose_before(arguments: Mapping[str, Any]) -> KeptBefore | ClusterBefore:
    """Return what the options of a forecast tell of collectors before the change; kept configs come first.

    Raises Problem if they tell nothing.
    """
    if arguments["kept_configs"] is not None:
        return KeptBefore(arguments["kept_configs"])
    if arguments["resources"] is not None:
        return ClusterBefore(arguments["resources"], arguments["manifests"], bool(arguments.get("gitops_path")))
    fix = "Give `resources`, `gitops_path`, `kept_path` or `host_running`."
    raise Problem("the configs of before are not known", fix=fix)


def _has_other_image(config_before: ChosenConfig, config_after: ChosenConfig) -> bool:
    """Return whether two images differ. An image that is not known is no change."""
    if not config_before.image or not config_after.image:
        return False
    return config_before.image != config_after.image
