# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A revision counts what its pods count while they are watched, and can be asked before its first reading."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.readings import PodSample
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.revision import Revision
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics import read_counts

from ...helpers import LISTENERS

CONFIG: Any = {
    "receivers": {"otlp": {}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
}


def accepted(pod: str, spans: int) -> PodSample:
    """Return the sample of a pod that has accepted so many spans since its start."""
    return PodSample(pod, read_counts(f'otelcol_receiver_accepted_spans{{receiver="otlp"}} {spans}\n'))


def test_only_a_pod_of_the_change_counts_what_it_had_counted_before_its_first_reading() -> None:
    received = []
    for began_with_change in (True, False):
        revision = Revision(CONFIG, LISTENERS, began_with_change=began_with_change)
        revision.add_reading(0.0, [accepted("a", 40)])
        revision.add_reading(3.0, [accepted("a", 340)])
        received.append(revision.build_facts("", str)["received"])
    assert received == [340, 300]


def test_a_revision_without_a_reading_has_no_rows_before_and_is_not_alone() -> None:
    canary = Revision(CONFIG, LISTENERS, began_with_change=True)
    rest = Revision(CONFIG, LISTENERS, began_with_change=False)
    assert canary.find_rows_before(10.0) is None
    assert canary.has_outlived(rest)
    assert canary.count_seconds_alone(rest) == 0.0
    rest.add_reading(0.0, [accepted("old", 1)])
    assert not canary.has_outlived(rest)
    assert canary.count_seconds_alone(rest) == 0.0


def test_the_canary_is_alone_from_the_last_reading_of_the_rest_on() -> None:
    canary = Revision(CONFIG, LISTENERS, began_with_change=True)
    rest = Revision(CONFIG, LISTENERS, began_with_change=False)
    for read_time in (0.0, 3.0):
        canary.add_reading(read_time, [accepted("new", 1)])
        rest.add_reading(read_time, [accepted("old", 1)])
    assert not canary.has_outlived(rest)
    canary.add_reading(9.0, [accepted("new", 1)])
    assert canary.has_outlived(rest)
    assert canary.count_seconds_alone(rest) == 6.0
