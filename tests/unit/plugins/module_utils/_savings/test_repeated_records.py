# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record came twice if its id or its time, and all else, are the same."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.proposals import DUPLICATE_RECORDS

from .planted import logs, not_told, points, proposals, spans


def test_records_that_came_twice_are_told_by_signal() -> None:
    span, log = {"trace": "t", "id": "s"}, {"body": "again", "severity": "info"}
    told = proposals(
        DUPLICATE_RECORDS, spans(span, span, {"trace": "t", "id": "other"}), logs(log, log, log), points({}, {})
    )
    items = {subject: proposal.removed_amounts[subject].item_count for subject, proposal in told.items()}
    assert items == {"traces": 1, "logs": 2, "metrics": 1}
    assert all(proposal.option is None for proposal in told.values())


def test_another_value_or_time_is_another_record() -> None:
    assert not proposals(DUPLICATE_RECORDS, points({"value": 1}, {"value": 2}), points({"value": 1}, minute=1))
    assert not proposals(DUPLICATE_RECORDS, logs({"body": "one"}, {"body": "two"}))


def test_records_without_a_time_are_told() -> None:
    request = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}]}]}]}
    assert "1 records without an id or a time" in not_told(DUPLICATE_RECORDS, ("logs", request))
