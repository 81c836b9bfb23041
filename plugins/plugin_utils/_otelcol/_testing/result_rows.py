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
    """One test. It has passed if it has no differences. `golden` has the golden files that the run wrote."""

    name: str
    file: str
    passed: bool
    differences: list[str]
    changes: list[str]
    trace: list[str]
    golden: list[str]
    notes: list[str]


class ComparisonRow(TypedDict):
    """What a comparison found; `records` is how many left the config of before.

    `why` says why one side did not run. They are the `same` only if both ran, and nothing was different.
    """

    records: int
    differences: list[str]
    why: str
    same: bool


class ComparedTestRow(ComparisonRow):
    """The comparison for what one test gives."""

    name: str
    file: str


class ComparedConfigRow(ComparisonRow):
    """The comparison of one config for generated telemetry. `config` is its name."""

    config: str


class CoverageRow(TypedDict):
    """A branch of a config, such as a condition of a filter: its place, its text, and whether a test took it.

    `taken` is None if this is unknown; `why` then says why. `why` is empty if a test took the branch.
    """

    file: str
    line: int
    path: str
    what: str
    why: str
    taken: bool | None


class ProposedTest(TypedDict):
    """A test that takes a branch, as a file of tests has it."""

    name: str
    given: Mapping[str, Any]
    expect: Mapping[str, Any]


class ProposalRow(TypedDict):
    """A branch that no test takes: its place, and the proposed test, or `why` there is none; `test` is {} then."""

    file: str
    line: int
    path: str
    why: str
    test: ProposedTest | dict[str, Any]


class ExtraFacts(TypedDict, total=False):
    """What a run finds beside its tests, as far as the user asks for it. `changed` says that it wrote a file."""

    compared: list[ComparedTestRow]
    coverage: list[CoverageRow]
    changed: bool
    proposed: list[ProposalRow]
