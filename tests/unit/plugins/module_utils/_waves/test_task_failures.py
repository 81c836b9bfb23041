# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a host failed, in words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.task_failures import describe_failure


def test_items_without_a_message_give_no_reason() -> None:
    items = [{"failed": True}, {"failed": True, "msg": "too late"}, {"failed": True}]
    assert describe_failure({"task": "Deploy", "result": {"results": items}}) == "Deploy: too late"
    assert describe_failure({"result": {"results": items[:1] * 2}}) == "see its message above"
    for odd in ("odd", {"results": 5}, {"results": "odd"}, {"results": [5, None]}):
        assert describe_failure({"result": odd}) == "see its message above"
    assert describe_failure({"result": {"results": 5, "msg": "wrong"}}) == "wrong"


LOOPED = {
    "msg": "One or more items failed",
    "results": [{"failed": True, "msg": "no space"}, {"msg": "ok"}, {"failed": True, "msg": "no unit"}],
}


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ({"task": "Deploy", "result": {"msg": "wrong"}}, "Deploy: wrong"),
        ({"task": "Deploy", "result": LOOPED}, "Deploy: no space; no unit"),
        ({"task": "", "result": {}}, "see its message above"),
        ({"task": "Deploy", "result": {"msg": "a\nb"}}, "Deploy: a b"),
        ({"task": "Deploy", "result": {"msg": "x" * 5000}}, "Deploy: " + "x" * 400),
    ],
)
def test_the_reason_is_the_task_and_its_message(failure: dict[str, Any], said: str) -> None:
    assert describe_failure(failure).startswith(said)
    assert len(describe_failure(failure)) < 700
