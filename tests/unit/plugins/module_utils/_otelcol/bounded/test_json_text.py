# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON that a pod, a server or a file gives may be nested deeper than Python reads, and those who read it survive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live import journal_facts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import api_responses
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.bounded.json_text import parse_json
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live import operator_reasons
from ansible_collections.o11y.opentelemetry.plugins.module_utils._sample_app.live import trace_search
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry import (
    backend_records,
    evidence,
    log_entries,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live import backend_http

DEEP = '{"a": ' + "[" * 200_000


def test_text_that_is_too_deep_is_a_value_error_as_other_text_that_is_no_json() -> None:
    assert parse_json('{"a": [1]}') == {"a": [1]}
    assert parse_json(b"1") == 1
    for text in (DEEP, "{", ""):
        with pytest.raises(ValueError):
            parse_json(text)
    with pytest.raises(TypeError):
        parse_json(None)


@pytest.mark.parametrize(
    "read, found",
    [
        (lambda text: backend_http.read_answer(200, text.encode(), "there", ""), (None, "its answer is not JSON")),
        (lambda text: api_responses._parse_json_object(text.encode()), None),
        (backend_records._parse_json_or_message, {"message": DEEP}),
        (evidence._read_entry_lines, [DEEP]),
        (journal_facts._parse_entry, None),
        (log_entries._parse_json_object, {}),
        (operator_reasons._read_logged_error, ""),
        (lambda text: list(trace_search._iter_trace_ids(text)), []),
    ],
)
def test_text_of_others_that_is_too_deep_ends_no_run(read: Callable[[str], Any], found: Any) -> None:
    assert read(DEEP) == found


@pytest.mark.parametrize("levels", [40, 3000])
def test_attributes_of_text_that_python_reads_and_that_is_deep_end_no_run(levels: int) -> None:
    text = '{"a": ' * levels + "1" + "}" * levels
    answer = {"events": [{"message": text, "logStreamName": "agent"}]}
    found = next(backend_records.read_log_events(answer))
    assert found["logStreamName"] == "agent"
    assert (found.get("a") == "1") is (levels == 40)


def test_a_line_of_a_log_that_is_no_mapping_has_no_error() -> None:
    assert operator_reasons._read_logged_error('["error"]') == ""
