# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of tail_sampling that no float holds. The cases of the rule itself are in data_cases.py."""

from __future__ import annotations

from math import inf
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Deployment, Subject
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.tail_sampling_memory import (
    traces_above_memory,
)

from tests.support.cases import cases

from ...helpers import running

HUGE = 10**400
IN_512_MIB = Deployment("deployment", memory_limit_mib=512)


@cases(
    "settings, needed",
    ({"expected_new_traces_per_sec": HUGE}, 976),
    ({"expected_new_traces_per_sec": 1, "decision_wait": "9" * 400 + "s"}, 976),
    ({"expected_new_traces_per_sec": 1, "decision_wait": inf}, 976),
    ({"expected_new_traces_per_sec": 1, "decision_wait": HUGE}, 976),
    ({"decision_wait": "9" * 400 + "s", "num_traces": 3_000_000}, 732),
)
def test_numbers_beyond_all_floats_fill_the_memory(settings: dict[str, Any], needed: int) -> None:
    sampler = {"num_traces": 1_000_000, **settings}
    subject = Subject(running(processors={"tail_sampling": sampler}), deployment=IN_512_MIB)
    (fault,) = traces_above_memory(subject)
    assert f"take at least {needed} MiB" in fault.message
