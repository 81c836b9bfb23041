# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user writes wrong is told before the host is asked."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.o11y.opentelemetry.plugins.action.host_diagnose import ActionModule, check_visit_options
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support.actions import make_action


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("fail_on", "info", "value of fail_on must be one of: error, warning, never, got: info"),
        ("window_seconds", math.inf, "option 'window_seconds' of module host_diagnose is inf. Use a number."),
        ("window_seconds", "ten", "option 'window_seconds' of module host_diagnose must be a number, not 'ten'"),
        ("log_seconds", -1, "option 'log_seconds' of module host_diagnose is -1. Use 0 or a larger number."),
    ],
)
def test_an_option_that_is_none_is_refused(option: str, value: Any, said: str) -> None:
    with pytest.raises(Problem) as refusal:
        check_visit_options({option: value})
    assert said in str(refusal.value)


def test_templates_may_make_texts_of_numbers() -> None:
    check_visit_options({"fail_on": "error", "window_seconds": "2.5", "log_seconds": "60", "bundles": "not checked"})
    check_visit_options({})


WEB = {"name": "web", "config": "{}"}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"collectors": ["web"], "bundles": []}, r"option 'collectors\[0\]' of .* must be a mapping, not text"),
        ({"collectors": [WEB], "bundles": ["web"]}, r"option 'bundles\[0\]' of .* must be a mapping, not text"),
        ({"collectors": [WEB], "bundles": [], "only": {"a": 1}}, r"option 'only' of .* must be a list, not a mapping"),
        ({"collectors": [{"name": "web"}], "bundles": []}, r"`collectors\[0\]` has no `config`"),
        ({"collectors": [WEB], "bundles": []}, r"there is no collector 'web'"),
    ],
)
def test_a_value_of_a_wrong_shape_is_refused(arguments: dict[str, Any], fault: str) -> None:
    action = make_action(ActionModule, {"only": ["web"], **arguments})
    with pytest.raises(AnsibleActionFail, match=fault):
        action.run(task_vars={})
