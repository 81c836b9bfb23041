# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_savings/span_rows.py: spans that make a trace."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.span_rows import SpanRow, Trace


def test_a_span_without_a_start_makes_no_trace_slow() -> None:
    second = 1_000_000_000
    whole = SpanRow(1, 1, 0, "cart", "GET /", "server", False, 1000 * second, 1001 * second, 10)
    one_trace = Trace()
    for span in (whole, whole._replace(start_nanoseconds=0)):
        one_trace.add_span(span)
    assert (one_trace.start_nanoseconds, one_trace.end_nanoseconds) == (whole.start_nanoseconds, whole.end_nanoseconds)
    assert one_trace.is_plain
    without_start = Trace()
    without_start.add_span(whole._replace(start_nanoseconds=0))
    assert without_start.is_plain
