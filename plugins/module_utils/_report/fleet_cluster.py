# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the fleet and its collectors, as earlier tasks have rendered and read them.

A `FleetCluster` answers what the page of the fleet asks of the results of these tasks; `page_model.py` and the files of
versions, costs, certificates and topology use it. Example: `cluster.find_result("diagnosis")` is what playbook diagnose
said, and empty if it could not read the cluster.

| | nothing was to be read | it could be read | it could not be read |
|---|---|---|---|
| `is_asked` | False | True | True |
| `is_read` | False | True | False |
| `unread_reasons` | none | those of parts that could not be read | all |

Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from .._install.releases.products import CERT_MANAGER, OPERATOR
from .._otelcol.config.paths import list_at, mapping_at
from .cluster_or_host import ClusterOrHost, Result
from .fleet_collector import FleetCollector, build_fleet_collectors

# The results that a cluster may have, each with the key that it has if its task went well. The result of a task that
# failed has other keys, such as `msg`.
_KEYS_OF_SUCCESS = {"diagnosis": "verdict", "cert_manager": "installed", "operator": "installed", "drift": "ready"}
_RESULT_OF_PRODUCT = {CERT_MANAGER: "cert_manager", OPERATOR: "operator"}
# What each result is about, in words.
_WORDS_BY_RESULT = {
    "diagnosis": "how the collectors are",
    "cert_manager": "which cert-manager there is",
    "operator": "which operator there is",
    "drift": "what a run would change",
}
NOT_ASKED = "Nothing was read from the cluster: this is what its inventory says."


@dataclass(frozen=True)
class FleetCluster(ClusterOrHost):
    """A cluster of the fleet."""

    wanted_products: Mapping[str, Result] = field(default_factory=dict)
    """The options of cert-manager and the operator in the inventory, such as `version`, by product."""
    broken_by_version: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The ids of the collectors that a planned version of the Collector breaks, by that version."""

    @cached_property
    def collectors(self) -> list[FleetCollector]:
        """The collectors that were rendered, with the collectors of hosts that each sends to."""
        rendered = mapping_at(self.task_results, "rendered")
        destinations = list_at(rendered, "sends_to_hosts")
        collectors = []
        for collector in build_fleet_collectors(
            list_at(rendered, "collectors"), list_at(rendered, "manifests"), self.config_by_collector
        ):
            sends_to = tuple(row for row in destinations if row.get("sender") == collector.id)
            collectors.append(replace(collector, sends_to=sends_to))
        return collectors

    @property
    def is_asked(self) -> bool:
        """Whether the cluster was to be read."""
        return bool(self.task_results.get("asked"))

    def find_result(self, name: str) -> Result:
        """Return the result of this name, such as `diagnosis`.

        It is empty if its task failed or never ran, or if a diagnosis could read no collector.
        """
        result = mapping_at(self.task_results, name)
        if _KEYS_OF_SUCCESS[name] not in result:
            return {}
        diagnosed_collectors = list_at(result, "collectors") if name == "diagnosis" else []
        # A diagnosis ends well also if the account may read nothing. It then has collectors of which it saw none.
        if diagnosed_collectors and not any(collector.get("seen", True) for collector in diagnosed_collectors):
            return {}
        return result

    @property
    def is_read(self) -> bool:
        """Whether anything was read from the cluster."""
        return any(self.find_result(name) for name in _KEYS_OF_SUCCESS)

    @cached_property
    def unread_reasons(self) -> list[str]:
        """Which parts could not be read, and why, such as `how the collectors are: the cluster does not answer`.

        Parts with the same reason share one line.
        """
        if not self.is_asked:
            return []
        parts_by_reason: dict[str, list[str]] = {}
        for name, part_in_words in _WORDS_BY_RESULT.items():
            result = mapping_at(self.task_results, name)
            if result.get("msg") and not self.find_result(name):
                parts_by_reason.setdefault(str(result["msg"]).strip(), []).append(part_in_words)
        return [f"{', '.join(unread_parts)}: {reason}" for reason, unread_parts in parts_by_reason.items()]

    @cached_property
    def diagnosis_by_collector(self) -> dict[str, Result]:
        """The result of the diagnosis of each collector, by its id NAMESPACE/NAME."""
        collectors = list_at(self.task_results, "diagnosis", "collectors")
        return {f"{collector['namespace']}/{collector['name']}": collector for collector in collectors}

    @property
    def kubernetes_version(self) -> str:
        """The version of Kubernetes, which the tasks about products read; empty if none of them has read it."""
        for result_key in ("operator", "cert_manager"):
            version = self.find_result(result_key).get("kubernetes")
            if version:
                return str(version)
        return ""

    def find_product(self, product: str) -> Result:
        """Return what was read of a product, CERT_MANAGER or OPERATOR; empty if it could not be read."""
        return self.find_result(_RESULT_OF_PRODUCT[product])


def list_unlisted_collectors(cluster: FleetCluster, clusters: Iterable[FleetCluster]) -> list[str]:
    """Return the collectors that run in a cluster and that the inventory does not name.

    Several hosts of the inventory may deploy to one cluster, so the collectors of all `clusters` are named.
    """
    named_ids: set[str] = set()
    for any_cluster in clusters:
        named_ids.update(collector.id for collector in any_cluster.collectors)
    unlisted_names = []
    for collector in list_at(cluster.task_results, "diagnosis", "unlisted"):
        collector_id = f"{collector['namespace']}/{collector['name']}"
        if collector_id not in named_ids:
            unlisted_names.append(f"{collector['kind']} {collector_id}")
    return unlisted_names
