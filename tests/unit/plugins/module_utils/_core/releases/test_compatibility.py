# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import compatibility
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases.versions import Version

from .samples import CERTIFIER, OPERATING, TABLE, resource

NEW = Version(0, 158, 0)


@pytest.mark.parametrize(("cluster", "fits"), [("v1.33.1", True), ("v1.36.0", True), ("v1.32.9", False), ("", True)])
def test_a_version_is_made_for_some_versions_of_kubernetes(cluster: str, fits: bool) -> None:
    assert (compatibility.kubernetes(TABLE, CERTIFIER, Version(1, 21, 9), cluster) == "") is fits


def test_a_patch_of_the_operator_is_like_its_minor_version() -> None:
    assert compatibility.unknown(TABLE, OPERATING, Version(0, 158, 7)) == ""
    assert "0.159.0 is not in the table" in compatibility.unknown(TABLE, OPERATING, Version(0, 159, 0))


def test_versions_that_fit_are_offered_newest_first() -> None:
    assert compatibility.fitting(TABLE, CERTIFIER, "v1.32.0") == ["1.20", "1.19"]
    assert compatibility.fitting(TABLE, OPERATING, "v1.36.0") == ["0.158.0"]


def test_collectors_that_will_not_follow_are_named() -> None:
    kind = "OpenTelemetryCollector"
    told = list(
        compatibility.skew(
            [
                resource(kind, "pinned", image="r:5000/x:0.140.0"),
                resource(kind, "same", image="x:0.158.3"),
                resource(kind, "digest", image="x@sha256:00"),
                resource(kind, "stays", version="0.150.0", automatic=False),
                resource(kind, "follows", version="0.150.0"),
                resource("Instrumentation", "other", image="x:0.1.0"),
            ],
            NEW,
        )
    )
    assert [text.split()[1] for text in told] == ["ns/pinned", "ns/stays"]


BUILDS = {"own-collector": {"v0.48.0": "0.151.0", "v0.48.1": "0.151.0", "v0.49.0": "0.156.0"}}


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (
            "r/own-collector:v0.49.0",
            "version 0.156.0; the operator is made for 0.151, which v0.48.1 of this build is of",
        ),
        ("r/own-collector:v0.48.0", ""),
        ("r/own-collector:v0.99.0", ""),
        ("r/own-collector@sha256:00", ""),
        ("r/other-collector:0.49.0", "version 0.49.0; the operator is made for 0.151"),
    ],
)
def test_a_build_with_versions_of_its_own_counts_as_the_collector_in_it(image: str, said: str) -> None:
    collectors = [resource("OpenTelemetryCollector", image=image)]
    told = list(compatibility.skew(collectors, Version(0, 151, 0), BUILDS))
    assert [text.partition("own of ")[2] for text in told] == ([said] if said else [])
