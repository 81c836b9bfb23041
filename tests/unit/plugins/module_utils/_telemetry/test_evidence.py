# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the arrival of a probe in logs and metrics."""

from __future__ import annotations

import json

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.evidence import find_probe_lines

SPANS = """2026-01-01T00:00:00Z\tinfo\tResourceSpans #0
Resource SchemaURL:
Resource attributes:
     -> o11y.probe.id: Str(other)
ResourceSpans #1
Resource attributes:
     -> o11y.probe.id: Str(mine)
Span #0
\t{"otelcol.component.id": "debug"}"""
AS_JSON = json.dumps({"level": "info", "msg": SPANS.rpartition("\n")[0], "otelcol.component.id": "debug"})


@pytest.mark.parametrize("text", [SPANS, AS_JSON])
def test_the_record_of_the_probe_is_cut_out(text: str) -> None:
    lines = find_probe_lines(f"start\n{text}", "traces", "mine")
    assert lines[0] == "ResourceSpans #1" and lines[-1].startswith("Span #0")
    assert "Str(mine)" in lines[2] and "other" not in "".join(lines)
    for signal, probe in (("traces", "absent"), ("metrics", "mine"), ("logs", "mine")):
        assert find_probe_lines(text, signal, probe) == []
    assert len(find_probe_lines("ResourceSpans #0\nmine" + "\nline" * 99, "traces", "mine")) == 25
