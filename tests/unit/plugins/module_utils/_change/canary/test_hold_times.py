# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long components of a config hold data."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.hold_times import (
    count_hold_seconds,
    default_hold_seconds,
)

from ...helpers import cases


@cases(
    "config, seconds",
    ({}, 0.0),
    ({"processors": {"batch": None}}, 0.2),
    ({"processors": {"batch": {"timeout": "2s"}, "tail_sampling": {}}}, 32.0),
    ({"processors": {"batch": {"timeout": "0s"}}, "connectors": {"service_graph": {"metrics_flush_interval": 0}}}, 0.0),
    ({"processors": {"batch": {"timeout": "0\u03bcs"}}}, 0.0),
    ({"processors": {"batch": {"timeout": "${env:TIMEOUT}"}, "cumulative_to_delta": {}}}, 120.2),
)
def test_components_hold_data_for_as_long_as_their_setting_says_or_their_default(config: Any, seconds: float) -> None:
    assert count_hold_seconds(config) == seconds


def test_a_component_holds_data_for_its_default_unless_it_is_told() -> None:
    assert default_hold_seconds("tail_sampling/keep") == 30.0
    assert default_hold_seconds("attributes") == 0.0
