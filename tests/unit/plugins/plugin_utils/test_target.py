# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _target
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._target import BuildRequest, resolve

CONTRIB = "otel/opentelemetry-collector-contrib:0.150.0"
ADOT = "public.ecr.aws/aws-observability/aws-otel-collector:v0.49.0"
MANIFEST = """\
dist: {name: ours}
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.156.0
"""


@pytest.mark.parametrize(
    ("wanted", "image", "build"),
    [
        (BuildRequest(), "", None),
        (BuildRequest(), "nginx:1.2.3", None),
        (BuildRequest(), CONTRIB, ("contrib", "0.150.0")),
        (BuildRequest(), "otel/opentelemetry-collector-contrib:latest", None),
        (BuildRequest(), "mirror.local/x/opentelemetry-collector-k8s:0.158.0-amd64@sha256:0", ("k8s", "0.158.0")),
        (BuildRequest(), ADOT, ("adot", "0.156.0")),
        (BuildRequest(version="0.140.0"), "", ("contrib", "0.140.0")),
        (BuildRequest(version="0.140.0"), CONTRIB, ("contrib", "0.140.0")),
        (BuildRequest("k8s"), CONTRIB, ("k8s", "0.158.0")),
        (BuildRequest("adot", "v0.47.0"), "", ("adot", "0.143.0")),
        (BuildRequest("redhat"), "", ("redhat", "0.135.0")),
    ],
)
def test_a_build_is_said_or_recognised(wanted: BuildRequest, image: str, build: tuple[str, str] | None) -> None:
    found = resolve(wanted, image)
    assert (found and (found.distribution, found.version)) == build


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (BuildRequest("contribb"), "there is no distribution 'contribb'; did you mean 'contrib'"),
        (BuildRequest(version="newest"), "'newest' is no version of the Collector"),
    ],
)
def test_a_build_that_nobody_knows_is_refused(wanted: BuildRequest, message: str) -> None:
    with pytest.raises(Problem, match=message):
        resolve(wanted, "")


def test_a_manifest_is_a_distribution(tmp_path: Path) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_text(MANIFEST)
    found = resolve(BuildRequest(manifest=str(file)), CONTRIB)
    assert found
    assert (found.distribution, found.version) == ("ours", "0.156.0")
    assert found.catalogue.find("receivers", "otlp", "ours", "0.156.0")
    assert not found.catalogue.find("exporters", "debug", "ours", "0.156.0")


@pytest.mark.parametrize("text", ["a: 1\n", "[]", ""])
def test_a_manifest_without_components_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_text(text)
    with pytest.raises(Problem, match="is no manifest of the Collector builder"):
        resolve(BuildRequest(manifest=str(file)), "")


def test_the_smallest_image_has_what_configs_use() -> None:
    small = {"receivers": {"otlp": None}, "exporters": {"otlp_grpc": None}}
    large = {"exporters": {"datadog": None}}
    assert _target.smallest_image(None, [small]).rpartition("/")[2] == "opentelemetry-collector-otlp:0.158.0"
    assert _target.smallest_image(None, [small, large]).rpartition("/")[2] == "opentelemetry-collector-contrib:0.158.0"
    assert _target.smallest_image(None, [{"exporters": {"nobody": None}}]) == ""
    assert _target.smallest_image(None, []) == ""
