# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module host_diagnose: what to ask a Linux host about its collectors, and what its answers mean. Controller only.

The host gets no configs and knows no checks, so the work has three steps, and each makes a type of its own:

| step | makes | content |
|---|---|---|
| the action calls `list_questions` | questions | for each collector, such as which files and ports to look at |
| the module looks on the host | `HostLookResult` | of the host `SystemFacts`, of each collector a `CollectorAnswer` |
| the action calls `diagnose_host`: | | |
| - for one collector | `HostAnswer` | its `CollectorAnswer` with all that the checks need besides |
| - for all collectors | `VisitOutcome` | what the checks and the test data say of them |
| - at the end | `HostDiagnosis` | the result of the task |

An example of a result:

    {"healthy": false, "verdict": ["agent: …"], "tested": ["web1/agent: traces arrived: …"], "report": "…", …}

`_host_test_data.py` judges the test data. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, NotRequired, TypedDict

from ..module_utils._diagnose.collector_result import build_result_row
from ..module_utils._diagnose.diagnose_checks import Check, run_checks
from ..module_utils._diagnose.diagnosis_report import build_diagnosis_report, list_verdict_lines
from ..module_utils._diagnose.host_checks import ALL_HOST_CHECKS, EXPECTED_CHECK_IDS
from ..module_utils._diagnose.host_questions import build_host_question
from ..module_utils._diagnose.host_situation import HostAnswer, add_flow_facts, build_host_situation
from ..module_utils._diagnose.result_rows import CollectorResult
from ..module_utils._host_change.host_answer import CollectorAnswer, SystemFacts
from ..module_utils._host_change.host_question import HostQuestion
from ..module_utils._otelcol.config.config_secrets import find_secrets
from ..module_utils._otelcol.config.masking import make_masker, mask_tree
from ..module_utils._otelcol.errors import Problem, clean_text, make_printable
from ..module_utils._telemetry.metrics import read_counts, subtract_readings
from ..module_utils._telemetry.signal_flow import SignalFlow
from ._diagnose import FAILING_STATES, are_healthy, create_search
from ._host_test_data import TestOutcome, describe_services, evaluate_test, list_losses, list_passed_tests
from ._otelcol import _builds, _yaml
from ._unlisted_hosts import describe_unlisted

# What the result tells of the record of a wave, which a playbook has left on the host when the release passed the wave.
# The record also has the sum of the release, with which it counts for that release alone.
WAVE_RECORD_KEYS = ("wave", "verdict", "by", "when")


@dataclass(frozen=True)
class HostVisit:
    """One visit of a host, as the task wants it."""

    host: str
    asked_between: tuple[float, float]
    """When the question went out and when the answer came, in seconds of Unix by the clock of the controller."""
    sends_test_data: bool
    """False in check mode."""
    fail_on: str
    """The severity of problems with which the task fails: `error`, `warning` or `never`."""
    is_check_only: bool = False
    """Whether test data was wanted and is not sent, in check mode."""


# ── The answer of a host ──


class HostLookResult(TypedDict):
    """What module host_diagnose returns from the host."""

    host: SystemFacts
    collectors: Sequence[CollectorAnswer]
    unlisted: NotRequired[Sequence[str]]
    """The collectors of this collection that the inventory does not list."""


# ── The questions ──


def load_configs(collectors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the config of each collector as data, by its name. Raises Problem for a collector without one of both."""
    configs: dict[str, Any] = {}
    for position, collector in enumerate(collectors):
        for key in ("name", "config"):
            if key not in collector:
                fix = "Give each collector a `name` and a `config`, as role otel_host renders them."
                raise Problem(f"`collectors[{position}]` has no `{key}`", asked="Diagnose the host", fix=fix)
        name, config_text = collector["name"], str(collector["config"])
        configs[str(name)] = _yaml.load(config_text, f"config of {name}").data
    return configs


def list_questions(configs: Mapping[str, Any]) -> list[HostQuestion]:
    """Return the questions about each collector, as option `questions` of the module has them."""
    return [build_host_question(name, config) for name, config in configs.items()]


# ── The result ──


class HostDiagnosis(TypedDict):
    """The result of module host_diagnose for one host."""

    changed: bool
    """Always false."""
    failed: bool
    healthy: bool
    msg: str
    """Why the task fails; else how the test data arrived, and the verdict."""
    verdict: list[str]
    """At most four lines for each collector, the main cause first."""
    failing: list[str]
    """The lines of the verdict about collectors with an error, whatever `fail_on` says."""
    tested: list[str]
    """Where test data of each collector was seen, or why none was sent."""
    passed: bool
    """The opposite of `failed`, which a task with `failed_when: false` does not have."""
    told: list[str]
    """What goes before the user while a run goes on: what failed, and what arrived."""
    report: str
    """The verdict with all details."""
    unlisted: Sequence[str]
    """The collectors of this collection on the host that the inventory does not list."""
    collectors: Sequence[CollectorResult]


@dataclass(frozen=True)
class VisitOutcome:
    """What a visit of a host has found."""

    collector_results: Sequence[CollectorResult]
    test_outcomes: Sequence[TestOutcome]
    service_lines: Sequence[str]
    """Lines about the services of the host that send to its collectors."""
    unlisted_collectors: Sequence[str]
    """The collectors of this collection on the host that the inventory does not list."""


def diagnose_host(host_look: HostLookResult, configs: Mapping[str, Any], visit: HostVisit) -> dict[str, Any]:
    """Return the result of module host_diagnose for one host. `configs` has the config of each collector by its name.

    The task fails if a problem is as severe as `fail_on` says, or if test data was sent and not all of it arrived. It
    fails too if there is no collector, unless no test data was asked for and `fail_on` is `never`.
    """
    return dict(_build_task_result(_evaluate_visit(host_look, configs, visit), visit))


def _evaluate_visit(host_look: HostLookResult, configs: Mapping[str, Any], visit: HostVisit) -> VisitOutcome:
    """Return the outcome of a visit, for the collectors of the inventory. The host may have others too."""
    results: list[CollectorResult] = []
    tests: list[TestOutcome] = []
    services: list[str] = []
    for collector_answer in host_look["collectors"]:
        name = collector_answer["name"]
        if name not in configs:
            continue
        results.append(_diagnose_collector(collector_answer, host_look["host"], configs[name], visit))
        if visit.sends_test_data:
            tests.append(evaluate_test(collector_answer, configs[name], visit.host))
            services += describe_services(collector_answer, visit.host)
    return VisitOutcome(results, tests, services, list(host_look.get("unlisted", ())))


class _TestLines(NamedTuple):
    """What a result tells of the test data."""

    tested: list[str]
    """A line for each collector, and one for each service that sends to it."""
    passed: list[str]
    """The same without the collectors at which nothing arrived: their failures have lines of their own."""


def _list_test_lines(visited: VisitOutcome, visit: HostVisit) -> _TestLines:
    """Return the lines about the test data of a visit."""
    if visit.is_check_only:
        lines = [f"{visit.host}: not tested, since nothing is sent in check mode"]
        return _TestLines(tested=lines, passed=lines)
    return _TestLines(
        tested=[*(test.summary_line for test in visited.test_outcomes), *visited.service_lines],
        passed=[*list_passed_tests(visited.test_outcomes), *visited.service_lines],
    )


def _build_task_result(visited: VisitOutcome, visit: HostVisit) -> HostDiagnosis:
    """Return what a visit has found as a task result."""
    results = visited.collector_results
    tested_lines, passed_lines = _list_test_lines(visited, visit)
    verdict_lines = list_verdict_lines(results)
    nothing_lines = [] if results else [_describe_nothing(visit.host)]
    is_nothing_failure = visit.sends_test_data or visit.fail_on != "never"
    failure_lines = [
        *(nothing_lines if is_nothing_failure else []),
        *list_losses(visited.test_outcomes),
        *_list_verdicts_of_states(results, FAILING_STATES[visit.fail_on]),
    ]
    unlisted_lines = [describe_unlisted(visit.host, name) for name in visited.unlisted_collectors]
    report_lines = nothing_lines or [build_diagnosis_report(results)]
    report = "\n".join([*report_lines, *unlisted_lines])
    return {
        "changed": False,
        "failed": bool(failure_lines),
        "healthy": are_healthy(results),
        "msg": "\n".join(failure_lines or [*nothing_lines, *tested_lines, *verdict_lines]),
        "verdict": verdict_lines,
        "failing": _list_verdicts_of_states(results, FAILING_STATES["error"]),
        "tested": tested_lines,
        "passed": not failure_lines,
        "told": [*failure_lines, *passed_lines],
        "report": make_printable(report),
        "unlisted": visited.unlisted_collectors,
        "collectors": results,
    }


def _describe_nothing(host: str) -> str:
    """Return what a diagnosis without a collector says."""
    return (
        f"{host}: no collector was diagnosed, since there is none in `collectors`. Name those of the host in"
        " otel_host_collectors, from which role otel_host renders them."
    )


def _list_verdicts_of_states(results: Sequence[CollectorResult], wanted_states: Sequence[str]) -> list[str]:
    """Return the verdicts of the collectors with one of these states."""
    return list_verdict_lines([collector for collector in results if collector["status"] in wanted_states])


# ── One collector ──


def _diagnose_collector(
    collector_answer: CollectorAnswer, host_facts: SystemFacts, config: Any, visit: HostVisit
) -> CollectorResult:
    """Return the result of one collector without its secrets, in the form of one of a cluster."""
    mask_secrets = make_masker(find_secrets(config))
    host_time = datetime.fromtimestamp(float(host_facts["now"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    host_answer = HostAnswer(
        name=visit.host,
        raw_answer=collector_answer,
        host_facts=host_facts,
        question=build_host_question(collector_answer["name"], config),
        asked_between=visit.asked_between,
        host_time=host_time,
        mask_secrets=mask_secrets,
    )
    facts = add_flow_facts(build_host_situation(host_answer), _measure_flow(collector_answer, config))
    reason_without_metrics = collector_answer["metrics"]["why"]
    # A service that is down has no metrics. That is no gap in what was read: the checks say that it is down.
    if reason_without_metrics and facts["running"]:
        facts["unseen"] = [{"what": "own metrics", "why": reason_without_metrics}]
    checks = _choose_checks(sends_test_data=visit.sends_test_data)
    findings = run_checks(create_search(facts["unseen"]), checks, facts)
    result_row = {**build_result_row(facts, findings), **_describe_release(collector_answer["release"], host_answer)}
    shown_result: CollectorResult = clean_text(mask_tree(result_row, mask_secrets))
    return shown_result


def _describe_release(release: Mapping[str, Any], host_answer: HostAnswer) -> dict[str, Any]:
    """Return which release runs, what of it differs from the inventory, and the wave that it has passed."""
    wave_record = {key: str(value) for key, value in release["wave"].items() if key in WAVE_RECORD_KEYS}
    return {
        "release": release["number"],
        "differs": release["differs"],
        "restarts": host_answer.service["restarts"],
        "wave": wave_record,
    }


def _choose_checks(*, sends_test_data: bool) -> Sequence[Check]:
    """Return the checks.

    A test with data follows a change. Then two faults are errors that are warnings otherwise: another release than that
    of the inventory, and queues that are nearly full.
    """
    if not sends_test_data:
        return ALL_HOST_CHECKS
    checks: list[Check] = []
    for check in ALL_HOST_CHECKS:
        is_severe_after_change = check.id in EXPECTED_CHECK_IDS
        checks.append(check._replace(severity="error") if is_severe_after_change else check)
    return checks


def _measure_flow(collector_answer: CollectorAnswer, config: Any) -> dict[str, Any]:
    """Return what flowed through a collector between two readings of its metrics; nothing without metrics."""
    metrics = collector_answer["metrics"]
    if not metrics["first"] or not metrics["last"]:
        return {}
    first_reading, last_reading = read_counts(metrics["first"]), read_counts(metrics["last"])
    flow = SignalFlow(
        config,
        _builds.load_catalogue().listeners,
        subtract_readings(first_reading, last_reading),
        last_reading,
        float(collector_answer["seconds"]),
    )
    return dict(flow.collect_facts())
