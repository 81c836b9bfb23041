# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the end of the processor comes nearer."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import batching
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from ...helpers import CATALOGUE


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
    subject = Subject({"processors": {"batch": None, "batch/a": {}}}, target=TargetBuild(CATALOGUE, "contrib", version))
    found = [fault.severity for fault in batching.batch_deprecated(subject)]
    assert found == [one for one in severities for _processor in range(2)]
