# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The setting that makes a component need something is the smallest one that does so alone."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.smallest_cause import (
    find_smallest_cause,
)

from ...helpers import cases


def says_secrets(settings: Any) -> bool:
    return "secrets" in str(settings)


@cases(
    "settings, cause",
    ({}, ()),
    ({"objects": [{"name": "pods"}, {"name": "secrets"}]}, ("objects", 1, "name")),
    ({"objects": [{"name": "secrets"}, {"name": "secrets"}]}, ("objects", 0, "name")),
    ({"a": {"secrets": None}}, ("a",)),
    ({"a": "secrets", "b": 1}, ("a",)),
    ({"a": "secrets", "b": "secrets"}, ()),
    ({"a": [["pods"], ["pods", "secrets"]], None: 1}, ("a", 1, 1)),
)
def test_the_cause_is_where_the_need_ends_with_another_value(settings: Any, cause: Any) -> None:
    assert find_smallest_cause(says_secrets, settings) == cause


def test_of_two_keys_that_are_needed_together_the_last_one_is_the_cause() -> None:
    rule = {"target_label": "__metrics_path__", "replacement": "/proxy/metrics"}

    def reads_path(settings: Any) -> bool:
        return any(item == rule for item in settings.get("rules", ()))

    assert find_smallest_cause(reads_path, {"rules": [{"target_label": "job"}, rule]}) == ("rules", 1, "replacement")


def test_a_need_without_a_cause_in_the_settings_is_that_of_the_whole() -> None:
    assert find_smallest_cause(lambda _settings: True, {"start_at": "end"}) == ()
