# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods decide whether a new config works worse than the earlier one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.worse_than_before import (
    WorkingState,
    describe_unfinished_pods,
    is_worse,
    measure_working_state,
    parse_working_states,
)

PENDING = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n9"]}]}]
    }
}


def workload(kind: str, **spec: Any) -> Any:
    return {"kind": kind, "metadata": {"namespace": "ns", "name": "a"}, "spec": spec}


def pod(name: str, node: str = "", *, ready: bool = True) -> Any:
    spec = {"nodeName": node} if node else {"affinity": {"nodeAffinity": PENDING}}
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("kind", "idle"),
    [("DaemonSet", ("node n1", "node n9")), ("StatefulSet", ("pod a-1", "pod a-2")), ("Deployment", ())],
)
def test_the_places_of_pods_that_do_not_work(kind: str, idle: tuple[str, ...]) -> None:
    pods = [pod("a-0", "n0"), pod("a-1", "n1", ready=False), pod("a-2", ready=False), pod("evicted", "n0", ready=False)]
    pods[3]["metadata"]["name"] = "a-0"
    before = measure_working_state(workload(kind), 1, pods)
    assert before == WorkingState(1, idle)
    assert parse_working_states(json.loads(json.dumps({"x": before}))) == {"x": before}


GOOD, BAD, OLD = pod("a-2", "n2"), pod("a-1", "n1", ready=False), WorkingState(2, ("node n1", "pod a-1"))


@pytest.mark.parametrize(
    ("kind", "before", "new", "worse"),
    [
        *((kind, OLD, [GOOD, BAD], False) for kind in ("DaemonSet", "StatefulSet")),
        *((kind, OLD, [BAD], True) for kind in ("DaemonSet", "StatefulSet")),
        *((kind, WorkingState(3), [GOOD, BAD], True) for kind in ("DaemonSet", "StatefulSet")),
        ("Deployment", WorkingState(2), [GOOD, BAD], True),
        ("Deployment", WorkingState(1), [GOOD, BAD], False),
        *((kind, None, [GOOD], True) for kind in ("Deployment", "DaemonSet")),
        ("DaemonSet", OLD, [], True),
    ],
)
def test_pods_that_worked_before_decide(kind: str, before: WorkingState, new: list[Any], worse: bool) -> None:
    assert is_worse(workload(kind), before, new) is worse


def test_pods_that_the_user_replaces_by_hand_may_wait() -> None:
    by_hand = workload("DaemonSet", updateStrategy={"type": "OnDelete"})
    assert not is_worse(by_hand, OLD, [])
    assert is_worse(by_hand, WorkingState(3), [BAD])


def test_long_lists_are_cut_and_names_are_clean() -> None:
    before = WorkingState(1, tuple(f"node \x1b[31m{number}" for number in range(9)))
    text = " ".join(
        describe_unfinished_pods(workload("DaemonSet"), before, [], [pod(f"p{number}", "n") for number in range(7)])
    )
    assert "\x1b" not in text
    assert "4 and 4 more." in text
    assert "pod p4 and 2 more." in text


@pytest.mark.parametrize(
    ("kind", "strategy", "names"),
    [
        ("DaemonSet", "RollingUpdate", ["when its other pods", "delete pod NAME", "maxUnavailable: 3"]),
        ("DaemonSet", "OnDelete", ["OnDelete leaves them to you", "delete pod NAME"]),
        ("StatefulSet", "RollingUpdate", ["when its other pods"]),
    ],
)
def test_the_way_to_replace_older_pods_fits_the_controller(kind: str, strategy: str, names: list[str]) -> None:
    before = WorkingState(1, ("node n1", "node n2"))
    text = " ".join(
        describe_unfinished_pods(workload(kind, updateStrategy={"type": strategy}), before, [], [pod("p0", "n0")])
    )
    known = ("when its other pods", "OnDelete leaves them to you", "delete pod NAME", "maxUnavailable: 3")
    assert [part for part in known if part in text] == [part for part in known if part in names]
