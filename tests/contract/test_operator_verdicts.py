# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom resources that the operator's own end-to-end tests apply: its verdict on each is ours.

They are no part of the project. Where their folder is not beside the checkout, the tests are skipped.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import (
    custom_resource_rules,
    target_allocators,
)

from .test_corpora import CORPORA, Answer, answers

# What the operator refuses, by its schema or its webhook, with the field that it names. It takes all others.
REFUSED = {
    "tests-e2e-crd-validations-sidecar-00-*": "spec.priorityClassName",
    "tests-e2e-crd-validations-sidecar-01-*": "spec.tolerations",
    "tests-e2e-crd-validations-sidecar-02-*": "spec.affinity",
    "tests-e2e-crd-validations-sidecar-03-*": "spec.additionalContainers",
}
OURS = {rule.id for rule in (*custom_resource_rules.RULES, *target_allocators.RULES)}

pytestmark = pytest.mark.skipif(
    not (CORPORA / "index.json").is_file(),
    reason="the folder of public configs is not beside the checkout; O11Y_CORPORA names another one",
)


def cases() -> list[Answer]:
    """Return the custom resources of the operator's tests."""
    return [answer for answer in answers() if name(answer).startswith(("tests-e2e", "config-samples"))]


def name(answer: Answer) -> str:
    source, _slash, file = answer.row["file"].partition("/")
    return str(file) if source == "operator" else ""


def refused(answer: Answer, severity: str = "error") -> set[str]:
    """Return the paths at which our rules on custom resources find something as severe."""
    return {item["path"] for item in answer.findings if item["rule"] in OURS and item["severity"] == severity}


def test_our_verdict_on_every_case_is_the_operators() -> None:
    theirs = {name(case): {path for glob, path in REFUSED.items() if fnmatchcase(name(case), glob)} for case in cases()}
    assert {name(case): refused(case) for case in cases()} == theirs


def test_there_are_cases_of_both_verdicts() -> None:
    assert len(cases()) > 100
    assert sum(1 for case in cases() if refused(case)) == len(REFUSED)


def test_nothing_that_its_own_cases_say_is_unknown_to_us() -> None:
    unknown = [
        f"{name(case)}: {item['path']}"
        for case in cases()
        for item in case.findings
        if item["rule"] == "resource-field"
    ]
    assert unknown == []


def test_the_rule_on_modes_is_among_ours() -> None:
    assert "target-allocator-mode" in OURS
