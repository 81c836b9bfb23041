# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Collectors with an old and a new config side by side: each fault is found, no harmless change is.

A few cases by default. All of them, each harmless one for a minute, with their figures:

    O11Y_CHANGE_CASES=all pytest -s tests/integration/test_change_judge.py
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.chosen_checks import choose_checks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.observe import (
    ObservationResult,
    observe_pods,
    require_metrics,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.watched_pods import Observed
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.reader import ClusterReader
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

from tests.support.change_cases import CASES, CHOSEN_CASES, object_name, select_cases
from tests.support.two_revisions import Bench

from .test_real_collector import program  # noqa: F401 - a fixture

# A fault is found within a minute; harmless changes are watched for as long, in the short form for less.
MINUTE, SHORT, SIDE_BY_SIDE = 60.0, 21.0, 8
FEW_FAULTS = (
    "wrong endpoint",
    "wrong credential",
    "filter that drops everything",
    "exporter that blocks",
    "memory limiter too low",
    "receiver bound to localhost",
)
FEW_HARMLESS = (
    "nothing",
    "batch every 5 s",
    "second backend alongside",
    "sampler at 50 %",
    "filter of health checks",
    "exporter renamed",
)


class Run(NamedTuple):
    """A change, and what was found in it."""

    name: str
    by: list[str]
    seconds: float
    result: ObservationResult

    @property
    def right(self) -> bool:
        ids = [verdict.check_id for verdict in self.result.last_reading.verdicts]
        return bool(set(ids) & set(self.by)) if self.by else not ids

    def __str__(self) -> str:
        lines = [verdict.one_line_text for verdict in self.result.last_reading.verdicts] + [
            f"note: {note}" for note in self.result.limits
        ]
        word = "fault" if self.by else "harmless"
        return "\n      ".join([f"{word} {self.name!r}: {self.result.last_reading.seconds:.0f} s", *lines])


@pytest.fixture(scope="module")
def runs(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Run]]:  # noqa: F811
    """All changes, some of them side by side."""
    faults = [(name, case, case["by"]) for name, case in select_cases("faults", FEW_FAULTS).items()]
    harmless: list[tuple[str, Any, list[str]]] = [
        (name, {"change": change}, []) for name, change in select_cases("harmless", FEW_HARMLESS).items()
    ]
    with ExitStack() as stack:
        bench = Bench(program, tmp_path_factory.mktemp("pods"), CASES["base"], stack)
        pool = stack.enter_context(ThreadPoolExecutor(SIDE_BY_SIDE if CHOSEN_CASES else len(faults) + len(harmless)))
        yield list(pool.map(lambda case: _run(bench, *case), [*faults, *harmless]))


def _run(bench: Bench, name: str, case: dict[str, Any], by: list[str]) -> Run:
    seconds = MINUTE if by or CHOSEN_CASES else SHORT
    with bench.run_canary(object_name(name), case["change"], case.get("memory", "1Gi")) as api:
        observed = Observed(api.workload, _builds.load_catalogue().listeners)
        reader = ClusterReader(api.cluster(), api.cluster())
        require_metrics(reader, observed)
        run = Run(name, by, seconds, observe_pods(reader, observed, seconds, choose_checks(case.get("judge", []))))
    print(f"  {'ok ' if run.right else 'BAD'} {run}", flush=True)
    return run


def test_faults_are_found_within_a_minute_and_harmless_changes_pass(runs: list[Run]) -> None:
    assert [str(run) for run in runs if not run.right] == []
