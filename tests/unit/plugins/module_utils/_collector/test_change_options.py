# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector import change_options
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import SPEC, cases, collector

CANARY = {"strategy": "canary"}


# What a run works with: `skip_checks` is part of `judge` there.
EFFECTIVE = {name: value for name, value in change_options.CHANGE_DEFAULTS.items() if name != "skip_checks"}


def checked(change: Any, **others: Any) -> dict[str, Any]:
    return change_options.check_change(collector(change=change, **others))


def test_an_empty_change_has_the_defaults_of_the_role() -> None:
    assert dict(change_options.CHANGE_DEFAULTS) == {
        name: option["default"] for name, option in SPEC["change"]["options"].items()
    }
    assert checked({}) == checked(dict.fromkeys(change_options.CHANGE_DEFAULTS)) == EFFECTIVE
    assert checked({"on_failure": "keep"})["on_failure"] == "keep"


def test_checks_to_leave_out_are_named_apart_from_the_users_own() -> None:
    own = {"id": "a", "find": "b", "text": "c"}
    change = checked({**CANARY, "judge": [own], "skip_checks": ["restarts"]})
    assert (change["judge"], "skip_checks" in change) == ([own, "restarts"], False)


@cases(
    "change, more",
    ({"share": "1"}, {"replicas": 1}),
    ({"share": "99%"}, {"replicas": 1}),
    ({"share": "4"}, {"replicas": 5}),
    ({"share": "4"}, {"replicas": 1, "autoscaling": {"min_replicas": 5, "max_replicas": 9}}),
    ({"share": "50"}, {"mode": "daemonset"}),
    ({"observe_seconds": 10}, {}),
    ({"observe_seconds": 3600}, {}),
    ({"judge": ["restarts"]}, {}),
    ({}, {"update_strategy": {"type": "Recreate"}}),
)
def test_what_a_canary_can_be(change: Any, more: Any) -> None:
    assert checked({**CANARY, **change}, **more) == {**EFFECTIVE, **CANARY, **change}


@cases(
    "change, more, says",
    ({"share": "0"}, {}, r"`change.share` is '0'. Use a number of pods such as 1, or a percentage from 1% to 99%"),
    ({"share": "-1"}, {}, "is '-1'"),
    ({"share": "1.5"}, {}, "is '1.5'"),
    ({"share": "True"}, {}, "is 'True'"),
    ({"share": ""}, {}, "is ''"),
    ({"share": "1\n"}, {}, "`change.share` is '1"),
    ({"share": "\u0661"}, {}, "`change.share` is"),
    ({"share": "0%"}, {}, "is '0%'"),
    ({"share": "100%"}, {}, "is '100%'"),
    ({"share": "200%"}, {}, "is '200%'"),
    ({"share": "2"}, {}, r"share` is 2, and the collector has 2 pods: none would stay as it is. Use a smaller share"),
    ({"share": "2"}, {"replicas": 1}, "has 1 pod:"),
    ({"share": "2"}, {"mode": "statefulset"}, "has 2 pods"),
    ({"share": "2"}, {"autoscaling": {"min_replicas": 2, "max_replicas": 9}}, "has at least 2 pods"),
    ({"observe_seconds": 9}, {}, "is 9. Use a number of seconds from 10 to 3600"),
    ({"observe_seconds": 3601}, {}, "is 3601"),
    ({}, {"update_strategy": {"type": "OnDelete"}}, "OnDelete leaves that to you. Remove one of the two"),
    (
        {},
        {"mode": "statefulset", "replicas": 3, "update_strategy": {"rollingUpdate": {"partition": 2}}},
        "and `update_strategy` has partition 2. Remove the partition, and set `change.share`",
    ),
    ({"strategy": "rolling", "share": "25%"}, {}, "share` has no effect without strategy canary. Add `strategy"),
    ({"strategy": "rolling", "observe_seconds": 30}, {}, "observe_seconds` has no effect"),
    ({"strategy": "rolling", "judge": ["restarts"]}, {}, "judge` has no effect"),
    ({"strategy": "rolling", "skip_checks": ["restarts"]}, {}, "skip_checks` has no effect"),
)
def test_what_it_cannot_be(change: Any, more: Any, says: str) -> None:
    with pytest.raises(Problem, match=rf"collector 'gateway': .*{says}"):
        checked({**CANARY, **change}, **more)


@cases(
    "share, whole, pods",
    ("1", 1, 1),
    ("1", 2, 1),
    ("1", 9, 1),
    ("5", 3, 2),
    ("25%", 1, 1),
    ("25%", 3, 1),
    ("25%", 10, 2),
    ("99%", 2, 1),
    ("99%", 200, 198),
)
def test_a_share_is_at_least_one_pod_and_leaves_one_as_it_is(share: str, whole: int, pods: int) -> None:
    assert change_options.count_pods_of_share(share, whole) == pods
