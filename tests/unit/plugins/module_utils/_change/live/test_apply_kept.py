# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector whose pods work as before keeps a change, although a pod that did not work before still does not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer

from ...fake_api import status
from .bundle_helpers import NAMESPACE
from .helpers import RECORD, KilledError, run
from .rollouts import Rollouts, collector
from .test_canary import change, fails

DAEMON_SET = "/apis/apps/v1/namespaces/ns/daemonsets/a"
ROLLING = {"strategy": "rolling"}
TWO = {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 2}}}
KEPT = "ns/a keeps the new config, because it works as well as the earlier one."
DOWN = "If a node is down, start it, or delete it with `kubectl delete node NAME`."
NOW = (
    "To replace them now, delete them (`kubectl -n ns delete pod NAME`), or set"
    " `update_strategy: {rollingUpdate: {maxUnavailable: 2}}` and run again."
)


def cluster(*, down: str = "", crashes: str = "", **spec: Any) -> Rollouts:
    """Return three nodes with an agent, of which one node has a pod that does not work."""
    api = Rollouts()
    api.down, api.crashes = frozenset({down}), frozenset({crashes})
    run(api, [NAMESPACE, *collector("first", "DaemonSet", **spec)])
    api.clock.now += 60
    api.act()
    return api


def running(api: Rollouts) -> dict[str, str]:
    """Return the config on each node whose pod does not end."""
    pods = [pod for pod in api.pods() if "deletionTimestamp" not in pod["metadata"]]
    return {pod["spec"]["nodeName"]: api.config(pod) for pod in pods}


def test_a_node_that_is_down_takes_no_good_config_back() -> None:
    api = cluster(down="n2", **TWO)
    failure = fails(api, "second", "DaemonSet", TWO, change=ROLLING)
    assert running(api) == {"n0": "second", "n1": "second"}
    assert "not ready after 60 s: DaemonSet ns/a: 2 of 3 ready" in failure.wrong
    assert f"DaemonSet ns/a has no ready pod on node n2. {DOWN}" in failure.fix
    assert f"{KEPT} Not ready, as before the change: node n2." in failure.fix
    assert "Still with" not in failure.fix
    assert RECORD not in api.objects, "the next run does not go on with this change"


def test_what_failed_is_told_although_nobody_can_tell_whether_it_works_as_before() -> None:
    api = cluster(down="n2", **TWO)
    start = api.clock.now
    late_reads: list[str] = []

    def trouble(method: str, path: str) -> RawAnswer | None:
        if (method, path) == ("GET", DAEMON_SET) and api.clock.now > start + 60:
            late_reads.append(path)
            # The first of these reads ends the wait, the next one is to tell whether the collector works as before.
            return status(403, "Forbidden", "no") if len(late_reads) == 2 else None
        return None

    api.trouble = trouble
    failure = fails(api, "second", "DaemonSet", TWO, change=ROLLING)
    assert "not ready after 60 s: DaemonSet ns/a: 2 of 3 ready" in failure.wrong
    assert "The earlier config of ns/a is back" in failure.fix


def test_what_a_node_that_is_down_holds_up_is_named() -> None:
    """With `maxUnavailable: 1`, the controller replaces one pod, and then waits for the node."""
    api = cluster(down="n2")
    failure = fails(api, "second", "DaemonSet", change=ROLLING)
    assert running(api) == {"n0": "second", "n1": "first"}
    assert f"DaemonSet ns/a has no ready pod on node n2. {DOWN}" in failure.fix
    assert f"{KEPT} Not ready, as before the change: node n2. Still with the earlier config: pod p2." in failure.fix
    assert f"DaemonSet ns/a replaces them when its other pods are ready or gone. {NOW}" in failure.fix


@pytest.mark.parametrize("spec", [{}, TWO])
def test_beside_a_node_that_is_down_a_bad_config_goes_back_at_once(spec: Any) -> None:
    api = cluster(down="n2", **spec)
    start = api.clock.now
    failure = fails(api, "broken", "DaemonSet", spec, change=ROLLING)
    assert set(running(api).values()) == {"first"}
    assert "exit code 1, restarts: 2" in failure.wrong
    assert "The earlier config of ns/a is back" in failure.fix
    assert api.clock.now - start < 90, "the reason shows at once, and the earlier config is awaited once"


def test_a_config_that_was_tried_nowhere_goes_back() -> None:
    api = cluster(down="n2")
    for pod in (one for one in api.pods() if one["spec"]["nodeName"] == "n2"):
        pod["metadata"]["deletionTimestamp"] = "now"
    failure = fails(api, "second", "DaemonSet", change=ROLLING)
    assert running(api) == {"n0": "first", "n1": "first"}
    assert "The earlier config of ns/a is back" in failure.fix


def test_a_pod_that_crashed_before_too_does_not_end_the_wait() -> None:
    api = cluster(crashes="n0", **TWO)
    failure = fails(api, "second", "DaemonSet", TWO, change=ROLLING)
    assert set(running(api).values()) == {"second"}
    assert "not ready after 60 s" in failure.wrong
    assert "exit code 1, restarts: 2" in failure.fix
    assert f"{KEPT} Not ready, as before the change: node n0." in failure.fix


@pytest.mark.parametrize(("config", "left"), [("second", "second"), ("broken", "first")])
def test_after_a_killed_run_the_state_before_it_counts(config: str, left: str) -> None:
    api = cluster(down="n2", **TWO)

    def end(_now: float) -> None:
        raise KilledError

    api.clock.on_sleep.append(end)
    with pytest.raises(KilledError):
        change(api, config, "DaemonSet", TWO, change=ROLLING)
    api.clock.on_sleep.remove(end)
    assert set(running(api).values()) == {config}
    fails(api, config, "DaemonSet", TWO, change=ROLLING)
    assert set(running(api).values()) == {left}
    assert RECORD not in api.objects


@pytest.mark.parametrize(("config", "left"), [("second", "second"), ("worse", "first")])
def test_a_canary_beside_a_node_that_is_down(config: str, left: str) -> None:
    api = cluster(down="n2", **TWO)
    failure = fails(api, config, "DaemonSet", TWO)
    assert set(running(api).values()) == {left}
    assert ("exports_fail" in failure.wrong, KEPT in failure.fix) == (config == "worse", config == "second")


def test_an_account_that_may_not_read_the_revisions_gets_the_earlier_config_back() -> None:
    api = cluster(down="n2", **TWO)
    api.refuse("/controllerrevisions")
    assert "The earlier config of ns/a is back" in fails(api, "second", "DaemonSet", TWO, change=ROLLING).fix
