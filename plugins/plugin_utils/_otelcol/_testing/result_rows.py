# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of rows in the task result of `pipeline_test`: tests, comparison, coverage and proposed tests. Private.

A comparison runs a config before a change and after it (compared_setups.py). A branch is a statement, condition, policy
or route of a config, and a record takes it or not (branch_model.py). A line of `differences` says what is not as
expected; without one, the test has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict


class TestRow(TypedDict):
    """One test."""

    name: str
    file: str
    passed: bool
    """Whether it has no differences."""
    differences: list[str]
    """A line for each thing that is not as expected."""
    changes: list[str]
    """What the run had to change in the config, such as `receivers.otlp: OTLP on loopback`."""
    trace: list[str]
    """What left each component, if that was asked for."""
    golden: list[str]
    """The golden files that the run wrote."""
    notes: list[str]
    """What is worth knowing though no failure."""


class ComparisonRow(TypedDict):
    """What a comparison found."""

    records: int
    """How many records left the config of before."""
    differences: list[str]
    why: str
    """Why one side did not run, or nothing was compared; empty if both ran."""
    same: bool
    """Whether both sides ran, and nothing was different."""


class ComparedTestRow(ComparisonRow):
    """The comparison for what one test gives."""

    name: str
    file: str


class ComparedConfigRow(ComparisonRow):
    """The comparison of one config for generated telemetry."""

    config: str
    """The name of the config, such as `all.yml (ConfigMap gateway)`."""


class CoverageRow(TypedDict):
    """A branch of a config, such as a condition of a filter: its place, its text, and whether a test took it."""

    file: str
    line: int
    path: str
    """The place in the config, such as `processors.filter.traces.span[1]`."""
    what: str
    """The text of the branch, such as `name == "GET /health"`."""
    why: str
    """Why it was not taken, as far as that is known, or why nobody can tell; empty if a test took it."""
    taken: bool | None
    """None if nobody can tell."""


class ProposedTest(TypedDict):
    """A test that takes a branch, as a file of tests has it."""

    name: str
    given: Mapping[str, Any]
    expect: Mapping[str, Any]


class ProposalRow(TypedDict):
    """A branch that no test takes, with a test that takes it."""

    file: str
    line: int
    path: str
    why: str
    """Why there is no such test; empty if there is one."""
    test: ProposedTest | dict[str, Any]
    """An empty mapping without such a test."""


class ExtraFacts(TypedDict, total=False):
    """What a run finds beside its tests, as far as the user asks for it."""

    compared: list[ComparedTestRow]
    coverage: list[CoverageRow]
    changed: bool
    """Whether it wrote a file of proposed tests."""
    proposed: list[ProposalRow]
