# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else wrote into events and conditions comes in one clean line."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.api_responses import (
    clean_sentences,
    retry_after_seconds,
)

FOREIGN, CLEAN = "all is well\x1b[2K\nok: [cluster]", "all is well\\u001b[2K ok: [cluster]"


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"involvedObject": {"name": FOREIGN}, "message": FOREIGN}, {"name": CLEAN}),
        ({"involvedObject": {"name": "a"}, "message": FOREIGN, "reason": FOREIGN, "note": FOREIGN}, {"name": "a"}),
    ],
)
def test_an_event_is_clean(item: dict[str, Any], found: dict[str, str]) -> None:
    cleaned = clean_sentences(item)
    assert cleaned["involvedObject"] == found
    assert [cleaned[key] for key in ("message", "reason", "note") if key in item] == [CLEAN] * (len(item) - 1)


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7), ("", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("\u00b2", 0), ("-1", 0)]
)
def test_a_pause_that_is_no_number_is_none(value: str, seconds: float) -> None:
    assert retry_after_seconds({"Retry-After": value}) == seconds
    assert retry_after_seconds({}) == 0


def test_a_status_is_clean_at_any_depth_and_the_rest_is_as_it_was() -> None:
    item = {"spec": {"message": FOREIGN}, "status": {"conditions": [{"type": "Ready", "message": FOREIGN}], "a": 1}}
    assert clean_sentences(item) == {
        "spec": {"message": FOREIGN},
        "status": {"conditions": [{"type": "Ready", "message": CLEAN}], "a": 1},
    }
    assert clean_sentences({"data": {"message": FOREIGN}}) == {"data": {"message": FOREIGN}}
