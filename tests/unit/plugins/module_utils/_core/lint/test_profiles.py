# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.profiles import (
    OFF,
    PROFILES,
    Suppression,
    judge,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.rules import RULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import SEVERITIES, Finding

KNOWN = {rule.id for rule in RULES}
SINGLETON = Finding(Position("a", 1), "receivers.k8s_cluster", "singleton", "warning", "twice")
CLEAR = Finding(Position("a", 2), "exporters.otlp.tls.insecure", "clear-text", "warning", "clear")
DEBUG = Finding(Position("a", 3), "service.pipelines.traces.exporters[0]", "verbose-debug", "info", "much")
ALL = [SINGLETON, CLEAR, DEBUG]


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_speak_of_rules_that_exist(profile: str) -> None:
    assert set(PROFILES[profile]) <= KNOWN
    assert set(PROFILES[profile].values()) <= {*SEVERITIES, OFF}


def test_production_is_never_more_lenient_than_development() -> None:
    own = {rule.id: rule.severity for rule in RULES}
    order = (*SEVERITIES, OFF)
    for rule, severity in own.items():
        ladder = [PROFILES[profile].get(rule, severity) for profile in ("production", "default", "development")]
        assert ladder == sorted(ladder, key=order.index), rule


@pytest.mark.parametrize(
    ("profile", "severities"),
    [
        ("default", ["warning", "warning", "info"]),
        ("development", ["warning", "info"]),
        ("production", ["error", "error", "warning"]),
    ],
)
def test_a_profile_weighs_findings(profile: str, severities: list[str]) -> None:
    assert [finding.severity for finding in judge(ALL, KNOWN, profile).kept] == severities


def test_a_profile_leaves_a_single_case_at_its_own_severity() -> None:
    kubelet = Finding(Position(), "receivers.kubelet_stats", "unverified-certificate", "info", "any")
    assert judge([kubelet], KNOWN, "production").kept == [kubelet]
    autoscaled = Finding(Position(), "receivers.k8s_cluster", "singleton", "warning", "twice")
    assert judge([autoscaled], KNOWN, "development").kept == [autoscaled]


def test_the_users_word_is_final() -> None:
    kept = judge(ALL, KNOWN, "production", {"singleton": "info", "clear-text": OFF}).kept
    assert [(finding.rule, finding.severity) for finding in kept] == [
        ("singleton", "info"),
        ("verbose-debug", "warning"),
    ]


@pytest.mark.parametrize(
    ("path", "met"),
    [
        ("*", True),
        ("service.pipelines.traces.exporters[0]", True),
        ("service.pipelines.*", True),
        ("service.pipelines.traces.exporters[1]", False),
        ("service", False),
    ],
)
def test_a_suppression_is_for_a_rule_and_a_place(path: str, met: bool) -> None:
    judged = judge(ALL, KNOWN, suppressions=[Suppression("verbose-debug", "we watch it", path)])
    assert judged.suppressed == ([(DEBUG, "we watch it")] if met else [])
    assert (DEBUG in judged.kept) is not met


def test_a_suppression_that_meets_nothing_is_told() -> None:
    judged = judge([CLEAR], KNOWN, suppressions=[Suppression("singleton", "one node", "receivers.*")])
    unused = next(finding for finding in judged.kept if finding.rule == "unused-suppression")
    assert (unused.severity, unused.path) == ("info", "receivers.*")
    assert "'singleton' is suppressed at 'receivers.*', but finds nothing there" in str(unused)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"profile": "produktion"}, "there is no profile 'produktion'; did you mean 'production'?"),
        ({"severities": {"singletons": "info"}}, "there is no rule 'singletons'; did you mean 'singleton'?"),
        ({"severities": {"singleton": "warn"}}, "'warn' is no severity; did you mean 'warning'?"),
        ({"suppressions": [Suppression("cleartext", "x")]}, "there is no rule 'cleartext'; did you mean 'clear-text'?"),
        ({"suppressions": [Suppression("clear-text", " ")]}, "'clear-text' is suppressed without a reason"),
    ],
)
def test_a_mistake_is_a_problem_with_the_near_word(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(Problem) as refused:
        judge(ALL, KNOWN, **arguments)  # type: ignore[arg-type]
    assert says in str(refused.value)
