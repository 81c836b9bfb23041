# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of a wave beside those that have not changed, and beside themselves before."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import jmespath
import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.readings import PodSample
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import ROLES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics import UPTIME, CountKey
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.compared_readings import JudgeTools
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.judged_group import (
    JudgedGroup,
    interleave_faults,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_judgement import judge_sides
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_tracks import (
    ComparedSides,
    Track,
    TrackPoll,
    group_sides,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

CONFIG: dict[str, Any] = {
    "receivers": {"otlp": {"protocols": {"grpc": {}}}},
    "exporters": {"otlp_grpc": {"endpoint": "gateway:4317"}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}}},
}
TOOLS = JudgeTools(_builds.load_catalogue().listeners, jmespath.search)
PAUSE = 3.0


def counted(accepted: int, sent: int, failed: int, seconds: float) -> Counter[CountKey]:
    return Counter(
        {
            CountKey("receiver_accepted", "otlp", "traces"): accepted,
            CountKey("exporter_sent", "otlp_grpc", "traces"): sent,
            CountKey("exporter_send_failed", "otlp_grpc", "traces"): failed,
            UPTIME: int(seconds),
        }
    )


def track(
    member: str, per_reading: tuple[int, int, int], readings: int = 14, *, restarts: Sequence[int] = (), **more: Any
) -> Track:
    """Return a collector that counts so many accepted, sent and failed spans between each two readings."""
    polls = []
    for number in range(readings):
        counts = counted(*(count * (number + 1) for count in per_reading), seconds=PAUSE * (number + 1))
        again = restarts[number] if restarts else 0
        polls.append(TrackPoll(PAUSE * number, (PodSample(pod=member, reading=counts, restarts=again),)))
    return Track(member, "agent", "000002", has_passed=False, config=CONFIG, polls=tuple(polls), **more)


GOOD, BAD, IDLE = (50, 50, 0), (50, 0, 50), (0, 0, 0)


def verdict(after: Track, before: tuple[int, int, int] | None, rest: tuple[int, int, int] | None) -> JudgedGroup:
    earlier = () if before is None else (track("web1", before, 1),)
    others = () if rest is None else (track("web3", rest, 2),)
    return judge_sides(ComparedSides((after,), earlier, others), TOOLS)


@pytest.mark.parametrize(
    ("before", "rest"), [(GOOD, GOOD), (None, GOOD), (GOOD, None), (None, None), (IDLE, GOOD), (GOOD, IDLE)]
)
def test_exports_that_fail_are_worse_in_every_comparison(before: Any, rest: Any) -> None:
    found = verdict(track("web1", BAD), before, rest)
    assert found.has_data
    assert len(found.worse_lines) == 1
    assert found.worse_lines[0].startswith("agent on web1: [exports_fail] exporters/otlp_grpc")
    assert "spans failed in the canary (100 %), 0 of " in found.worse_lines[0]


@pytest.mark.parametrize(("before", "rest"), [(BAD, GOOD), (GOOD, BAD), (BAD, None), (None, BAD)])
def test_what_fails_before_or_elsewhere_too_is_no_fault_of_the_change(before: Any, rest: Any) -> None:
    assert verdict(track("web1", BAD), before, rest).worse_lines == ()


def test_a_collector_that_works_passes_and_says_with_what_it_was_compared() -> None:
    found = verdict(track("web1", GOOD), GOOD, GOOD)
    assert found.worse_lines == ()
    assert found.verdict_line == "agent on web1: compared with web3 and the readings before the change"


def test_without_data_restarts_alone_are_judged() -> None:
    idle = verdict(track("web1", IDLE), GOOD, None)
    assert (idle.has_data, idle.verdict_line) == (False, "agent on web1: no data came in, so only restarts were judged")
    dying = verdict(track("web1", IDLE, 8, restarts=(0, 0, 1, 1, 2, 2, 3, 3)), GOOD, GOOD)
    assert "[restarts] pod web1 of the canary restarted" in dying.worse_lines[0]


def slow(member: str, sent: int, *, uptime: float = 5.0, readings: int = 14, first: float = 0.0) -> Track:
    """Return a collector that gets a request of 6 spans each second, and sends so many spans: the rest waits."""
    polls = []
    for number in range(readings):
        seconds = uptime + first + PAUSE * number
        counts = counted(int(6 * seconds), int(sent * seconds), 0, seconds=seconds)
        counts[CountKey("exporter_queue_size", "otlp_grpc", "traces")] = int((6 - sent) * seconds / 6)
        counts[CountKey("exporter_queue_capacity", "otlp_grpc", "traces")] = 1000
        polls.append(TrackPoll(first + PAUSE * number, (PodSample(pod=member, reading=counts),)))
    return Track(member, "agent", "000002", has_passed=False, config=CONFIG, polls=tuple(polls))


def test_an_exporter_that_sends_less_than_comes_in_is_late_long_before_its_queue_is_full() -> None:
    (line,) = verdict(slow("web1", 3), GOOD, GOOD).worse_lines
    assert line.startswith(
        "agent on web1: [exports_late] exporters/otlp_grpc: 51 spans are late by about 8 seconds in the canary: its"
        " queue is 20 of 1000, and 0 in the rest."
    )


@pytest.mark.parametrize("sent", [5, 6])
def test_what_is_sent_within_some_seconds_is_not_late(sent: int) -> None:
    assert verdict(slow("web1", sent), GOOD, GOOD).worse_lines == ()


def test_a_queue_in_bytes_shows_small_requests_that_are_late() -> None:
    queue = {"otlp_grpc": {"endpoint": "gateway:4317", "sending_queue": {"sizer": "bytes", "queue_size": 65_011_712}}}
    after = dataclasses.replace(slow("web1", 3), config=CONFIG | {"exporters": queue})
    assert "[exports_late]" in verdict(after, GOOD, GOOD).worse_lines[0]


def test_an_exporter_that_is_as_late_elsewhere_is_no_fault_of_the_change() -> None:
    elsewhere = slow("web3", 3, uptime=300.0, readings=2)
    assert (
        judge_sides(ComparedSides((slow("web1", 3),), (track("web1", GOOD, 1),), (elsewhere,)), TOOLS).worse_lines == ()
    )


def config(
    pipelines: dict[str, list[list[str]]],
    processors: dict[str, Any] | None = None,
    connectors: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a config with what each pipeline receives by, processes with and exports to."""
    ends = {name: dict(zip(ROLES, each, strict=True)) for name, each in pipelines.items()}
    known = {"processors": processors or {}, "connectors": connectors or {}}
    return {**CONFIG, **known, "service": {"pipelines": ends}}


TAIL = {"tail_sampling": {"decision_wait": "10s", "policies": [{"name": "errors", "type": "status_code"}]}}
ROUTED = {
    "traces": [["otlp"], [], ["routing"]],
    "traces/a": [["routing"], [], ["otlp_grpc"]],
    "traces/b": [["routing"], [], ["otlp_grpc/b"]],
}
ZIPKIN = {"traces": [["otlp"], [], ["otlp_grpc"]], "traces/z": [["zipkin"], [], ["otlp_grpc/z"]]}
SAMPLED = config({"traces": [["otlp"], ["tail_sampling"], ["otlp_grpc"]]}, TAIL)


@pytest.mark.parametrize("changed", [config(ROUTED, connectors={"routing": {}}), config(ZIPKIN), SAMPLED])
def test_an_exporter_that_gets_another_share_is_not_late(changed: dict[str, Any]) -> None:
    after = dataclasses.replace(slow("web1", 3, readings=30), config=changed)
    assert verdict(after, GOOD, GOOD).worse_lines == ()


@pytest.mark.parametrize("seconds_of_burst", [4, 6, 9])
def test_what_was_read_at_the_start_may_take_a_while(seconds_of_burst: int) -> None:
    polls = []
    for number in range(30):
        seconds = 1 + PAUSE * number
        accepted = 600 * min(seconds, seconds_of_burst) + 6 * max(seconds - seconds_of_burst, 0)
        sent = min(100 * seconds, accepted)
        counts = counted(int(accepted), int(sent), 0, seconds=seconds)
        counts[CountKey("exporter_queue_size", "otlp_grpc", "traces")] = int((accepted - sent) / 600)
        polls.append(TrackPoll(PAUSE * number, (PodSample(pod="web1", reading=counts),)))
    assert verdict(dataclasses.replace(slow("web1", 6), polls=tuple(polls)), GOOD, GOOD).worse_lines == ()


def test_a_batch_processor_that_changes_lets_all_pass() -> None:
    batched = config({"traces": [["otlp"], ["batch"], ["otlp_grpc"]]}, {"batch": {"timeout": "1s"}})
    assert "[exports_late]" in verdict(dataclasses.replace(slow("web1", 3), config=batched), GOOD, GOOD).worse_lines[0]


def test_what_connectors_make_is_not_late_under_more_load() -> None:
    made = {"traces": [["otlp"], [], ["span_metrics"]], "metrics": [["span_metrics"], [], ["otlp_grpc"]]}

    def loaded(accepted: int, queue: int) -> Track:
        polls = []
        for number in range(30):
            seconds = 5 + PAUSE * number
            counts = counted(int(accepted * seconds), 0, 0, seconds=seconds)
            counts[CountKey("exporter_sent", "otlp_grpc", "metrics")] = int(50 * seconds)
            counts[CountKey("exporter_queue_size", "otlp_grpc", "metrics")] = queue
            polls.append(TrackPoll(PAUSE * number, (PodSample(pod="web1", reading=counts),)))
        given = config(made, connectors={"span_metrics": {"metrics_flush_interval": "5s"}})
        return Track("web1", "agent", "000002", has_passed=False, config=given, polls=tuple(polls))

    assert judge_sides(ComparedSides((loaded(100, 1),), (loaded(50, 0),), ()), TOOLS).worse_lines == ()


def test_a_new_sampler_may_pass_nothing_for_a_while() -> None:
    after = dataclasses.replace(track("web1", (50, 0, 0), 30), config=SAMPLED)
    assert verdict(after, GOOD, GOOD).worse_lines == ()


LONG = 20  # readings, in which silence says something


@pytest.mark.parametrize(("before", "rest"), [(GOOD, GOOD), (GOOD, None), (None, GOOD)])
def test_a_receiver_that_is_silent_after_the_change_is_worse(before: Any, rest: Any) -> None:
    (line,) = verdict(track("web1", IDLE, LONG), before, rest).worse_lines
    assert line.startswith("agent on web1: [receiver_silent] receivers/otlp: no spans came in, and about ")


@pytest.mark.parametrize(("before", "rest"), [(IDLE, GOOD), (IDLE, None), (None, None), (None, IDLE)])
def test_a_receiver_that_was_silent_before_is_no_fault_of_the_change(before: Any, rest: Any) -> None:
    found = verdict(track("web1", IDLE, LONG), before, rest)
    assert (found.worse_lines, found.is_whole) == ((), False)


@pytest.mark.parametrize("hosts", [2, 5, 10, 20])
def test_one_broken_host_among_many_is_worse(hosts: int) -> None:
    names = [f"web{number}" for number in range(hosts)]
    after = [track(name, GOOD) for name in names[1:]]
    sides = ComparedSides(
        (*after, track("web0", BAD)), tuple(track(name, GOOD, 1) for name in names), (track("x", GOOD, 2),)
    )
    found = judge_sides(sides, TOOLS)
    assert len(found.worse_lines) == 1
    assert "web0: [exports_fail] exporters/otlp_grpc" in found.worse_lines[0]
    assert found.passed_tracks == ()


def test_what_is_wrong_on_all_is_told_once() -> None:
    names = [f"web{number}" for number in range(5)]
    sides = ComparedSides(tuple(track(name, BAD) for name in names), tuple(track(name, GOOD, 1) for name in names))
    assert len(judge_sides(sides, TOOLS).worse_lines) == 1


def test_a_fault_of_all_together_names_those_that_have_it_alone() -> None:
    after = (slow("web1", 2), slow("web2", 6), slow("web3", 2))
    found = judge_sides(ComparedSides(after, tuple(track(one.member, GOOD, 1) for one in after)), TOOLS)
    assert found.worse_lines[0].startswith("agent on web1, web3: [queue_grows] exporters/otlp_grpc")


def test_the_first_fault_of_each_group_comes_before_further_ones() -> None:
    faults = [("a1", "a2", "a3"), (), ("b1",), ("c1", "c2")]
    groups = [JudgedGroup(name="agent", members=("web1",), compared_with=(), worse_lines=lines) for lines in faults]
    assert interleave_faults(groups) == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert interleave_faults([]) == []


@pytest.mark.parametrize(
    ("second", "silent", "words"),
    [(IDLE, ("web2",), "; no data came in on web2"), (GOOD, (), "and the readings before the change")],
)
def test_each_member_must_have_data(second: Any, silent: tuple[str, ...], words: str) -> None:
    after = (track("web1", GOOD), track("web2", second))
    before = (track("web1", GOOD, 1), track("web2", second, 1))
    found = judge_sides(ComparedSides(after, before, (track("x", GOOD, 2),)), TOOLS)
    assert (found.silent_members, found.is_whole) == (silent, not silent)
    assert found.verdict_line.endswith(words)
    assert [one.member for one in found.passed_tracks] == [one.member for one in after if one.member not in silent]


@pytest.mark.parametrize(
    ("readings", "wait", "words"),
    [
        (13, "1s", "compared with the readings before the change"),
        (12, "1s", "; a receiver or exporter that is silent shows after 36 s, and it was watched for 33 s"),
        (13, "30s", "; a receiver or exporter that is silent shows after 46 s, and it was watched for 36 s"),
    ],
)
def test_a_watch_that_is_too_short_for_what_a_config_holds_says_so(readings: int, wait: str, words: str) -> None:
    config = CONFIG | {"processors": {"tail_sampling": {"decision_wait": wait}}}
    after = dataclasses.replace(track("web1", GOOD, readings), config=config)
    before = dataclasses.replace(track("web1", GOOD, 1), config=config)
    found = judge_sides(ComparedSides((after,), (before,)), TOOLS)
    assert found.verdict_line.endswith(words), found.verdict_line
    assert found.is_whole == bool(found.passed_tracks) == (";" not in words)


@pytest.mark.parametrize(("pause", "needed"), [({"collection_interval": "5s"}, ""), ({}, "126 s")])
def test_a_receiver_that_collects_each_minute_needs_two_of_them(pause: dict[str, str], needed: str) -> None:
    config = {**CONFIG, "receivers": {"host_metrics": {"scrapers": {}, **pause}, **CONFIG["receivers"]}}
    found = judge_sides(ComparedSides((dataclasses.replace(track("web1", GOOD), config=config),)), TOOLS)
    assert (needed in found.shortness_note, bool(found.shortness_note)) == (True, bool(needed)), found.shortness_note


def test_the_longest_watch_that_a_member_needs_is_named() -> None:
    def held(member: str, wait: str) -> Track:
        config = CONFIG | {"processors": {"tail_sampling": {"decision_wait": wait}}}
        return dataclasses.replace(track(member, GOOD), config=config)

    found = judge_sides(ComparedSides((held("web1", "20s"), held("web2", "100s"))), TOOLS)
    assert "shows after 116 s" in found.shortness_note


def test_what_nothing_was_compared_with_is_not_whole() -> None:
    assert not verdict(track("web1", GOOD), None, None).is_whole


def test_a_collector_that_cannot_be_read_has_no_data() -> None:
    polls = tuple(TrackPoll(PAUSE * number, (PodSample("web1", None, why="refused"),)) for number in range(3))
    found = judge_sides(
        ComparedSides((Track("web1", "agent", "000002", has_passed=False, config=CONFIG, polls=polls),)), TOOLS
    )
    assert (found.has_data, found.worse_lines) == (False, ())
    assert found.verdict_line == "agent on web1: web1 cannot be read: refused"


def test_collectors_with_other_pipelines_are_groups_of_their_own() -> None:
    other = {**CONFIG, "service": {"pipelines": {"logs": {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}}}}
    polls = track("web2", GOOD).polls
    second = Track("web2", "agent", "000002", has_passed=False, config=other, polls=polls)
    groups = list(group_sides([track("web1", GOOD), second], [track("web1", GOOD, 1)], [track("web3", GOOD, 2)]))
    assert [[one.member for one in sides.tracks_after] for sides in groups] == [["web1"], ["web2"]]
    assert [[one.member for one in sides.tracks_before] for sides in groups] == [["web1"], []]
    assert [[one.member for one in sides.other_tracks] for sides in groups] == [["web3"], ["web3"]]
