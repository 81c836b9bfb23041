# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the test data of module host_diagnose arrived at the collectors of a Linux host, in lines for people. Private.

With `send: true`, the module sends test data to each collector, and looks for it in the metrics of the collector. Then
`_host_diagnose.py` calls this file with the answers of the host. For example:

    web1/agent: traces, logs arrived: service otelcol-agent.service sent them on to its exporter
    web1/agent: metrics sent and taken, but not arrived after 30 s

It also tells of the services of the host that send to a collector: whether their processes have its address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..module_utils._diagnose.host_questions import explain_missing_test_data
from ..module_utils._host_change.host_answer import CollectorAnswer, SendingServiceAnswer, SignalAnswer
from ..module_utils._telemetry.evidence import METRICS_OF, describe_arrivals

NOT_ALL_ARRIVED = "Not all test data arrived."


@dataclass(frozen=True)
class TestOutcome:
    """How the test of one collector went."""

    summary_line: str
    """What arrived, or why the collector was not tested."""
    loss_lines: tuple[str, ...] = ()
    """A line for each signal that did not arrive, with the reason."""
    is_all_lost: bool = False
    """Whether it was to be tested, and nothing arrived."""


def evaluate_test(collector_answer: CollectorAnswer, config: Any, host: str) -> TestOutcome:
    """Return how the test of one collector went, or why it was not tested."""
    collector_name = f"{host}/{collector_answer['name']}"
    untested_reason = explain_missing_test_data(config)
    if untested_reason:
        return TestOutcome(f"{collector_name}: not tested, {untested_reason}")
    is_service_down = "probe" not in collector_answer
    if is_service_down:
        loss_line = f"{collector_name}: the service does not run, so nothing was sent"
        return TestOutcome(f"{collector_name}: not tested, the service does not run", (loss_line,), is_all_lost=True)
    probe = collector_answer["probe"]
    metrics_source = f"{METRICS_OF}service {collector_answer['service']['unit']}"
    place_by_signal: dict[str, str] = {}
    loss_lines: list[str] = []
    for signal, signal_answer in probe["signals"].items():
        if signal_answer["arrived"]:
            place_by_signal[signal] = metrics_source
        else:
            loss_lines.append(_explain_lost_signal(collector_name, signal, signal_answer, probe["seconds"]))
    arrivals = describe_arrivals(place_by_signal) if place_by_signal else "nothing arrived"
    return TestOutcome(f"{collector_name}: {arrivals}", tuple(loss_lines), is_all_lost=not place_by_signal)


def _explain_lost_signal(collector_name: str, signal: str, signal_answer: SignalAnswer, seconds: float) -> str:
    """Return why the test data of one signal did not arrive, in the words of the test of clusters."""
    if not signal_answer["sent"]:
        return f"{collector_name}: {signal} not taken: {signal_answer['why']}"
    trouble = signal_answer["trouble"]
    trouble_note = f". The collector counts: {', '.join(trouble)}" if trouble else ""
    return f"{collector_name}: {signal} sent and taken, but not arrived after {seconds:g} s{trouble_note}"


# ── All collectors of a host ──


def list_passed_tests(tests: Sequence[TestOutcome]) -> list[str]:
    """Return lines about the signals that arrived, and about those that were not tested."""
    return [test.summary_line for test in tests if not test.is_all_lost]


def list_losses(tests: Sequence[TestOutcome]) -> list[str]:
    """Return lines about the signals that did not arrive, below a line that says so; nothing if all arrived."""
    lost_signals = [line for test in tests for line in test.loss_lines]
    return [NOT_ALL_ARRIVED, *lost_signals] if lost_signals else []


# ── Services that send to collectors ──


def describe_services(collector_answer: CollectorAnswer, host: str) -> Iterator[str]:
    """Yield for each service that sends to a collector whether its process has the variables of the inventory."""
    for service in collector_answer.get("services", ()):
        yield f"{host}/{collector_answer['name']}: {service['unit']} {_describe_environment(service)}"


def _describe_environment(service: SendingServiceAnswer) -> str:
    """Return whether the process of a service has its variables, as the end of a sentence."""
    if service["load"] == "not-found":
        return "is not there"
    if not service["is_there"]:
        return "has another drop-in than the inventory says: run the role"
    if not service["runs"]:
        return "does not run, and gets its environment when it starts"
    if service["has"]:
        return "runs with its environment"
    if service["waits"]:
        return f"waits for a restart to get its environment: `systemctl restart {service['unit']}`"
    return "runs, and its process does not show its environment"
