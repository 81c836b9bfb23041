# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module otlp_probe refuses before it sends."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.probe_task import (
    check_headers,
    check_signals,
    check_xray_options,
)

from tests.support.cases import cases

from .test_probe import ARRIVAL, SIGNALS


@pytest.mark.parametrize("value", ["to\nken", "to\rken", "token\0"])
def test_a_header_that_cannot_be_sent_is_named_without_its_value(value: str) -> None:
    with pytest.raises(Problem, match="header 'x-key' has a line end or another control character") as told:
        check_headers({"x-ok": "good", "x-key": value})
    assert "ken" not in str(told.value)
    check_headers({"x-key": "a b\tc"})


def test_a_probe_without_a_signal_is_refused() -> None:
    with pytest.raises(Problem, match=r"there is no signal to send .*signals.*Name some of traces, metrics, logs"):
        check_signals([])
    check_signals(["traces"])


@cases(
    "given, words",
    ({"via": {"namespace": "a"}}, "forwards no UDP. Set `endpoint`"),
    ({"signals": SIGNALS}, "are traces. Set `signals: \\[traces\\]`"),
    ({}, "nobody answers a segment. Set `arrival`"),
)
def test_what_xray_cannot_do_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem, match=words):
        check_xray_options({"via": None, "signals": ["traces"], "arrival": None, **given})
    check_xray_options({"via": None, "signals": ["traces"], "arrival": ARRIVAL})
    check_xray_options({"via": None, "signals": ["traces"], "arrival": None, "backends": [{"kind": "xray"}]})
