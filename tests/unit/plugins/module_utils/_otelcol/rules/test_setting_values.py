# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules on values say of numbers that no float holds. The cases of the rules are in values_cases.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.setting_values import (
    find_setting_faults,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from tests.support.cases import cases

from ...helpers import CATALOGUE, Json, running

CONTRIB = TargetBuild(CATALOGUE, "contrib", "0.158.0")
HUGE = 10**400


def keeping(**queue: Any) -> Json:
    return running(exporters={"otlp_grpc": {"endpoint": "x:1", "sending_queue": queue}})


def ranges(config: Json) -> list[str]:
    """Return the messages about numbers that are out of range, without their digits."""
    found = find_setting_faults(Subject(config, target=CONTRIB), "out-of-range")
    return [fault.message.replace("0" * 100, "") for fault in found]


@cases(
    "batch, said",
    ({"flush_timeout": HUGE}, []),
    ({"flush_timeout": -HUGE}, ["'flush_timeout' must be more than zero, and it is -1"]),
    ({"min_size": HUGE}, ["'batch.min_size' is 1, more than 'queue_size', which is 2"]),
)
def test_a_number_beyond_all_floats_is_compared(batch: Json, said: list[str]) -> None:
    assert ranges(keeping(sizer="items", queue_size=2, batch={"min_size": 1, **batch})) == said


def test_a_time_beyond_all_floats_is_compared_with_another() -> None:
    retry = {"initial_interval": HUGE, "max_elapsed_time": "2s"}
    config = running(exporters={"otlp_grpc": {"endpoint": "x:1", "retry_on_failure": retry}})
    assert "'initial_interval' is 1, more than 'max_elapsed_time', which is 2s" in ranges(config)
