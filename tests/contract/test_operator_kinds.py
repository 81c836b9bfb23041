# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of fields of the operator's custom resources: whole, small, and what its tool makes of the manifests."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.definitions import MIRROR
from tools.operator_kinds import TABLE_FILE, build_table, format_table

TEXT = TABLE_FILE.read_text(encoding="utf-8")
TABLES = json.loads(TEXT)
VERSIONS = ("0.152.0", "0.158.0")
MANIFESTS = [MIRROR / "opentelemetry-operator" / f"v{version}" / "opentelemetry-operator.yaml" for version in VERSIONS]


def test_every_shared_mapping_is_there_and_used() -> None:
    named = set(re.findall(r'"(#[A-Za-z0-9]+)"(?!: )', TEXT))
    assert named == set(TABLES["shared"])


def test_it_is_small_and_has_every_kind() -> None:
    assert len(TEXT) < 40_000
    kinds = {kind: list(versions) for kind, versions in TABLES["kinds"].items()}
    assert kinds == {
        "Instrumentation": ["v1alpha1"],
        "OpAMPBridge": ["v1alpha1"],
        "OpenTelemetryCollector": ["v1alpha1", "v1beta1"],
        "TargetAllocator": ["v1alpha1"],
    }


def test_it_is_what_the_tool_makes_of_the_manifests() -> None:
    missing = [str(path) for path in MANIFESTS if not path.is_file()]
    if missing:
        reason = f"the release mirror (O11Y_RELEASE_MIRROR) lacks {', '.join(missing)}"
        print(f"SKIPPED: whether the table of the operator's kinds is current, because {reason}")
        pytest.skip(reason)
    assert format_table(build_table(MANIFESTS)) == TEXT
