# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a case with probes, and returns which branches of the config its records take. Private.

A branch is a statement, condition, sampling policy or route (branch_model.py). A probe is a copy of a pipeline that
asks whether a record takes a branch (probes.py). coverage.py asks for the cases of a run, propose.py for cases that it
tries. An example: the answers to a case whose span meets the first of two conditions of a filter are ::

    {("processors", "filter", "traces", "span", 0): True, ("processors", "filter", "traces", "span", 1): False}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ....module_utils._otelcol.config.paths import Path as KeyPath
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing.branch_model import Branch
from ....module_utils._otelcol.testing.case import ConfigCase
from ....module_utils._otelcol.testing.probes import Probes
from .collector_setup import CollectorSetup
from .run_case import run_case

# How many branches a run asks: each is a pipeline, and a statement is compiled for all that follow it.
_BRANCHES_PER_RUN = 30
# The least seconds that a run with probes has.
_LEAST_SECONDS = 60.0


@dataclass(frozen=True)
class ProbeAnswers:
    """Which branches of a config some cases take, by the path of the branch."""

    is_taken_by_path: Mapping[KeyPath, bool] = field(default_factory=dict)
    """Whether a record takes the branch; a branch that no probe could ask is not here."""
    unknown_reasons: Mapping[KeyPath, str] = field(default_factory=dict)
    """Why nobody can tell, for some branches."""
    failure_reason: str = ""
    """Why nothing is known of any branch: the Collector does not run with probes. Empty if it runs."""


def probe_branches(setup: CollectorSetup, branches: Sequence[Branch], case: ConfigCase) -> ProbeAnswers:
    """Return which branches of a config the records of a case take. Each 30 branches are a run of a Collector."""
    is_taken_by_path: dict[KeyPath, bool] = {}
    unknown_reasons: dict[KeyPath, str] = {}
    patient_case = replace(case, timeout=max(case.timeout, _LEAST_SECONDS))
    try:
        for start in range(0, len(branches), _BRANCHES_PER_RUN):
            probes = Probes(branches[start : start + _BRANCHES_PER_RUN])
            probed_setup = replace(setup, is_traced=False, extend_config=probes.add_to_config)
            outcome = run_case(probed_setup, patient_case)
            is_taken_by_path |= probes.find_taken_branches(outcome.arrived_records)
            unknown_reasons |= probes.unknown_reasons
    except Problem as problem:
        return ProbeAnswers(failure_reason=f"with probes, {setup.hide_secrets(problem.wrong)}")
    return ProbeAnswers(is_taken_by_path, unknown_reasons)


def join_answers(earlier: ProbeAnswers, later: ProbeAnswers) -> ProbeAnswers:
    """Return what is known by two cases together: a branch is taken if one of them takes it."""
    is_taken_by_path = dict(earlier.is_taken_by_path)
    for path, is_taken in later.is_taken_by_path.items():
        is_taken_by_path[path] = is_taken or is_taken_by_path.get(path, False)
    unknown_reasons = {**earlier.unknown_reasons, **later.unknown_reasons}
    return ProbeAnswers(is_taken_by_path, unknown_reasons, later.failure_reason or earlier.failure_reason)
