# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile configs in a cluster's ConfigMap: reported for their collector, without a traceback or a long wait."""

from __future__ import annotations

import json
import time

import pytest

from .. import fake_api
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
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_a_config_that_a_tenant_broke_stops_no_diagnosis(text: str) -> None:
    made = api()
    made.add({**objects()[-1], "data": {"c": text}})
    start = time.process_time()
    (found,) = facts(made)
    assert time.process_time() - start < 1
    assert found["running"]
    assert json.dumps(found)
    assert found["config"] or "config" in [note["what"] for note in found["unseen"]]
