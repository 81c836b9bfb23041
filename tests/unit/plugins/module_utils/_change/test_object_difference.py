# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How two states of an object differ, and that no secret shows in it."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.object_difference import build_difference
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.masking import make_salted_replacer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.yaml.yaml_documents import load_data_or_none

from ..helpers import cases
from .manifests import obj

CONFIG = "exporters:\n  x:\n    api:\n      key: {}\n    endpoint: https://me:{}@host\n"


def difference(before: Any, after: Any, salt: str = "s") -> Any:
    return build_difference(before, after, make_salted_replacer(salt), lambda text: load_data_or_none(yaml, text))


@cases(
    "noise",
    {"status": {"ready": True}},
    {"metadata": {"resourceVersion": "7", "generation": 3, "uid": "u", "managedFields": [{"manager": "x"}]}},
    {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "3"}}},
)
def test_notes_of_the_server_are_no_change(noise: Any) -> None:
    plain = obj("ConfigMap", data={"a": "1"})
    noisy = {**plain, **noise, "metadata": {**plain["metadata"], **noise.get("metadata", {})}}
    assert difference(plain, noisy) is None


def test_a_difference_has_both_sides_and_a_name() -> None:
    one, two = obj("ConfigMap", data={"a": "1"}), obj("ConfigMap", data={"a": "2"})
    for before, after in ((one, two), (None, one), (one, None)):
        headers = {f"{side}_header": "ConfigMap ns/a" for side in ("before", "after")}
        assert difference(before, after) == {"before": before, "after": after, **headers}


def test_secrets_are_hidden_and_still_differ() -> None:
    one, two = (obj("Secret", data={"a": value, "b": "x"}) for value in ("one", "two"))
    change = difference(one, two)
    assert "one" not in str(change) and "two" not in str(change)
    before, after = change["before"]["data"], change["after"]["data"]
    assert (before["a"] == after["a"], before["b"] == after["b"]) == (False, True)
    assert difference(None, one, "1") != difference(None, one, "2")


@cases(
    "held",
    lambda secret: obj("ConfigMap", data={"config": CONFIG.format(secret, secret)}),
    lambda secret: obj("Deployment", spec={"env": [{"name": "DD_API_KEY", "value": secret}]}),
    lambda secret: obj("Deployment", spec={"env": [{"name": "OTLP_HEADERS", "value": f"api-key={secret}"}]}),
    lambda secret: obj("Deployment", spec={"args": [f"--token={secret}"]}),
    lambda secret: obj("Deployment", spec={"args": ["--api-key", secret, "--verbose"]}),
    lambda secret: obj("OpenTelemetryCollector", spec={"config": {"x": {"headers": {"x-sumo-key": secret}}}}),
    lambda secret: obj("ConfigMap", metadata={"annotations": {"vendor.example/api-key": secret}}),
)
def test_a_secret_in_clear_text_is_hidden_on_both_sides_and_still_differs(held: Any) -> None:
    change = difference(held("correct-horse"), held("battery-staple"))
    assert "correct-horse" not in str(change) and "battery-staple" not in str(change)
    assert change["before"] != change["after"]
    again = difference(held("correct-horse"), {**held("correct-horse"), "more": 1})
    assert {**again["before"], "more": 1} == again["after"]
