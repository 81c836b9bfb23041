# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.collector_skew import (
    list_skew_warnings,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import Version

from ...helpers import cases
from .samples import resource

BUILDS = {"own-collector": {"v0.48.0": "0.151.0", "v0.48.1": "0.151.0", "v0.49.0": "0.156.0"}}


@cases(
    "named, kind, more",
    (True, "OpenTelemetryCollector", {"image": "r:5000/x:0.140.0"}),
    (False, "OpenTelemetryCollector", {"image": "x:0.158.3"}),
    (False, "OpenTelemetryCollector", {"image": "x@sha256:00"}),
    (True, "OpenTelemetryCollector", {"version": "0.150.0", "automatic": False}),
    (False, "OpenTelemetryCollector", {"version": "0.150.0"}),
    (False, "Instrumentation", {"image": "x:0.1.0"}),
)
def test_collectors_that_will_not_follow_are_named(named: bool, kind: str, more: dict[str, Any]) -> None:
    told = list(list_skew_warnings([resource(kind, "one", **more)], Version(0, 158, 0)))
    assert [text.split()[1] for text in told] == ["ns/one"] * named


@cases(
    "image, said",
    (":v0.49.0", "version 0.156.0; the operator is made for 0.151, which v0.48.1 of this build is of"),
    (":v0.48.0", ""),
    (":v0.99.0", ""),
    ("@sha256:00", ""),
    ("-2:0.49.0", "version 0.49.0; the operator is made for 0.151"),
)
def test_a_build_with_versions_of_its_own_counts_as_the_collector_in_it(image: str, said: str) -> None:
    collectors = [resource("OpenTelemetryCollector", image=f"r/own-collector{image}")]
    told = list(list_skew_warnings(collectors, Version(0, 151, 0), BUILDS))
    assert [text.partition("own of ")[2] for text in told] == ([said] if said else [])
