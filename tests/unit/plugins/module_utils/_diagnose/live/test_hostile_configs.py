# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile configs in a cluster's ConfigMap: reported for their collector, without a traceback or a long wait."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.diagnosed_collector import (
    DiagnosedCollector,
)

from tests.support.growth import is_long

from ... import fake_api
from .diagnose_api import api, facts, objects


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, "discovery.k8s.io/v1", ("endpointslices",))
    monkeypatch.setitem(fake_api.SERVED, "opentelemetry.io/v1beta1", ("opentelemetrycollectors",))


HOSTILE = {
    "aliases": "\n".join(
        ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40))]
    ),
    "a cycle": "receivers: &x [*x]\nservice: {}",
    "no date": "receivers: {otlp: {a: 2001-99-99}}\nservice: {}",
    "depth": "[" * 10_000,
    "a long number": f"receivers: {{otlp: {{a: {'9' * 5_000}}}}}\nservice: {{}}",
    "two documents": "receivers: {}\n---\nservice: {}\n",
    "a tag": "receivers: !!python/object/apply:os.system ['true']\nservice: {}",
    "a control character": "receivers: \x00",
    "exporters without names": "exporters: {debug: {}}\nservice: {pipelines: {traces: {exporters: [{a: 1}, [b]]}}}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_a_config_that_a_tenant_broke_stops_no_diagnosis(text: str) -> None:
    made = api()
    made.add({**objects()[-1], "data": {"c": text}})
    start = time.thread_time()
    (found,) = facts(made)
    assert not is_long(time.thread_time() - start)
    assert found["running"]
    assert json.dumps(found)
    assert found["config"] or "config" in [note["what"] for note in found["unseen"]]


def test_a_collector_on_which_the_diagnosis_fails_stops_that_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DiagnosedCollector._collect_log_facts

    def failing(self: DiagnosedCollector, *arguments: object) -> object:
        if self.target.workload and self.target.name == "w":
            raise TypeError("hunter2secret")
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(DiagnosedCollector, "_collect_log_facts", failing)
    other = objects()[0]
    made = api({**other, "metadata": {**other["metadata"], "name": "other", "uid": "other"}})
    second, first = facts(made, selector="app=a")
    assert (first["name"], second["name"], second["workload"]["kind"]) == ("w", "other", "Deployment")
    assert [note["what"] for note in first["unseen"]] == ["collector"]
    assert "TypeError" in first["unseen"][0]["why"]
    assert "hunter2secret" not in repr(first["unseen"])


ALLOCATED = """
receivers: {prometheus: {target_allocator: {endpoint: "http://a-targetallocator"}}}
service: {pipelines: {metrics: {receivers: [prometheus]}}}
"""


@pytest.mark.parametrize("answer", ["", "[]", "{", "[" * 200_000, '{"a": 1}', '{"a": {"_link": "/../../x"}}', "null"])
def test_a_target_allocator_may_answer_anything(answer: str) -> None:
    made = api()
    made.add({**objects()[-1], "data": {"c": ALLOCATED}})
    root = "/api/v1/namespaces/ns/services/a-targetallocator:80/proxy"
    made.texts |= {f"{root}/{path}": answer for path in ("jobs", "scrape_configs")}
    (found,) = facts(made)
    assert found["workload"]
    assert "target allocator" in [note["what"] for note in found["unseen"]]
