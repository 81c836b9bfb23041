# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares are of all signals, small proposals are counted, and a kind tells its largest alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.observation import (
    MOST_PROPOSALS_OF_KIND,
    SavingsWishes,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.proposals import ATTRIBUTES, DEBUG_LOGS

from tests.support.cases import cases

from .planted import found, logs, spans


def test_what_is_below_the_least_share_is_counted() -> None:
    request = logs({"body": "x", "severity": "debug"}, *[{"body": "y" * 50, "severity": "info"}] * 99)
    assert DEBUG_LOGS not in {
        proposal.kind for proposal in found(request, wishes=SavingsWishes(least_percent=5)).proposals
    }
    assert found(request, wishes=SavingsWishes(least_percent=5)).smaller_count >= 1
    assert DEBUG_LOGS in {proposal.kind for proposal in found(request).proposals}


def test_a_kind_tells_its_largest() -> None:
    attributes = {f"attribute.{number:02}": "x" * (number + 1) for number in range(MOST_PROPOSALS_OF_KIND + 5)}
    told = found(spans({"attributes": attributes}))
    subjects = [proposal.subject for proposal in told.proposals if proposal.kind == ATTRIBUTES]
    assert len(subjects) == MOST_PROPOSALS_OF_KIND
    assert subjects[0] == f"attribute.{MOST_PROPOSALS_OF_KIND + 4:02} of spans"
    assert told.smaller_count >= 5


def test_shares_are_of_the_signal() -> None:
    told = found(logs({"body": "a", "severity": "debug"}, {"body": "b", "severity": "info"}), spans({}))
    (proposal,) = [proposal for proposal in told.proposals if proposal.kind == DEBUG_LOGS]
    assert told.compute_shares(proposal)["logs"][0] == 0.5
    assert not found().captured_amounts


def test_names_to_keep_that_nothing_has_are_told() -> None:
    request = spans({"attributes": {"url.path": "/"}})
    assert found(request, wishes=SavingsWishes(frozenset({"url.path", "url.pth"}))).unseen_names == ("url.pth",)
    assert found(request).unseen_names == ()


@cases(
    "signal, request_of_line",
    ("traces", {"resourceSpans": [None]}),
    ("traces", {"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "soon"}]}]}]}),
    ("traces", {"resourceSpans": [{"resource": {"attributes": "x"}, "scopeSpans": []}]}),
    ("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": "text"}]}]}]}),
    ("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": 5}}]}]}]}),
    ("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "a", "gauge": "x"}]}]}]}),
)
def test_a_request_that_is_not_of_otlp_is_named(signal: str, request_of_line: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="request 2 of the capture is JSON, but not of OTLP"):
        found(spans({}), (signal, request_of_line))
