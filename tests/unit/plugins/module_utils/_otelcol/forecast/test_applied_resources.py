# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A custom resource is the same if others have only added to the config that was applied."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.applied_resources import is_applied
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import SPEC_HASH
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef

from tests.support.cases import cases

OWN = ObjectRef("OpenTelemetryCollector", "telemetry", "gateway")
CONFIG = {"receivers": {"otlp": {}}, "service": {"pipelines": {"traces": {"receivers": ["otlp"]}}}}
WITH_DEFAULTS = {**CONFIG, "receivers": {"otlp": {"endpoint": "0.0.0.0:4317"}}}
OTHER_LIST = {**CONFIG, "service": {"pipelines": {"traces": {"receivers": ["otlp", "jaeger"]}}}}


def resource(config: Any, pod_hash: str = "a1", namespace: str = "telemetry", **more: str) -> dict[str, Any]:
    annotations = {SPEC_HASH: pod_hash} if pod_hash else {}
    return {
        "kind": "OpenTelemetryCollector",
        "metadata": {"namespace": namespace, "name": "gateway"},
        "spec": {"podAnnotations": annotations, "config": config, **more},
    }


@cases(
    "wanted, running, is_same",
    (resource(CONFIG), resource(CONFIG), True),
    (resource(CONFIG), resource(WITH_DEFAULTS), True),
    (resource(WITH_DEFAULTS), resource(CONFIG), False),
    (resource(CONFIG), resource(OTHER_LIST), False),
    (resource(CONFIG), resource(CONFIG, "b2"), False),
    (resource(CONFIG, ""), resource(CONFIG, ""), False),
    (resource(CONFIG), resource(CONFIG, namespace="other"), False),
    (resource(CONFIG, image="contrib:1"), resource(WITH_DEFAULTS, image="contrib:1"), True),
    (resource(CONFIG, image="contrib:1"), resource(CONFIG, image="contrib:2"), False),
    (resource(CONFIG), resource(CONFIG, image="contrib:2"), True),
    ids=["same", "added", "removed", "list", "hash", "sidecar", "another", "same-image", "image", "added-image"],
)
def test_a_resource_is_the_same_if_others_have_only_added_to_it(
    wanted: dict[str, Any], running: dict[str, Any], is_same: bool
) -> None:
    assert is_applied(OWN, [wanted], [running]) == is_same


def test_a_resource_that_is_not_there_is_not_applied() -> None:
    assert not is_applied(OWN, [resource(CONFIG)], [])
    assert not is_applied(OWN, [], [resource(CONFIG)])
