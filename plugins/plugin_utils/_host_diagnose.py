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
from ..module_utils._diagnose.host_checks import CHECKS, EXPECTED
from ..module_utils._diagnose.host_questions import host_question, untested
from ..module_utils._diagnose.host_situation import HostAnswer, host_situation, with_flows
from ..module_utils._diagnose.verdict import result
from ..module_utils._otelcol.config.config_secrets import secrets_in
from ..module_utils._otelcol.config.masking import masked_tree, masker
from ..module_utils._otelcol.errors import cleaned, printable
from ..module_utils._telemetry.evidence import COUNTED, arrived
from ..module_utils._telemetry.metrics import Flow, grown, reading
from ..module_utils._telemetry.times import report, verdicts
from ._diagnose import searching
from ._otelcol import _builds, _yaml
from ._unlisted_hosts import unlisted_line

_FAILING = {"error": ("error",), "warning": ("error", "warning"), "never": ()}
# What a record of a wave tells; its sum is for the next run alone.
RECORD = ("wave", "verdict", "by", "when")
NOT_ALL = "Not all test data arrived."


@dataclass(frozen=True)
class HostVisit:
    """One visit of a host: its name, when it was asked by the clock of the controller, and what is wanted.

    `only_checks` says that test data was wanted and is not sent, in check mode.
    """

    host: str
    asked: tuple[float, float]
    send: bool
    fail_on: str
    only_checks: bool = False


def configs_of(collectors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the config of each collector as data, by its name."""
    configs: dict[str, Any] = {}
    for collector in collectors:
        name, text = collector["name"], str(collector["config"])
        configs[str(name)] = _yaml.load(text, f"config of {name}").data
    return configs


def questions(configs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what to ask the host about each collector."""
    return [host_question(name, config) for name, config in configs.items()]


@dataclass(frozen=True)
class Tested:
    """How the test of one collector went: a line, and why each signal that did not arrive is lost."""

    line: str
    lost: tuple[str, ...] = ()
    all_lost: bool = False


@dataclass(frozen=True)
class Visited:
    """What a visit of a host has found: results and tests of its collectors, and lines about services that send."""

    results: Sequence[dict[str, Any]]
    tests: Sequence[Tested]
    services: Sequence[str]
    unlisted: Sequence[str]


def diagnosed(host_answer: Mapping[str, Any], configs: Mapping[str, Any], visit: HostVisit) -> dict[str, Any]:
    """Return the result of a diagnosis of one host. It has failed if a problem is as severe as `fail_on` says, or if
    test data was sent and not all of it arrived."""
    return _judgement(_visited(host_answer, configs, visit), visit)


def _visited(host_answer: Mapping[str, Any], configs: Mapping[str, Any], visit: HostVisit) -> Visited:
    """Return what the answer of a host says of the collectors of the inventory; it may have others too."""
    results: list[dict[str, Any]] = []
    tests: list[Tested] = []
    services: list[str] = []
    for collector_answer in host_answer["collectors"]:
        name = collector_answer["name"]
        if name not in configs:
            continue
        results.append(_collector(collector_answer, host_answer["host"], configs[name], visit))
        if visit.send:
            tests.append(_tested(collector_answer, configs[name], visit.host))
            services += service_lines(collector_answer, visit.host)
    return Visited(results, tests, services, list(host_answer.get("unlisted", ())))


def _judgement(visited: Visited, visit: HostVisit) -> dict[str, Any]:
    """Return what a visit has found as a task result."""
    results = visited.results
    tested = [*(test.line for test in visited.tests), *visited.services]
    passes = [*_passes(visited.tests), *visited.services]
    if visit.only_checks:
        tested = passes = [f"{visit.host}: not tested, since nothing is sent in check mode"]
    lines = verdicts(results)
    reasons = [*_losses(visited.tests), *_with_status(results, _FAILING[visit.fail_on])]
    page = [report(results), *(unlisted_line(visit.host, name) for name in visited.unlisted)]
    return {
        "changed": False,
        "failed": bool(reasons),
        "healthy": all(collector["status"] == "healthy" for collector in results),
        "msg": "\n".join(reasons or [*tested, *lines]),
        "verdict": lines,
        "failing": _with_status(results, _FAILING["error"]),
        "tested": tested,
        "passed": not reasons,
        # What goes before the user while a run goes on: what failed, and what arrived.
        "told": [*reasons, *passes],
        "report": printable("\n".join(page)),
        "unlisted": visited.unlisted,
        "collectors": results,
    }


def service_lines(collector_answer: Mapping[str, Any], host: str) -> Iterator[str]:
    """Yield for each service that sends to a collector whether its process has the variables of the inventory."""
    for service in collector_answer.get("services", ()):
        yield f"{host}/{collector_answer['name']}: {service['unit']} {_standing(service)}"


def _standing(service: Mapping[str, Any]) -> str:
    """Return whether the process of a service has its variables, as the end of a sentence: the first row that holds."""
    rows = (
        (service["load"] == "not-found", "is not there"),
        (not service["is_there"], "has another drop-in than the inventory says: run the role"),
        (not service["runs"], "does not run, and gets its environment when it starts"),
        (service["has"], "runs with its environment"),
        (service["waits"], f"waits for a restart to get its environment: `systemctl restart {service['unit']}`"),
        (True, "runs, and its process does not show its environment"),
    )
    return next(words for holds, words in rows if holds)


def _with_status(results: Sequence[Mapping[str, Any]], known: Sequence[str]) -> list[str]:
    """Return the verdicts of the collectors with one of these states."""
    return verdicts([collector for collector in results if collector["status"] in known])


def _passes(tests: Sequence[Tested]) -> list[str]:
    """Return what arrived, and what was not tested."""
    return [test.line for test in tests if not test.all_lost]


def _losses(tests: Sequence[Tested]) -> list[str]:
    """Return what did not arrive, below a line that says so; nothing if all arrived."""
    lost_signals = [line for test in tests for line in test.lost]
    return [NOT_ALL, *lost_signals] if lost_signals else []


def _collector(
    collector_answer: Mapping[str, Any], host: Mapping[str, Any], config: Any, visit: HostVisit
) -> dict[str, Any]:
    """Return the result of one collector, as that of a collector of a cluster."""
    mask = masker(secrets_in(config))
    now = datetime.fromtimestamp(float(host["now"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    question = host_question(collector_answer["name"], config)
    asked_answer = HostAnswer(visit.host, collector_answer, host, question, visit.asked, now, mask)
    facts = with_flows(host_situation(asked_answer), _flow(collector_answer, config))
    if collector_answer["metrics"]["why"] and facts["running"]:
        facts["unseen"] = [{"what": "own metrics", "why": collector_answer["metrics"]["why"]}]
    findings = run_checks(searching(facts["unseen"]), _checks(send=visit.send), facts)
    shown: dict[str, Any] = cleaned(masked_tree({**result(facts, findings), **_release(collector_answer)}, mask))
    return shown


def _release(collector_answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return which release runs, what of it differs from the inventory, and the wave that it has passed."""
    return {
        "release": collector_answer["release"]["number"],
        "differs": collector_answer["release"]["differs"],
        "restarts": collector_answer["service"]["restarts"],
        "wave": {key: str(value) for key, value in collector_answer["release"]["wave"].items() if key in RECORD},
    }


def _checks(*, send: bool) -> Sequence[Check]:
    """Return the checks. Where test data is sent, the inventory's release is expected, and room in the queues."""
    if not send:
        return CHECKS
    return [check._replace(severity="error") if check.id in EXPECTED else check for check in CHECKS]


def _flow(collector_answer: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """Return what flowed between the two readings of its metrics; nothing without them."""
    metrics = collector_answer["metrics"]
    if not metrics["first"] or not metrics["last"]:
        return {}
    first, last = reading(metrics["first"]), reading(metrics["last"])
    flow = Flow(config, _builds.tables().listeners, grown(first, last), last, float(collector_answer["seconds"]))
    facts: dict[str, Any] = flow.facts()
    return facts


def _tested(collector_answer: Mapping[str, Any], config: Any, host: str) -> Tested:
    """Return how the test of one collector went, or why it was not tested."""
    name = f"{host}/{collector_answer['name']}"
    reason = untested(config)
    if reason:
        return Tested(f"{name}: not tested, {reason}")
    if "probe" not in collector_answer:
        reason = f"{name}: the service does not run, so nothing was sent"
        return Tested(f"{name}: not tested, the service does not run", (reason,), all_lost=True)
    where = f"{COUNTED}service {collector_answer['service']['unit']}"
    seen: dict[str, dict[str, Any]] = {}
    lost: list[str] = []
    for signal, row in collector_answer["probe"]["signals"].items():
        if row["arrived"]:
            seen[signal] = {**row, "seen": where}
        else:
            lost.append(_lost(name, signal, row, collector_answer["probe"]["seconds"]))
    line = f"{name}: {arrived(seen)}" if seen else f"{name}: nothing arrived"
    return Tested(line, tuple(lost), all_lost=not seen)


def _lost(name: str, signal: str, row: Mapping[str, Any], seconds: float) -> str:
    """Return why one signal did not arrive, in the words of the test of clusters."""
    if not row["sent"]:
        return f"{name}: {signal} not taken: {row['why']}"
    trouble = f". The collector counts: {', '.join(row['trouble'])}" if row["trouble"] else ""
    return f"{name}: {signal} sent and taken, but not arrived after {seconds:g} s{trouble}"
