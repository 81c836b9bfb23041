# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest or a schema of the user is a distribution of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._build_request import BuildRequest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._builds import resolve_build

CONTRIB = "otel/opentelemetry-collector-contrib:0.150.0"
MANIFEST = """\
dist: {name: ours}
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.156.0
"""


def test_a_manifest_is_a_distribution(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text(MANIFEST)
    found = resolve_build(BuildRequest(manifest=str(tmp_path / "manifest.yaml")), CONTRIB)
    assert found
    assert (found.distribution, found.version) == ("ours", "0.156.0")
    assert found.catalogue.find_component("receivers", "otlp", "ours", "0.156.0")
    assert not found.catalogue.find_component("exporters", "debug", "ours", "0.156.0")


def test_a_manifest_whose_section_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text(f"{MANIFEST}receivers: []\n")
    with pytest.raises(Problem, match=r"manifest\.yaml:4:1 receivers: this key stands twice"):
        resolve_build(BuildRequest(manifest=str(tmp_path / "manifest.yaml")), CONTRIB)


@pytest.mark.parametrize("version", ["0.156", "0.156.0", "v0.156"])
def test_a_version_of_two_numbers_is_the_first_release_of_them(tmp_path: Path, version: str) -> None:
    (tmp_path / "manifest.yaml").write_text(MANIFEST.replace("ours", f"ours, otelcol_version: {version}"))
    found = resolve_build(BuildRequest(manifest=str(tmp_path / "manifest.yaml")), "")
    assert found and found.version == "0.156.0"


SCHEMA = '{"properties": {"receivers": {"patternProperties": {"^otlp(?:/.+)?$": {}, "^acme_scan(?:/.+)?$": {}}}}}'


@pytest.mark.parametrize("text", [SCHEMA, "properties: {receivers: {properties: {otlp: {}, acme_scan: {}}}}"])
def test_a_schema_is_a_distribution(tmp_path: Path, text: str) -> None:
    for name, content in {"schema.json": text, "manifest.yaml": MANIFEST}.items():
        (tmp_path / name).write_text(content)
    schema, manifest = str(tmp_path / "schema.json"), str(tmp_path / "manifest.yaml")
    for wanted, name, version in (
        (BuildRequest(version="0.158.0", schema=schema), "custom", "0.158.0"),
        (BuildRequest(manifest=manifest, schema=schema), "ours", "0.156.0"),
    ):
        found = resolve_build(wanted, CONTRIB)
        assert found
        assert (found.distribution, found.version) == (name, version)
        types = {
            kind
            for kind in ("otlp", "acme_scan", "zipkin")
            if found.catalogue.find_component("receivers", kind, name, version)
        }
        assert types == {"otlp", "acme_scan"}


@pytest.mark.parametrize("text", ["a: 1\n", "[" * 9999, "{}", "null", '{"properties": {"receivers": []}}'])
def test_a_schema_without_components_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "schema.json").write_text(text)
    with pytest.raises(Problem):
        resolve_build(BuildRequest(version="0.158.0", schema=str(tmp_path / "schema.json")), "")


def test_a_schema_does_not_say_the_version(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(SCHEMA)
    with pytest.raises(Problem, match=r"does not give the Collector's version\. Give `version`"):
        resolve_build(BuildRequest(schema=str(tmp_path / "schema.json")), "")


@pytest.mark.parametrize("text", ["a: 1\n", "[]", ""])
def test_a_manifest_without_components_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.yaml").write_text(text)
    with pytest.raises(Problem, match="is not a manifest of the Collector builder"):
        resolve_build(BuildRequest(manifest=str(tmp_path / "manifest.yaml")), "")
