# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configs with which collectors of the inventory run now, out of the objects of their cluster. Private.

Comparisons of tests and forecasts take the config of before from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.kube.objects import Manifest, ObjectRef, ref
from ....module_utils._otelcol.kube.pod_references import find_needed_objects
from ....module_utils._otelcol.testing.case import Suite
from .. import _input_model, _inputs


def is_compared_with_cluster(arguments: Mapping[str, Any]) -> bool:
    """Return whether the collectors of the inventory are compared with those that run."""
    return bool((arguments.get("compare") or {}).get("running"))


def find_input_in_cluster(
    suite: Suite, collectors: Iterable[Mapping[str, Any]], resources: Sequence[Manifest] | None
) -> _input_model.Input | None:
    """Return the config with which a collector of the inventory runs now; None if it runs with none, or with several.

    `resources` are the objects of the cluster. Raises Problem for tests of another config, and if the cluster was not
    read.
    """
    collector = _find_collector_of_suite(suite, collectors)
    if resources is None:
        fix = "Set `pipeline_test_cluster` to true, or give `resources`."
        raise Problem("the cluster of the collector was not read", where=suite.file, fix=fix)
    workload = ObjectRef(str(collector.get("kind")), str(collector.get("namespace")), suite.collector)
    # A custom resource has the config itself, a Deployment or DaemonSet mounts a ConfigMap that has it.
    owners = {workload, *_list_needed_objects(workload, resources)}
    inputs = _inputs.collect_inputs([], resources).inputs
    own_inputs = [config_input for config_input in inputs if ref(dict(config_input.found_config.owner)) in owners]
    if len(own_inputs) != 1 or not isinstance(own_inputs[0].config, Mapping):
        return None
    return own_inputs[0]


def _find_collector_of_suite(suite: Suite, collectors: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the collector of the inventory that tests are about. Raises Problem if they are about another config."""
    for collector in collectors:
        if str(collector["name"]) == suite.collector:
            return collector
    fix = "Name one with `collector`, or do without `compare.running`."
    raise Problem("only a collector of the inventory runs in its cluster", where=suite.file, fix=fix)


def _list_needed_objects(workload: ObjectRef, resources: Iterable[Manifest]) -> set[ObjectRef]:
    """Return the objects that the pods of a workload need, such as the ConfigMap with its config."""
    needed: set[ObjectRef] = set()
    for resource in resources:
        if ref(resource) == workload:
            needed.update(find_needed_objects(resource))
    return needed
