# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of an object, also of one that no controller has looked at, and of one that is no object."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.conditions import find_condition, is_ready

READY = {"type": "Ready", "status": "True", "reason": "Issued"}
FAILED = {"type": "Ready", "status": "False", "message": "no issuer"}
SCALES = {"type": "ScalingActive", "status": "True"}


def with_conditions(*conditions: Any) -> dict[str, Any]:
    return {"status": {"conditions": list(conditions)}}


def test_a_condition_is_found_by_its_type() -> None:
    assert find_condition(with_conditions(SCALES, FAILED), "Ready") == FAILED
    assert find_condition(with_conditions(SCALES, FAILED), "ScalingActive") == SCALES


@pytest.mark.parametrize("resource", [{}, {"status": None}, {"status": {"conditions": None}}, with_conditions("Ready")])
def test_an_object_without_conditions_has_none_and_is_not_ready(resource: dict[str, Any]) -> None:
    assert find_condition(resource, "Ready") == {}
    assert not is_ready(resource)


def test_an_object_is_ready_when_it_says_so() -> None:
    assert is_ready(with_conditions(SCALES, READY))
    assert not is_ready(with_conditions(FAILED))
    assert not is_ready(with_conditions(SCALES))
