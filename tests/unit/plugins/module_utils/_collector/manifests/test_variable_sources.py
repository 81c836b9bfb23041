# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of a variable in option `env`, and those that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.variable_sources import (
    render_variable_source,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases

KEY = {"name": "s", "key": "k"}
NODE_NAME = {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}


@cases(
    "given, source",
    ("text", "text"),
    ("", ""),
    (None, ""),
    (5, "5"),
    (True, "true"),
    ({"secret": "s", "key": "k"}, {"secretKeyRef": KEY}),
    ({"secret": "s", "key": "k", "optional": True}, {"secretKeyRef": {**KEY, "optional": True}}),
    ({"secret": "s", "key": "k", "optional": False}, {"secretKeyRef": {**KEY, "optional": False}}),
    ({"config_map": "s", "key": "k"}, {"configMapKeyRef": KEY}),
    ({"field": "spec.nodeName"}, NODE_NAME),
)
def test_a_variable_has_a_source(given: Any, source: Any) -> None:
    rendered = render_variable_source("MINE", given)
    assert rendered == ({"valueFrom": source} if isinstance(source, dict) else {"value": source})


UNKNOWN_SOURCES: list[Any] = [
    *({}, {"secret": "s"}, {"key": "k"}, {"vault": "v", "key": "k"}),
    # Two sources, and words that nobody reads.
    {"secret": "s", "config_map": "c", "key": "k"},
    {"secret": "s", "key": "k", "field": "status.podIP"},
    {"secret": "s", "key": "k", "optinal": True},
    # No names.
    *({"secret": None, "key": "k"}, {"secret": "", "key": "k"}, {"secret": ["s"], "key": "k"}, {"field": ""}),
]


@pytest.mark.parametrize("given", UNKNOWN_SOURCES, ids=str)
def test_another_source_is_refused_with_those_there_are(given: Any) -> None:
    with pytest.raises(Problem, match=r"environment variable MINE has a source that is not understood") as refused:
        render_variable_source("MINE", given)
    assert "{secret: NAME, key: KEY}" in refused.value.fix
