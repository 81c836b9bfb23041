# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action reads of its options before the module checks them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.o11y.opentelemetry.plugins.action.collector_diagnose import ActionModule

from tests.support.actions import make_action


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (
            {"collectors": ["gateway"], "only": ["gateway"]},
            r"option 'collectors\[0\]' of .* must be a mapping, not text",
        ),
        ({"collectors": [], "applied": ["gateway"]}, r"option 'applied\[0\]' of .* must be a mapping, not text"),
        ({"collectors": [], "only": {"gateway": 1}}, r"option 'only' of .* must be a list, not a mapping"),
    ],
)
def test_a_value_of_a_wrong_shape_is_refused(arguments: dict[str, Any], fault: str) -> None:
    action = make_action(ActionModule, arguments)
    with pytest.raises(AnsibleActionFail, match=fault):
        action.run(task_vars={})
