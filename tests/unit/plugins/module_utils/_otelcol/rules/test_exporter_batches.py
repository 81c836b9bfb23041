# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which builds make batches in exporters, by the real catalogue."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.exporter_batches import queue_can_batch

from ...helpers import CATALOGUE


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
    assert queue_can_batch(TargetBuild(CATALOGUE, "contrib", version), exporter) is able


def test_a_schema_of_the_build_says_it_too() -> None:
    types = {("exporters", "acme"): {"sending_queue": {"batch": {"min_size": "if"}}}, ("exporters", "other"): {}}
    own = CATALOGUE.add_schema("own", types, "0.158.0")
    assert [queue_can_batch(TargetBuild(own, "own", "0.158.0"), name) for name in ("acme", "other")] == [True, False]
