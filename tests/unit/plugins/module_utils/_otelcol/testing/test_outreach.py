# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import outreach

from tests.support.cases import cases


@cases(
    "text, is_outside",
    ("${file:/a}", True),
    ("$${file:/a}", False),
    ("$$${file:/a}", True),
    ("$$$${file:/a}", False),
    ("$$$$${https:b/c}", True),
    ("${yaml:${file:/a}}", True),
    ("${env:A:-${file:/a}}", True),
    ("${${env:S}:/a}", True),
    ("${env:A}", False),
    ("${A:-b:c}", False),
    ("${env:A:-file:/a}", False),
    ("${googlesecretmanager:a}", True),
    ("a ${env:B} ${http://h/x?${file:/a}}", True),
)
def test_what_is_in_another_place(text: str, is_outside: bool) -> None:
    assert outreach.has_outside_value(text) is is_outside
    if is_outside:
        for config, given in (({"processors": {"a": {"value": text}}}, {}), ({"a": 1}, {"X": text})):
            with pytest.raises(Problem, match=r"(in|from) another place"):
                outreach.check_outreach(config, given)


@cases(
    "config, environment, where",
    ({}, {"X": "${env:Y}"}, "environment.X"),
    ({}, {"X": "{include: [/etc/passwd]}"}, "environment.X"),
    ({}, {"X": "../../etc"}, "environment.X"),
    ({}, {"X": "$"}, "environment.X"),
    ({}, {"LD_PRELOAD": "/a.so"}, "environment.LD_PRELOAD"),
    ({"receivers": {"file_log": {"include": ["/${env:P}"]}}}, {}, "receivers.file_log.include[0]"),
    ({"receivers": {"file_log": "${env:P}"}}, {}, "receivers.file_log"),
    ({"processors": "${env:P}"}, {}, "processors"),
    ({"processors": {"lookup": {}}}, {}, "processors.lookup"),
    ({"processors": {"dns_lookup/a": {}}}, {}, "processors.dns_lookup/a"),
    ({"processors": {"acme": {}}}, {}, "processors.acme"),
    ({"connectors": {"datadog": {}}}, {}, "connectors.datadog"),
)
def test_what_may_reach_out_is_refused_without_isolation(config: Any, environment: Any, where: str) -> None:
    with pytest.raises(Problem, match="the system allows no namespaces") as problem:
        outreach.check_without_isolation(config, environment, lambda _section, item: item != "acme")
    assert problem.value.where == where


def test_what_stays_in_the_test_runs_without_isolation() -> None:
    config = {
        "receivers": {"file_log": {"include": ["/a"]}, "otlp": {"protocols": {"grpc": {"endpoint": "${env:IP}:4317"}}}},
        "processors": {"batch": {}, "attributes": {"actions": [{"key": "a", "value": "${env:A}", "action": "insert"}]}},
    }
    outreach.check_without_isolation(config, {"A": "b c", "IP": "127.0.0.1"}, lambda _section, _item: True)
