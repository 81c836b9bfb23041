# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log records are proposed by level and by template; errors that repeat are not filtered."""

from __future__ import annotations

import re

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.record_masks import RecordMasks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.text_templates import make_template
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.ottl_texts import build_template_pattern
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.proposals import (
    DEBUG_LOGS,
    LOG_TEMPLATES,
    REPEATED_ERRORS,
)

from .planted import MASKED, OPEN, logs, not_told, proposals

ROUNDS = 20
BODIES = (
    "request {} received", "request {} failed", "request {} started", "connection {} closed", "connection {} opened",
    "cache {} expired", "message {} published", "message {} skipped", "job {} finished", "job {} scheduled",
    "file {} written", "token {} refused by peer",
)  # fmt: skip


def records(severity: str = "info") -> list[dict[str, object]]:
    return [{"body": body.format(turn), "severity": severity} for turn in range(ROUNDS) for body in BODIES]


@pytest.mark.parametrize("masked", [False, True])
def test_each_of_twelve_templates_has_its_share_masked_or_not(masked: bool) -> None:
    signal, request = logs(*records())
    if masked:
        request = RecordMasks(b"k" * 32).mask_request(request)
    told = proposals(LOG_TEMPLATES, (signal, request), readable=MASKED if masked else OPEN)
    assert {proposal.removed_amounts["logs"].item_count for proposal in told.values()} == {ROUNDS}
    # The ten with most bytes of twelve are told.
    assert len(told) == 10
    assert set(told) <= {body.format("<*>") for body in BODIES}


def test_a_pattern_matches_the_bodies_of_its_template_alone() -> None:
    for body in BODIES:
        pattern = build_template_pattern(make_template(body.format("a-7")))
        matched = [other for other in BODIES if re.search(pattern, other.format("b.8"))]
        assert matched == [body]


def test_a_template_without_words_has_no_filter_and_shows_no_content() -> None:
    told = proposals(LOG_TEMPLATES, logs(*[{"body": "alice 4111-1111", "severity": "info"}] * 12))
    (subject,) = told
    assert subject == "<*> <*>"
    assert told[subject].option is None


def test_errors_are_deduplicated_and_not_filtered() -> None:
    told = proposals(REPEATED_ERRORS, logs(*records("error")))
    assert {proposal.removed_amounts["logs"].item_count for proposal in told.values()} == {ROUNDS - 1}
    assert all(proposal.option and proposal.option.is_by_time for proposal in told.values())
    assert not proposals(LOG_TEMPLATES, logs(*records("error")))


def test_debug_logs_have_their_share_and_a_missing_severity_is_told() -> None:
    told = proposals(DEBUG_LOGS, logs(*records("debug"), *records(), {"body": "no severity"}))
    assert told["below INFO"].removed_amounts["logs"].item_count == ROUNDS * len(BODIES)
    assert "1 log records without a severity" in not_told(DEBUG_LOGS, logs({"body": "x"}))
