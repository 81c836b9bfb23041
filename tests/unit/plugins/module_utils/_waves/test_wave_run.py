# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waves of a run: limits, hosts that failed before, and how the plan reads."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.plan_summary import describe_plan
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_gates import Gate
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_plan import RolloutWave
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_run import (
    arrange_batches,
    find_tolerant_end,
    select_run_waves,
)

WAVES = (
    RolloutWave("first", ("dev", "test"), Gate()),
    RolloutWave("second", ("eu",), Gate(2)),
    RolloutWave("last", ("us", "web"), Gate(1)),
)
ALL = ("dev", "test", "eu", "us", "web")


def test_each_wave_is_one_batch() -> None:
    found = arrange_batches(select_run_waves(WAVES, ALL, ()))
    assert (found["hosts"], found["sizes"]) == (list(ALL), [2, 1, 2])
    assert found["wave_of"] == {"dev": "first", "test": "first", "eu": "second", "us": "last", "web": "last"}


def test_a_limit_leaves_hosts_out_and_moves_none() -> None:
    found = select_run_waves(WAVES, ("test", "web"), ())
    assert arrange_batches(found) == {
        "hosts": ["test", "web"],
        "sizes": [1, 1],
        "wave_of": {"test": "first", "web": "last"},
    }
    assert list(describe_plan(found, 3)) == [
        "Wave first (1 of 3): 1 host: test. No host may fail.",
        "  --limit leaves out dev.",
        "Wave second (2 of 3): no host.",
        "  --limit leaves out eu.",
        "Wave last (3 of 3): 1 host: web. 1 host may fail.",
        "  --limit leaves out us.",
    ]


def test_hosts_that_failed_before_are_in_no_batch() -> None:
    found = select_run_waves(WAVES[:2], ALL, ("dev", "eu"))
    assert arrange_batches(found)["hosts"] == ["test"]
    assert [one.failed_hosts for one in found] == [("dev",), ("eu",)]
    assert list(describe_plan(found, 3)) == [
        "Wave first (1 of 3): 1 host: test. No host may fail.",
        "  dev failed before the first wave: not changed, and counted as failed.",
        "Wave second (2 of 3): no host.",
        "  eu failed before the first wave: not changed, and counted as failed.",
        "The run ends after wave second.",
    ]


def test_a_wave_that_has_lost_all_hosts_cannot_pass() -> None:
    with pytest.raises(Problem, match="all hosts of wave 'last' failed before the first wave: us, web"):
        select_run_waves(WAVES, ALL, ("us", "web"))


@pytest.mark.parametrize(
    ("waves", "hosts", "end"), [(WAVES, ALL, "last"), (WAVES, ("dev", "eu"), "second"), (WAVES[:1], ALL, "")]
)
def test_a_run_in_which_hosts_may_fail_tells_them_after_its_last_wave(
    waves: tuple[RolloutWave, ...], hosts: tuple[str, ...], end: str
) -> None:
    assert find_tolerant_end(select_run_waves(waves, hosts, ())) == end
