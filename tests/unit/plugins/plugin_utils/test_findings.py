# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _findings, _render

from .helpers import OTLP, request

SECRET = {**OTLP, "exporters": {"debug": None, "otlp_http": {"endpoint": "https://me:hunter2@example.com"}}}
SECRET = {**SECRET, "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}}}
ACCEPTED = {"rule": "plaintext-secret", "path": "exporters.*", "reason": "a test account"}


def bundle(config: Any, **arguments: Any) -> dict[str, Any]:
    said = {"profile": "default", "severities": {}, "suppressions": [], **arguments}
    asked = request({"name": "a", "config": config})
    return _findings.render(asked, _findings.Judgement.from_arguments(said), lambda _warning: None)


def test_an_error_stops_rendering() -> None:
    with pytest.raises(Problem, match="plaintext-secret"):
        bundle(SECRET)


@pytest.mark.parametrize("said", [{"suppressions": [ACCEPTED]}, {"severities": {"plaintext-secret": "warning"}}])
def test_what_the_user_accepts_stops_nothing(said: dict[str, Any]) -> None:
    assert bundle(SECRET, **said)["workloads"]


def test_a_profile_can_be_stricter() -> None:
    config = {**SECRET, "exporters": {"otlp_http": {"endpoint": "http://otlp.example.com"}}}
    assert bundle(config)["workloads"]
    with pytest.raises(Problem, match="clear-text"):
        bundle(config, profile="production")


@pytest.mark.parametrize(
    "said",
    [
        {"severities": {"invalid-id": "off", "missing-field": "off", "unknown-component": "off"}},
        {"suppressions": [{"rule": "invalid-id", "reason": "no"}]},
    ],
)
def test_nothing_is_rendered_from_what_is_malformed(said: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="invalid-id"):
        bundle({**OTLP, "receivers": {**OTLP["receivers"], 1: {}}}, **said)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("clear-text", "'clear-text' is not a suppression"),
        ({"reason": "x"}, "is not a suppression"),
        ({"rule": "clear-text", "reason": "x", "paths": "*"}, "a suppression has no 'paths'"),
        ({"rule": "clear-txt", "reason": "x"}, "did you mean 'clear-text'"),
        ({"rule": "clear-text"}, "without a reason"),
    ],
)
def test_a_suppression_that_is_none_is_refused(item: Any, says: str) -> None:
    with pytest.raises(Problem, match=says):
        bundle(OTLP, suppressions=[item])


MANIFEST = """
dist: {name: mine, otelcol_version: 0.135.0}
receivers: [{gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.135.0}]
exporters: [{gomod: go.opentelemetry.io/collector/exporter/otlpexporter v0.135.0}]
"""


def planned(tmp_path: Path, **options: Any) -> Any:
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(MANIFEST)
    item = {"name": "a", "image": "registry.example/mine:1", "distribution_manifest": str(manifest), **options}
    return _render.plan(request(item))[0]


def test_a_build_of_the_users_own_is_known_by_its_manifest(tmp_path: Path) -> None:
    found = [str(finding) for finding in planned(tmp_path, config=OTLP).findings]
    assert any("mine 0.135.0 has no exporter 'debug'" in text for text in found)


def test_recipes_use_the_names_of_that_build(tmp_path: Path) -> None:
    recipes = ["otlp_ingest", {"otlp_forward": {"endpoint": "otlp.example.com:4317"}}]
    assert list(planned(tmp_path, recipes=recipes).composed.config["exporters"]) == ["otlp/gateway"]


def test_a_manifest_needs_the_image_that_was_built_with_it(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"no `image` that was built with it\. Give `image` too\."):
        planned(tmp_path, image="", config=OTLP)
