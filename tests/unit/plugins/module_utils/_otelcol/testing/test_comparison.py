# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.comparison import (
    list_exporter_differences,
    map_new_ids,
    readdress_case,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.generated_case import generate_case

from tests.support.cases import cases


def log(body: str, **more: Any) -> dict[str, Any]:
    return {"body": body, "attributes": {}, "resource": {}, **more}


@cases(
    "before, after, lines",
    ([log("a"), log("b")], [log("b"), log("a")], []),
    ([log("a"), log("a")], [log("a")], ["new: logs: - {body: a}"]),
    ([log("a")], [log("a"), log("a")], ["new: logs: + {body: a}"]),
    (
        [log("a", attributes={"x": 1, "y": 1}), log("b")],
        [log("b"), log("c"), log("a", attributes={"x": 2, "y": 1})],
        [
            "new: logs: ~ {body: a, attributes: {'x': 1, 'y': 1}}: attributes.x: 1 → 2",
            "new: logs: + {body: c}",
        ],
    ),
    ([log("a")], [{**log("a"), "trace": "1"}], ["new: logs: - {body: a}", "new: logs: + {body: a}"]),
)
def test_what_is_lost_added_and_changed_is_told_in_any_order(before: Any, after: Any, lines: list[str]) -> None:
    old, new = {"old": {"logs": before}}, {"new": {"logs": after}}
    assert list(list_exporter_differences(old, new, {"old": "new"})) == lines


@cases(
    "old, new, names",
    (["a", "b"], ["b", "a"], {"a": "a", "b": "b"}),
    (["logging", "b"], ["b", "debug"], {"b": "b", "logging": "debug"}),
    (["a"], ["b", "c"], {"a": "a", "b": "b", "c": "c"}),
    (["a", "b"], ["a"], {"a": "a", "b": "b"}),
)
def test_an_exporter_with_another_name_is_the_one_at_its_place(old: Any, new: Any, names: dict[str, str]) -> None:
    assert map_new_ids(old, new) == names


@cases(
    "old, new, to",
    ("hostmetrics", "host_metrics", "host_metrics"),
    ("kubeletstats", "kubelet_stats", "kubelet_stats"),
    ("fluentforward", "fluent_forward", "fluent_forward"),
    ("otlp", "otlp", "otlp"),
)
def test_a_receiver_with_another_name_gets_what_the_old_one_gets(old: str, new: str, to: str) -> None:
    forms = [
        {"receivers": {name: {}}, "service": {"pipelines": {"logs": {"receivers": [name]}}}} for name in (old, new)
    ]
    assert [part["to"] for part in readdress_case(generate_case(forms[0]), *forms).given] == [to]
