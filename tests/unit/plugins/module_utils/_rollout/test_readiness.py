# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a workload is ready, and how many of its pods are."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout import readiness

from ..helpers import cases
from .workloads import DONE, DS_DONE, ONE, daemon_set, deployment, resource, stateful_set

THREE = {"availableReplicas": 3, "currentRevision": "a", "updateRevision": "b"}
PARTITION_OF_TWO = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}


@cases(
    "workload, ready",
    (deployment(**DONE), True),
    (deployment(), False),
    (deployment(**DONE | {"observedGeneration": 1}), False),
    (deployment(**DONE | {"updatedReplicas": 1}), False),
    (deployment(**DONE | {"replicas": 3}), False),
    (deployment(**DONE | {"availableReplicas": 1}), False),
    (daemon_set(**DS_DONE), True),
    (daemon_set(**DS_DONE | {"observedGeneration": 1}), False),
    (daemon_set(**DS_DONE | {"updatedNumberScheduled": 1}), False),
    (daemon_set("OnDelete", **DS_DONE | {"updatedNumberScheduled": 1}), True),
    (daemon_set(**DS_DONE | {"numberAvailable": 2}), False),
    (daemon_set(desiredNumberScheduled=0), False),
    (stateful_set(ONE), True),
    (stateful_set(ONE | {"updateRevision": "b"}), False),
    (stateful_set(ONE | {"availableReplicas": 0}), False),
    (stateful_set(ONE | {"updateRevision": "b"}, updateStrategy={"type": "OnDelete"}), True),
    (stateful_set(ONE | {"updateRevision": "b"}, updateStrategy={"rollingUpdate": {"partition": 1}}), True),
    (stateful_set(THREE | {"updatedReplicas": 1}, replicas=3, updateStrategy=PARTITION_OF_TWO), True),
    (stateful_set(THREE | {"updatedReplicas": 0}, replicas=3, updateStrategy=PARTITION_OF_TWO), False),
    (stateful_set(THREE, replicas=3, updateStrategy=PARTITION_OF_TWO), False),
    ({"kind": "StatefulSet", "metadata": {}, "spec": {}}, False),
    (resource(("Complete", "True")), False),
    (resource(("Complete", "True")) | {"kind": "Job"}, True),
    (resource(("Ready", "True")) | {"kind": "Job"}, False),
    (resource(("Established", "True")) | {"kind": "CustomResourceDefinition"}, True),
    (resource(("Ready", "True"), observedGeneration="1"), False),
    (deployment(**DONE | {"availableReplicas": "2"}), False),
    (resource(("Ready", "True")), True),
    (resource(("Ready", "False")), False),
    (resource(("Available", "True"), generation=2, observedGeneration=1), False),
    (resource(), False),
    ({"kind": "Other", "metadata": {}}, False),
)
def test_ready(workload: Any, ready: Any) -> None:
    assert readiness.is_ready(workload) is ready


def test_an_empty_daemon_set_is_ready_only_when_allowed() -> None:
    assert readiness.is_ready(daemon_set(desiredNumberScheduled=0), allow_empty=True)
    assert not readiness.is_ready(daemon_set(desiredNumberScheduled=0, observedGeneration=1), allow_empty=True)


@cases(
    "workload, text",
    (daemon_set(desiredNumberScheduled=3), "0 of 3 ready"),
    (
        daemon_set(desiredNumberScheduled=1, numberAvailable=1, updatedNumberScheduled=0),
        "1 of 1 ready, but only 0 with the current template",
    ),
    (resource(), "not ready"),
)
def test_count(workload: Any, text: str) -> None:
    assert readiness.describe_pod_counts(workload) == text


@cases(
    "workload, yes",
    (deployment(observedGeneration=2), True),
    (deployment(observedGeneration=1), False),
    (deployment(), False),
    (resource(), True),
)
def test_a_workload_that_its_controller_has_not_seen_is_not_observed(workload: Any, yes: Any) -> None:
    assert readiness.is_generation_observed(workload) is yes
