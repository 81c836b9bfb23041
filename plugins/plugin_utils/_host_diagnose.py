# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnosis of collectors of a Linux host: what to ask, and what the answers mean. Controller only. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..module_utils._diagnose.diagnose_checks import Check, run_checks
from ..module_utils._diagnose.diagnosis_report import build_diagnosis_report, list_verdict_lines
from ..module_utils._diagnose.host_checks import ALL_HOST_CHECKS, EXPECTED_CHECK_IDS
from ..module_utils._diagnose.host_questions import build_host_question, explain_untested
from ..module_utils._diagnose.host_situation import HostAnswer, add_flow_facts, build_host_situation
from ..module_utils._diagnose.verdict import build_result_row
from ..module_utils._otelcol.config.config_secrets import find_secrets
from ..module_utils._otelcol.config.masking import make_masker, mask_tree
from ..module_utils._otelcol.errors import clean_text, make_printable
from ..module_utils._telemetry.evidence import METRICS_OF, describe_arrivals
from ..module_utils._telemetry.metrics import SignalFlow, read_counts, subtract_readings
from ._diagnose import create_search
from ._otelcol import _builds, _yaml
from ._unlisted_hosts import describe_unlisted

_FAILING_STATES = {"error": ("error",), "warning": ("error", "warning"), "never": ()}
# What a record of a wave tells; its sum is for the next run alone.
WAVE_RECORD_KEYS = ("wave", "verdict", "by", "when")
NOT_ALL_ARRIVED = "Not all test data arrived."


@dataclass(frozen=True)
class HostVisit:
    """One visit of a host: its name, when it was asked by the clock of the controller, and what is wanted.

    `is_check_only` says that test data was wanted and is not sent, in check mode.
    """

    host: str
    asked_between: tuple[float, float]
    sends_test_data: bool
    fail_on: str
    is_check_only: bool = False


def load_configs(collectors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the config of each collector as data, by its name."""
    configs: dict[str, Any] = {}
    for collector in collectors:
        name, config_text = collector["name"], str(collector["config"])
        configs[str(name)] = _yaml.load(config_text, f"config of {name}").data
    return configs


def list_questions(configs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what to ask the host about each collector."""
    return [build_host_question(name, config) for name, config in configs.items()]


@dataclass(frozen=True)
class TestOutcome:
    """How the test of one collector went: a line, and why each signal that did not arrive is lost."""

    summary_line: str
    loss_lines: tuple[str, ...] = ()
    is_all_lost: bool = False


@dataclass(frozen=True)
class VisitOutcome:
    """What a visit of a host has found: results and tests of its collectors, and lines about services that send."""

    collector_results: Sequence[dict[str, Any]]
    test_outcomes: Sequence[TestOutcome]
    service_lines: Sequence[str]
    unlisted_collectors: Sequence[str]


def diagnose_host(host_answer: Mapping[str, Any], configs: Mapping[str, Any], visit: HostVisit) -> dict[str, Any]:
    """Return the result of a diagnosis of one host. It has failed if a problem is as severe as `fail_on` says, or if
    test data was sent and not all of it arrived."""
    return _build_task_result(_evaluate_visit(host_answer, configs, visit), visit)


def _evaluate_visit(host_answer: Mapping[str, Any], configs: Mapping[str, Any], visit: HostVisit) -> VisitOutcome:
    """Return what the answer of a host says of the collectors of the inventory; it may have others too."""
    results: list[dict[str, Any]] = []
    tests: list[TestOutcome] = []
    services: list[str] = []
    for collector_answer in host_answer["collectors"]:
        name = collector_answer["name"]
        if name not in configs:
            continue
        results.append(_diagnose_collector(collector_answer, host_answer["host"], configs[name], visit))
        if visit.sends_test_data:
            tests.append(_evaluate_test(collector_answer, configs[name], visit.host))
            services += describe_services(collector_answer, visit.host)
    return VisitOutcome(results, tests, services, list(host_answer.get("unlisted", ())))


def _build_task_result(visited: VisitOutcome, visit: HostVisit) -> dict[str, Any]:
    """Return what a visit has found as a task result."""
    results = visited.collector_results
    test_lines = [*(test.summary_line for test in visited.test_outcomes), *visited.service_lines]
    passed_lines = [*_list_passed_tests(visited.test_outcomes), *visited.service_lines]
    if visit.is_check_only:
        test_lines = passed_lines = [f"{visit.host}: not tested, since nothing is sent in check mode"]
    verdict_lines = list_verdict_lines(results)
    failure_reasons = [
        *_list_losses(visited.test_outcomes),
        *_list_verdicts_of_states(results, _FAILING_STATES[visit.fail_on]),
    ]
    report_lines = [
        build_diagnosis_report(results),
        *(describe_unlisted(visit.host, name) for name in visited.unlisted_collectors),
    ]
    return {
        "changed": False,
        "failed": bool(failure_reasons),
        "healthy": all(collector["status"] == "healthy" for collector in results),
        "msg": "\n".join(failure_reasons or [*test_lines, *verdict_lines]),
        "verdict": verdict_lines,
        "failing": _list_verdicts_of_states(results, _FAILING_STATES["error"]),
        "tested": test_lines,
        "passed": not failure_reasons,
        # What goes before the user while a run goes on: what failed, and what arrived.
        "told": [*failure_reasons, *passed_lines],
        "report": make_printable("\n".join(report_lines)),
        "unlisted": visited.unlisted_collectors,
        "collectors": results,
    }


def describe_services(collector_answer: Mapping[str, Any], host: str) -> Iterator[str]:
    """Yield for each service that sends to a collector whether its process has the variables of the inventory."""
    for sending_service in collector_answer.get("services", ()):
        yield f"{host}/{collector_answer['name']}: {sending_service['unit']} {_describe_environment(sending_service)}"


def _describe_environment(service: Mapping[str, Any]) -> str:
    """Return whether the process of a service has its variables, as the end of a sentence: the first row that holds."""
    conditions_and_words = (
        (service["load"] == "not-found", "is not there"),
        (not service["is_there"], "has another drop-in than the inventory says: run the role"),
        (not service["runs"], "does not run, and gets its environment when it starts"),
        (service["has"], "runs with its environment"),
        (service["waits"], f"waits for a restart to get its environment: `systemctl restart {service['unit']}`"),
        (True, "runs, and its process does not show its environment"),
    )
    return next(description for is_met, description in conditions_and_words if is_met)


def _list_verdicts_of_states(results: Sequence[Mapping[str, Any]], wanted_states: Sequence[str]) -> list[str]:
    """Return the verdicts of the collectors with one of these states."""
    return list_verdict_lines([collector for collector in results if collector["status"] in wanted_states])


def _list_passed_tests(tests: Sequence[TestOutcome]) -> list[str]:
    """Return what arrived, and what was not tested."""
    return [test.summary_line for test in tests if not test.is_all_lost]


def _list_losses(tests: Sequence[TestOutcome]) -> list[str]:
    """Return what did not arrive, below a line that says so; nothing if all arrived."""
    lost_signals = [line for test in tests for line in test.loss_lines]
    return [NOT_ALL_ARRIVED, *lost_signals] if lost_signals else []


def _diagnose_collector(
    collector_answer: Mapping[str, Any], host_facts: Mapping[str, Any], config: Any, visit: HostVisit
) -> dict[str, Any]:
    """Return the result of one collector, as that of a collector of a cluster."""
    mask_secrets = make_masker(find_secrets(config))
    host_time = datetime.fromtimestamp(float(host_facts["now"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    question = build_host_question(collector_answer["name"], config)
    host_answer = HostAnswer(
        visit.host, collector_answer, host_facts, question, visit.asked_between, host_time, mask_secrets
    )
    facts = add_flow_facts(build_host_situation(host_answer), _measure_flow(collector_answer, config))
    if collector_answer["metrics"]["why"] and facts["running"]:
        facts["unseen"] = [{"what": "own metrics", "why": collector_answer["metrics"]["why"]}]
    findings = run_checks(create_search(facts["unseen"]), _choose_checks(send=visit.sends_test_data), facts)
    shown_result: dict[str, Any] = clean_text(
        mask_tree({**build_result_row(facts, findings), **_describe_release(collector_answer)}, mask_secrets)
    )
    return shown_result


def _describe_release(collector_answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return which release runs, what of it differs from the inventory, and the wave that it has passed."""
    return {
        "release": collector_answer["release"]["number"],
        "differs": collector_answer["release"]["differs"],
        "restarts": collector_answer["service"]["restarts"],
        "wave": {
            key: str(value) for key, value in collector_answer["release"]["wave"].items() if key in WAVE_RECORD_KEYS
        },
    }


def _choose_checks(*, send: bool) -> Sequence[Check]:
    """Return the checks. Where test data is sent, the inventory's release is expected, and room in the queues."""
    if not send:
        return ALL_HOST_CHECKS
    return [check._replace(severity="error") if check.id in EXPECTED_CHECK_IDS else check for check in ALL_HOST_CHECKS]


def _measure_flow(collector_answer: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """Return what flowed between the two readings of its metrics; nothing without them."""
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
    rows_by_direction: dict[str, Any] = flow.collect_facts()
    return rows_by_direction


def _evaluate_test(collector_answer: Mapping[str, Any], config: Any, host: str) -> TestOutcome:
    """Return how the test of one collector went, or why it was not tested."""
    collector_name = f"{host}/{collector_answer['name']}"
    reason = explain_untested(config)
    if reason:
        return TestOutcome(f"{collector_name}: not tested, {reason}")
    if "probe" not in collector_answer:
        reason = f"{collector_name}: the service does not run, so nothing was sent"
        return TestOutcome(f"{collector_name}: not tested, the service does not run", (reason,), is_all_lost=True)
    counting_service = f"{METRICS_OF}service {collector_answer['service']['unit']}"
    arrived_signals: dict[str, dict[str, Any]] = {}
    lost_lines: list[str] = []
    for signal, signal_row in collector_answer["probe"]["signals"].items():
        if signal_row["arrived"]:
            arrived_signals[signal] = {**signal_row, "seen": counting_service}
        else:
            lost_lines.append(
                _explain_lost_signal(collector_name, signal, signal_row, collector_answer["probe"]["seconds"])
            )
    line = (
        f"{collector_name}: {describe_arrivals(arrived_signals)}"
        if arrived_signals
        else f"{collector_name}: nothing arrived"
    )
    return TestOutcome(line, tuple(lost_lines), is_all_lost=not arrived_signals)


def _explain_lost_signal(collector_name: str, signal: str, signal_row: Mapping[str, Any], seconds: float) -> str:
    """Return why one signal did not arrive, in the words of the test of clusters."""
    if not signal_row["sent"]:
        return f"{collector_name}: {signal} not taken: {signal_row['why']}"
    trouble_note = f". The collector counts: {', '.join(signal_row['trouble'])}" if signal_row["trouble"] else ""
    return f"{collector_name}: {signal} sent and taken, but not arrived after {seconds:g} s{trouble_note}"
