# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_instrumentation/samplers.py: samplers and propagators as the operator takes them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation import (
    samplers,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import cases


@cases(
    "kind, argument",
    ("always_on", None),
    ("traceidratio", "0"),
    ("parentbased_traceidratio", "1"),
    ("parentbased_traceidratio", 0.25),
    ("jaeger_remote", "endpoint=http://jaeger:14250,pollingIntervalMs=5000,initialSamplingRate=0.25"),
    ("jaeger_remote", None),
    ("xray", "endpoint=http://agent:2000"),
)
def test_what_the_operator_takes(kind: str, argument: Any) -> None:
    expected = {"type": kind} | ({"argument": str(argument)} if argument is not None else {})
    assert samplers.build_sampler({"type": kind, "argument": argument}) == expected


@cases(
    "kind, argument, says",
    ("parentbased_traceidrato", "1", "did you mean 'parentbased_traceidratio'"),
    ("parentbased_jaeger_remote", None, "there is no sampler"),  # the webhook knows it, the CRD does not
    ("always_on", "1", "takes no argument, but has '1'"),
    ("traceidratio", None, "takes every trace"),
    ("traceidratio", "1.1", "argument '1.1'. Give a number from 0 to 1"),
    ("traceidratio", "-0.1", "Give a number"),
    ("traceidratio", "nan", "Give a number"),
    ("traceidratio", "much", "Give a number"),
    ("jaeger_remote", "http://jaeger:14250", "Write `key=value`"),
    ("jaeger_remote", "endpoint=", "Write `key=value`"),
    ("jaeger_remote", "polingIntervalMs=1", "did you mean 'pollingIntervalMs'"),
    ("jaeger_remote", "pollingIntervalMs=1s", "a whole number of milliseconds"),
    ("jaeger_remote", "initialSamplingRate=2", "a number from 0 to 1"),
    ("xray", "agent:2000", "Write `key=value`"),
)
def test_what_it_refuses_is_told_before(kind: str, argument: str | None, says: str) -> None:
    with pytest.raises(Problem, match=says):
        samplers.build_sampler({"type": kind, "argument": argument})


def test_propagators_come_once_in_their_order_and_wrong_ones_are_told() -> None:
    assert samplers.check_propagators(["b3", "tracecontext", "b3"]) == ["b3", "tracecontext"]
    assert (samplers.check_propagators(["none"]), samplers.check_propagators([])) == (["none"], [])
    with pytest.raises(Problem, match="did you mean 'tracecontext'"):
        samplers.check_propagators(["tracecontxt"])
    with pytest.raises(Problem, match="'none' stands beside others"):
        samplers.check_propagators(["none", "b3"])
