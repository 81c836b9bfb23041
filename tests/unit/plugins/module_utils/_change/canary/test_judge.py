# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each check finds its situation and says it in full, a few items prove nothing, and the page lists every check."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jmespath
import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary import (
    canary_destinations,
    canary_facts,
    hold_times,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.canary_checks import CHECK_NAMES, CHECKS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.chosen_checks import choose_checks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.judge import CanaryJudge
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.readings import PodSample, ReceiverPort
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.revision import Revision
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics import (
    estimate_memory_used,
    read_counts,
)

from ...helpers import LISTENERS, cases

PAGE = (Path(__file__).parents[6] / "docs" / "change.md").read_text(encoding="utf-8")
NOW = "2026-01-01T00:10:00+00:00"
CONFIG = yaml.safe_load("""
receivers: {otlp: {}, host_metrics: {collection_interval: 5s}}
processors: {filter: {}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [filter], exporters: [debug]}
    metrics: {receivers: [host_metrics], exporters: [debug]}
""")
SAMPLED: Any = {
    **CONFIG,
    "processors": {"filter": {}, "probabilistic_sampler": {"sampling_percentage": 1}},
    "service": {
        "pipelines": {
            **CONFIG["service"]["pipelines"],
            "traces": {"receivers": ["otlp"], "processors": ["probabilistic_sampler"], "exporters": ["debug"]},
        }
    },
}
TAIL: Any = json.loads(json.dumps(SAMPLED).replace("probabilistic_sampler", "tail_sampling"))
NAMES_OF = {
    "in": 'receiver_accepted_spans{receiver="otlp"}',
    "refused": 'receiver_refused_spans{receiver="otlp"}',
    "host": 'receiver_accepted_metric_points{receiver="host_metrics"}',
    "incoming": 'processor_incoming_items{processor="filter",otel_signal="traces"}',
    "outgoing": 'processor_outgoing_items{processor="filter",otel_signal="traces"}',
    "sent": 'exporter_sent_spans{exporter="debug"}',
    "failed": 'exporter_send_failed_spans{exporter="debug"}',
    "queue": 'exporter_queue_size{exporter="debug",data_type="traces"}',
    "memory": "process_memory_rss",
    "obtained": "process_runtime_total_sys_memory_bytes",
    "uptime": "process_uptime",
}
NOWHERE = {"about": "exporters/otlp", "exporter": "otlp", "endpoint": "a:1", "host": "a", "port": 1, "service": "ns/a"}
NOWHERE |= {"state": "no_service", "has": ""}
ENTRY = f'{NOW} {NOW}\terror\tx.go:1\tno\t{{"otelcol.component.id": "x", "otelcol.component.kind": "exporter"}}\n'
WELL = {"in": 20, "incoming": 20, "outgoing": 20, "sent": 20, "host": 9}


def sample(pod: str, time: float, rates: dict[str, float], **more: Any) -> PodSample:
    """Return a reading of a pod that counts so much in a second; memory and `uptime` do not grow."""
    memory = {"memory": rates.get("memory", 10), "obtained": rates.get("obtained", 1000)}
    fixed = {"uptime": 600, **memory}
    counts = {**{name: rate * time for name, rate in rates.items()}, **fixed}
    text = "".join(f"otelcol_{NAMES_OF[name]} {value}\n" for name, value in counts.items())
    return PodSample(pod, more.pop("reading", read_counts(text)), **{"memory_limit": 100, **more})


def watched(
    new: dict[str, float], old: dict[str, float] | None = None, config: Any = None, **more: Any
) -> tuple[list[str], dict[str, Any]]:
    """Watch a canary that counts so much in a second for half a minute."""
    canary = Revision(config or CONFIG, LISTENERS, began_with_change=True)
    rest = Revision(CONFIG, LISTENERS, began_with_change=False)
    judge = CanaryJudge(jmespath.search, CHECKS, lambda text: text)
    lines: list[str] = []
    known: dict[str, Any] = {}
    ways = more.pop("ways", [])
    for number in range(11):
        time = 3.0 * number
        growing = {key: value(number) if callable(value) else value for key, value in more.items()}
        canary.add_reading(time, [sample("new", time, new, **growing)])
        rest.add_reading(
            time,
            [
                sample(
                    "old",
                    time + 600,
                    WELL if old is None else old,
                    open={ReceiverPort("otlp", 4317): True, ReceiverPort("otlp", 1): True},
                )
            ],
        )
        known = canary_facts.collect_facts(canary, rest, NOW, lambda text: text)
        known["ways"] = canary_destinations.describe_destinations(ways, known["rest"])
        lines = [verdict.one_line_text for verdict in judge.find_verdicts(known)] or lines
    return lines, known


@cases(
    "name, rates, more",
    ("exports_fail", {**WELL, "sent": 10, "failed": 10}, {}),
    ("receivers_refuse", {**WELL, "refused": 20}, {}),
    ("nothing_sent", {**WELL, "sent": 0}, {}),
    ("all_dropped", {**WELL, "outgoing": 0, "sent": 0}, {}),
    ("queue_grows", {**WELL, "sent": 2, "queue": 18}, {}),
    ("exports_late", {**WELL, "sent": 5, "queue": 0.4}, {}),
    ("receiver_silent", {**WELL, "host": 0}, {}),
    ("endpoint_nowhere", WELL, {"ways": [NOWHERE]}),
    ("not_listening", WELL, {"open": {ReceiverPort("otlp", 4317): False}}),
    ("restarts", WELL, {"restarts": 1}),
    ("out_of_memory", WELL, {"oom": True}),
    ("memory_high", {**WELL, "memory": 95, "obtained": 100}, {}),
    ("log_errors", WELL, {"log": lambda number: ENTRY * 3 * number}),
    ("unreadable", WELL, {"reading": None, "why": "403"}),
)
def test_each_check_finds_its_situation_and_says_it_in_full(name: str, rates: Any, more: Any) -> None:
    lines, _known = watched(rates, **more)
    line = next(line for line in lines if line.startswith(f"[{name}]"))
    assert not re.search(r"(?<!\$)\{| {2}|\(\)|None|: *$", line)


def test_every_check_has_a_situation() -> None:
    marks = test_each_check_finds_its_situation_and_says_it_in_full.pytestmark  # type: ignore[attr-defined]
    assert sorted(case[0] for mark in marks for case in mark.args[1]) == sorted(CHECK_NAMES)


@cases(
    "rates, config",
    (WELL, CONFIG),
    ({"host": 9}, CONFIG),
    ({**WELL, "failed": 0.1}, CONFIG),
    ({**WELL, "outgoing": 10, "sent": 10}, CONFIG),
    # Pages of the program's file are no memory that it needs.
    ({**WELL, "memory": 162, "obtained": 28}, CONFIG),
    # An exporter that gets less than before, and has a queue, is not late.
    ({**WELL, "outgoing": 10, "sent": 10, "queue": 0.4}, CONFIG),
    # A sampler that the rest does not have may pass nothing for a while.
    ({"in": 20, "incoming": 20, "outgoing": 20, "host": 9}, SAMPLED),
    ({"in": 9000, "incoming": 9000, "outgoing": 9000, "host": 9}, TAIL),
)
def test_what_says_nothing_fails_no_canary(rates: Any, config: Any) -> None:
    assert watched(rates, config=config)[0] == []


PANIC = f"{NOW} panic: of an application\n"


def test_an_applications_log_that_an_exporter_prints_fails_no_canary() -> None:
    config = {**CONFIG, "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}}}
    assert watched(WELL, config=config, log=lambda number: PANIC * 3 * number)[0] == []
    config["service"]["pipelines"]["traces"]["exporters"] = ["otlp"]
    lines = watched(WELL, config=config, log=lambda number: PANIC * 3 * number)[0]
    assert any(line.startswith("[log_errors]") for line in lines)


# Another error of the same exporter.
TORN = ENTRY.replace("\tno\t", "\tthe queue is torn\t")


@pytest.mark.parametrize("first", [TORN, ENTRY], ids=["rare first", "frequent first"])
def test_two_errors_of_one_exporter_are_two(first: str) -> None:
    both = [TORN * 5, ENTRY * 50]
    steady = "".join(both if first == TORN else reversed(both))
    assert watched(WELL, log=steady)[0] == []
    growing = watched(WELL, log=lambda number: steady + TORN * number)[0]
    assert len(growing) == 1
    assert "torn" in growing[0]


def test_what_the_rest_does_too_fails_no_canary() -> None:
    fails = {**WELL, "sent": 0, "failed": 20, "refused": 20}
    assert watched(fails, fails)[0] == []


def judged(new: list[dict[str, float]], old: dict[str, float]) -> list[str]:
    """Return the checks that fail a canary that has counted this in its readings, beside a rest that has counted so."""
    canary = Revision(CONFIG, LISTENERS, began_with_change=True)
    rest = Revision(CONFIG, LISTENERS, began_with_change=False)
    judge = CanaryJudge(jmespath.search, CHECKS, lambda text: text)
    found: list[str] = []
    for number, counts in enumerate(new):
        canary.add_reading(3.0 * number, [sample("new", 1, {"host": 9 * number, **counts})])
        rest.add_reading(3.0 * number, [sample("old", 1, {"host": 9 * number, **old})])
        found += [
            one.check_id
            for one in judge.find_verdicts(canary_facts.collect_facts(canary, rest, NOW, lambda text: text))
        ]
    return found


def test_requests_of_many_items_are_few_requests() -> None:
    # The backend refuses every fifth request of 500 items, and here three of eight.
    readings = [(500, 0), (500, 500), (1000, 500), (1500, 500), (1500, 1000), (2000, 1000), (2000, 1500), (2500, 1500)]
    here = [{"in": sent + failed, "sent": sent, "failed": failed} for sent, failed in readings]
    assert judged(here, {"in": 20000, "sent": 16000, "failed": 4000}) == []
    every = [{"in": 500 * number, "failed": 500 * number} for number in range(8)]
    assert "exports_fail" in judged(every, {"in": 20000, "sent": 20000})


def test_where_the_rest_passes_some_many_must_end() -> None:
    none = [{"in": 20 * number, "incoming": 20 * number} for number in range(1, 9)]
    assert judged(none, {"in": 900, "incoming": 900, "outgoing": 90, "sent": 90}) == []
    assert "all_dropped" in judged(none, {"in": 900, "incoming": 900, "outgoing": 900, "sent": 900})


def test_a_config_says_how_long_it_holds_data() -> None:
    config = {
        "processors": {"batch/a": {"timeout": "1m30s"}, "tail_sampling": {}, "filter": {}},
        "exporters": {"otlp": {"sending_queue": {"batch": {"flush_timeout": "5s"}}}, "debug": None},
    }
    assert hold_times.count_hold_seconds(config) == 125


def test_a_queue_of_items_is_measured_in_batches() -> None:
    queue = {"sizer": "items", "batch": {"min_size": 100}}
    config = {**CONFIG, "exporters": {"debug": {"sending_queue": queue}}}

    def grows(rate: int) -> bool:
        return any("[queue_grows]" in line for line in watched({**WELL, "queue": rate}, config=config)[0])

    assert [grows(18), grows(1800)] == [False, True]


OWN = {"id": "mine", "find": "receives", "text": "{id}"}


@cases(
    "judge, names",
    ([], CHECK_NAMES),
    (["restarts", "exports_fail"], [name for name in CHECK_NAMES if name not in ("restarts", "exports_fail")]),
    ([OWN], [*CHECK_NAMES, "mine"]),
)
def test_a_user_leaves_checks_out_and_adds_some(judge: Any, names: Any) -> None:
    assert [check.id for check in choose_checks(judge)] == list(names)


@cases(
    "judge, says",
    (["restart"], "did you mean 'restarts'"),
    ([4], "neither a name nor a row"),
    ([{"id": "x", "find": "y"}], "neither a name nor a row"),
    ([{**OWN, "txt": ""}], "a row has no 'txt'; did you mean 'text'"),
    ([OWN, OWN], "two checks 'mine'"),
    ([{**OWN, "id": "restarts"}], "two checks 'restarts'"),
    ([{**OWN, "text": "{"}], "braces"),
)
def test_what_is_no_check_is_refused(judge: Any, says: str) -> None:
    with pytest.raises(Problem, match=says):
        choose_checks(judge)


def test_a_users_check_that_does_not_fit_is_noted_and_stops_nothing() -> None:
    def search(expression: str, data: Any) -> Any:
        if expression == "broken":
            raise Problem("it does not fit")
        return jmespath.search(expression, data)

    judge = CanaryJudge(search, choose_checks([{**OWN, "find": "broken"}]), lambda text: text)
    assert judge.find_verdicts(watched(WELL)[1]) == []
    assert list(judge.unfit) == ["it does not fit."]


def test_the_page_lists_each_check_with_its_threshold_and_its_source() -> None:
    assert re.findall(r"^\| `(\w+)` \| [^|]+ \| \[source\]\(https://[^)]+\) \|$", PAGE, re.MULTILINE) == list(
        CHECK_NAMES
    )


def test_the_page_lists_facts_that_exist() -> None:
    known = watched({**WELL, "memory": 95}, open={ReceiverPort("otlp", 1): False}, log=ENTRY)[1]
    own = PAGE.partition("### Your own checks")[2]
    table = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (\w+(?:, \w+)+) \|$", own, re.MULTILINE)
    assert len(table) >= 6
    for names, fields in table:
        for name in re.findall(r"\w+", names):
            found = known[name] if isinstance(known[name], dict) else known[name][0]
            assert [one for one in fields.split(", ") if one not in found] == []


def test_memory_is_read_in_the_unit_of_the_limit() -> None:
    assert estimate_memory_used(read_counts("otelcol_process_memory_rss_bytes 90\n")) == 90
