# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of bodies: what programs say stays, of whom they say it goes."""

from __future__ import annotations

import re

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.body_templates import BodyTemplates
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.value_masks import ValueMasks


def template(text: str) -> str:
    return BodyTemplates(ValueMasks(b"k" * 32)).make_template(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Connection to db-7.example.com failed: timeout", "Connection to <*> failed: timeout"),
        ("user alice logged in after 12 ms", "user <*> <*> in after <*> ms"),
        ('{"level":"error","user":"bob@example.com"}', '{"level":"error","user":"<*>"}'),
        ("token=eyJhbGciOi; done", "token=<*>; done"),
        ("-- retrying --", "-- retrying --"),
        ("<script> of Zoë", "[<*>] of <*>"),
        ("", ""),
    ],
)
def test_common_words_stay_and_the_rest_becomes_placeholders(text: str, shown: str) -> None:
    assert re.sub("<[^<>]*>", "<*>", template(text)) == shown


def test_a_body_keeps_its_length_and_equal_parts() -> None:
    text = "order order-4711 of customer customer-1 sent to customer-1"
    masked = template(text)
    assert len(masked) == len(text)
    parts = re.findall("<[^<>]*>", masked)
    assert parts[-1] == parts[-2]
    assert len(set(parts)) == len(parts) - 1


def test_bodies_of_one_template_are_one() -> None:
    bodies = {re.sub("<[^<>]*>", "<*>", template(f"request {number} of user u{number} failed")) for number in range(50)}
    assert len(bodies) == 1
