# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks, internal spans without children and errors, plain traces, and errors that repeat are told apart."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings import proposals as kinds
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.captured_records import ReadableValues
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.observation import SavingsWishes

from .planted import MASKED, found, not_told, proposals, spans

TRACES = 40


def trace(number: int, **root: Any) -> list[dict[str, Any]]:
    """Return a request with a query that has a child, and a cache lookup without one."""
    about = {"trace": f"t{number}"}
    return [
        {**about, "name": "GET /", "kind": "server", "id": f"root{number}", **root},
        {**about, "name": "query", "id": f"query{number}", "parent": f"root{number}"},
        {**about, "name": "row", "id": f"row{number}", "parent": f"query{number}"},
        {**about, "name": "cache", "id": f"cache{number}", "parent": f"root{number}"},
    ]


def traces(**root: Any) -> Any:
    return spans(*[span for number in range(TRACES) for span in trace(number, **root)])


def test_health_checks_are_found_by_either_name_of_the_path() -> None:
    new, old = {"url.path": "/healthz"}, {"http.target": "/ready"}
    request = spans({"attributes": new}, {"attributes": old}, {"attributes": {"url.path": "/orders"}})
    (proposal,) = proposals(kinds.HEALTH_CHECKS, request).values()
    assert proposal.removed_amounts["traces"].item_count == 2
    assert proposal.option is not None
    assert proposal.option.options["probe_paths"] == ["/healthz", "/ready"]


def test_a_masked_path_is_told_and_a_kept_one_is_read() -> None:
    request = spans({"attributes": {"url.path": "/healthz"}})
    assert not proposals(kinds.HEALTH_CHECKS, request, readable=MASKED)
    assert "capture_keep: [url.path, http.target]" in not_told(kinds.HEALTH_CHECKS, request, readable=MASKED)
    readable = ReadableValues(True, frozenset({"url.path", "http.target"}))
    assert proposals(kinds.HEALTH_CHECKS, request, readable=readable)
    assert not not_told(kinds.HEALTH_CHECKS, request, readable=readable)


def test_names_of_spans_without_children_and_errors_are_told() -> None:
    told = proposals(kinds.LEAF_SPANS, traces())
    assert {name: proposal.removed_amounts["traces"].item_count for name, proposal in told.items()} == {
        "row": TRACES,
        "cache": TRACES,
    }
    failed = {"trace": "t0", "name": "row", "parent": "query0", "status": "error", "id": "failed"}
    assert set(proposals(kinds.LEAF_SPANS, traces(), spans(failed))) == {"cache"}
    assert "other pods" in not_told(kinds.LEAF_SPANS, traces(), readable=ReadableValues(other_pod_count=2))


def test_nine_in_ten_of_plain_traces_go() -> None:
    (proposal,) = proposals(kinds.PLAIN_TRACES, traces()).values()
    assert proposal.removed_amounts["traces"].item_count == TRACES * 4 * 9 // 10
    assert not proposals(kinds.PLAIN_TRACES, traces(duration="3s"))
    assert not proposals(kinds.PLAIN_TRACES, traces(status="error"))
    assert "30 are needed" in not_told(kinds.PLAIN_TRACES, spans(*trace(1)))
    sampled = found(traces(), wishes=SavingsWishes(is_sampled=True))
    assert [gap.reason for gap in sampled.capture_gaps if gap.kind == kinds.PLAIN_TRACES] == [
        "the config samples traces already"
    ]


def test_errors_that_repeat_have_no_option() -> None:
    told = proposals(kinds.REPEATED_ERRORS, traces(status="error"))
    assert told["GET /"].removed_amounts["traces"].item_count == TRACES
    assert told["GET /"].option is None
