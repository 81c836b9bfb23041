# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which builds make batches in exporters, by the real catalogue; and how the processor's end comes nearer."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import batching
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from ...helpers import CATALOGUE


def build(version: str, distribution: str = "contrib") -> TargetBuild:
    return TargetBuild(CATALOGUE, distribution, version)


@pytest.mark.parametrize(
    ("version", "exporter", "able"),
    [
        ("0.158.0", "otlp", True),
        ("0.158.0", "otlp_grpc/backend", True),
        ("0.158.0", "elasticsearch", True),
        ("0.130.0", "otlphttp", True),
        ("0.129.0", "otlphttp", False),
        ("0.158.0", "awsemf", False),
        ("0.158.0", "prometheus_remote_write", False),
        ("0.158.0", "nobody", False),
    ],
)
def test_the_catalogue_says_which_exporters_make_batches(version: str, exporter: str, able: bool) -> None:
    assert batching.can_batch(build(version), exporter) is able


def test_a_schema_of_the_build_says_it_too() -> None:
    types = {("exporters", "acme"): {"sending_queue": {"batch": {"min_size": "if"}}}, ("exporters", "other"): {}}
    own = CATALOGUE.add_schema("own", types, "0.158.0")
    assert [batching.can_batch(TargetBuild(own, "own", "0.158.0"), name) for name in ("acme", "other")] == [True, False]


@pytest.mark.parametrize(
    ("version", "severities"),
    [
        ("0.164.0", []),
        ("0.165.0", ["info"]),
        ("0.171.0", ["warning"]),
        ("0.176.1", ["warning"]),
        ("0.177.0", ["error"]),
    ],
)
def test_the_end_of_the_processor_comes_nearer(version: str, severities: list[str]) -> None:
    subject = Subject({"processors": {"batch": None, "batch/a": {}}}, target=build(version))
    found = [fault.severity for fault in batching.batch_deprecated(subject)]
    assert found == [one for one in severities for _processor in range(2)]
