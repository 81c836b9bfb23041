# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches that exporters make instead of the processor. Each case is a config, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate.batch_processor import (
    move_batches_to_exporters,
    queue_batch_of,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate.data_edits import (
    ConfigChange,
    Unsolved,
    apply_edits,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild

from .test_steps import CATALOGUE, ODD, cases, moved

EQUAL = {"sizer": "items", "min_size": 8192, "flush_timeout": "200ms"}
ROOM = {"sizer": "items", "queue_size": 8192000}

# The settings of the processor, and those of the queue's batches.
SETTINGS = """
- [none, null, {min_size: 8192, flush_timeout: 200ms}]
- [some, {send_batch_size: 50, timeout: 5s}, {min_size: 50, flush_timeout: 5s}]
- [a limit, {send_batch_max_size: 9000}, {min_size: 8192, flush_timeout: 200ms, max_size: 9000}]
- [no limit, {send_batch_max_size: 0}, {min_size: 8192, flush_timeout: 200ms}]
- [at once, {timeout: 0s, send_batch_max_size: 10}, {min_size: 0, flush_timeout: 200ms, max_size: 10}]
- [for each, {send_batch_size: 0, timeout: 1s}, {min_size: 0, flush_timeout: 1s}]
- [a variable, {send_batch_size: "${env:A}"}, {min_size: "${env:A}", flush_timeout: 200ms}]
- [metadata, {metadata_keys: [a]}, {min_size: 8192, flush_timeout: 200ms, partition: {metadata_keys: [a]}}]
- [nothing given, {timeout: null, send_batch_size: null}, {min_size: 8192, flush_timeout: 200ms}]
- [no mapping, [a], {min_size: 8192, flush_timeout: 200ms}]
"""


@pytest.mark.parametrize(("settings", "batch"), cases(SETTINGS))
def test_sizes_and_times_stay(settings: Any, batch: Any) -> None:
    assert queue_batch_of(settings) == {"sizer": "items", **batch}


def config(exporters: Any, pipelines: str = "traces: batch > otlp", batches: Any = None, **more: Any) -> dict[str, Any]:
    """Return a config. A pipeline is `signal: [receivers >] processors > exporters`."""
    found = {}
    for line in pipelines.splitlines():
        name, _colon, chain = line.strip().partition(": ")
        *receivers, processors, to = ([item.strip() for item in part.split(",")] for part in chain.split(">"))
        found[name] = {"receivers": receivers[0] if receivers else ["otlp"], "processors": processors, "exporters": to}
    processors = {"batch": None} if batches is None else batches
    return {"processors": processors, "exporters": exporters, "service": {"pipelines": found}, **more}


def after(before: dict[str, Any], version: str = "0.158.0") -> tuple[Any, list[str], list[str]]:
    """Return the config after all changes, what was done, and why something stays."""
    found = list(move_batches_to_exporters(before, TargetBuild(CATALOGUE, "contrib", version)))
    changes = [one for one in found if not isinstance(one, Unsolved)]
    result = apply_edits(before, [edit for one in changes for edit in one.edits])
    return result, [one.description for one in changes], [one.reason for one in found if isinstance(one, Unsolved)]


# The exporter before and after.
EXPORTERS = """
- [nothing, null, {sending_queue: {ROOM, batch: EQUAL}}]
- [an endpoint, {endpoint: a}, {endpoint: a, sending_queue: {ROOM, batch: EQUAL}}]
- [an empty queue, {sending_queue: null}, {sending_queue: {ROOM, batch: EQUAL}}]
- [a queue, {sending_queue: {enabled: true}}, {sending_queue: {enabled: true, ROOM, batch: EQUAL}}]
- - a queue with a size
  - {sending_queue: {queue_size: 10, num_consumers: 2}}
  - {sending_queue: {queue_size: 81920, num_consumers: 2, sizer: items, batch: EQUAL}}
- - a queue in a file
  - {sending_queue: {storage: file_storage, queue_size: 5}}
  - {sending_queue: {storage: file_storage, queue_size: 40960, sizer: items, batch: EQUAL}}
- - a queue that counts bytes
  - {sending_queue: {sizer: bytes, queue_size: 5}}
  - {sending_queue: {sizer: bytes, queue_size: 5, batch: EQUAL}}
- - a queue of a variable size
  - {sending_queue: {queue_size: "${env:A}"}}
  - {sending_queue: {queue_size: "${env:A}", batch: EQUAL}}
- - batches of its own
  - {sending_queue: {batch: {min_size: 5}}}
  - {sending_queue: {batch: {min_size: 5}, ROOM}}
"""


def filled(value: Any) -> Any:
    """Return a case with EQUAL and ROOM written out."""
    if isinstance(value, dict):
        pairs = [pair for key, item in value.items() for pair in (ROOM.items() if key == "ROOM" else [(key, item)])]
        return {key: filled(item) for key, item in pairs}
    return EQUAL if value == "EQUAL" else value


@pytest.mark.parametrize(("before", "wanted"), cases(EXPORTERS))
def test_the_queue_makes_the_batches(before: Any, wanted: Any) -> None:
    result, done, stays = after(config({"otlp": before}))
    assert (result["exporters"]["otlp"], result["processors"], stays) == (filled(wanted), {}, [])
    assert result["service"]["pipelines"]["traces"]["processors"] == []
    assert done == ["batch removed" if "min_size" in str(before) else "batch → sending_queue.batch of otlp"]
    assert after(result) == (result, [], [])


# What stays as it is before 0.177.0, and what is said of it from then on.
STAYS = """
- [an exporter without batches, {awsxray: null}, "traces: batch > awsxray", "exporter 'awsxray' would send unbatched"]
- [before groups, {otlp: null}, "traces: batch, groupbyattrs > otlp", "'groupbyattrs' finds more in a batch"]
- [no queue, {otlp: {sending_queue: {enabled: false}}}, "traces: batch > otlp", "exporter 'otlp' may have no queue"]
- [a variable, {otlp: {sending_queue: "${env:A}"}}, "traces: batch > otlp", "exporter 'otlp' may have no queue"]
- - a queue that is smaller than a batch
  - {otlp: {sending_queue: {sizer: items}}}
  - "traces: batch > otlp"
  - "the queue of exporter 'otlp' has room for 1000 items, and a batch has 8192."
- - splits
  - {otlp: {sending_queue: {batch: {min_size: 0}}}}
  - "traces: batch > otlp"
  - "exporter 'otlp' only splits what is too large"
"""


@pytest.mark.parametrize(("exporters", "pipelines", "why"), cases(STAYS))
def test_what_only_the_processor_can_do_stays_until_it_is_gone(exporters: Any, pipelines: str, why: str) -> None:
    before = config(exporters, pipelines)
    assert after(before) == (before, [], [])
    (change,) = move_batches_to_exporters(before, TargetBuild(CATALOGUE, "contrib", "0.177.0"))
    assert isinstance(change, ConfigChange) and why in change.reason
    result, done, _stays = after(before, "0.177.0")
    assert (result["processors"], result["exporters"], done) == ({}, exporters, ["batch removed"])


SHARED = """
- [two exporters, "traces: batch > otlp, kafka"]
- [one behind a connector, "traces: batch > otlp, forward\\ntraces/b: forward > x > kafka"]
"""


@pytest.mark.parametrize("pipelines", [one.values[0] for one in cases(SHARED)])
def test_exporters_share_the_batches_of_a_processor_until_they_make_their_own(pipelines: str) -> None:
    before = config({"otlp": None, "kafka": None}, pipelines, connectors={"forward": None})
    assert after(before, "0.170.0") == (before, [], [])
    queues = {name: {"sending_queue": {**ROOM, "batch": EQUAL}} for name in ("otlp", "kafka")}
    assert after(before, "0.171.0")[0]["exporters"] == queues


def test_a_build_with_the_processor_that_has_a_queue_gets_it() -> None:
    manifest = {
        "processors": [{"gomod": "go.opentelemetry.io/collector/processor/queuebatchprocessor v0.158.0"}],
        "exporters": [{"gomod": "go.opentelemetry.io/collector/exporter/otlpexporter v0.158.0"}],
    }
    own, _unknown = CATALOGUE.add_manifest("own", manifest, "0.158.0")
    before = config({"otlp": None, "awsxray": None}, "traces: batch/a > otlp, awsxray", {"batch/a": {"timeout": "1s"}})
    (change,) = move_batches_to_exporters(before, TargetBuild(own, "own", "0.158.0"))
    assert isinstance(change, ConfigChange) and change.description == "batch/a → queuebatch/a"
    result = apply_edits(before, change.edits)
    assert result["processors"] == {"queuebatch/a": {"batch": {**EQUAL, "flush_timeout": "1s"}}}
    assert result["service"]["pipelines"]["traces"]["processors"] == ["queuebatch/a"]
    assert result["exporters"] == before["exporters"]


def test_a_processor_stays_before_an_exporter_whose_settings_the_collector_drops() -> None:
    """Its key has white space in it, so it has no queue that could make the batches."""
    before = config({"otlp_grpc / a": {"endpoint": "a"}}, "traces: batch > otlp_grpc / a")
    assert after(before)[:2] == (before, [])
    listed_with_space = config({"otlp_grpc/a": {"endpoint": "a"}}, "traces: batch > otlp_grpc / a")
    queue = {**ROOM, "batch": EQUAL}
    assert after(listed_with_space)[0]["exporters"] == {"otlp_grpc/a": {"endpoint": "a", "sending_queue": queue}}


def test_each_pipeline_is_judged_by_itself() -> None:
    before = config({"otlp": None, "awsxray": None}, "traces: batch > awsxray\nlogs: batch > otlp")
    result, done, stays = after(before)
    assert (done, stays) == (["batch → sending_queue.batch of otlp"], [])
    assert result["processors"] == {"batch": None}
    assert {key: one["processors"] for key, one in result["service"]["pipelines"].items()} == {
        "traces": ["batch"],
        "logs": [],
    }


def test_equal_processors_are_one_and_different_ones_are_told() -> None:
    pipelines = "traces: batch/a > otlp\nlogs: batch/b > otlp"
    alike = config({"otlp": None}, pipelines, {"batch/a": None, "batch/b": {"timeout": "200ms"}})
    result, done, stays = after(alike)
    assert (len(done), stays) == (2, [])
    assert result["exporters"] == {"otlp": {"sending_queue": {**ROOM, "batch": EQUAL}}}
    differing = config({"otlp": None}, pipelines, {"batch/a": None, "batch/b": {"timeout": "1s"}})
    result, done, stays = after(differing)
    assert (result, done) == (differing, [])
    why = "'batch/a' and 'batch/b' differ, and 'otlp' is behind both"
    assert stays == [f"{why}: make them equal, or give each an exporter of its own."] * 2


def test_exporters_behind_a_connector_that_hands_on_requests_make_the_batches() -> None:
    before = config({"otlp": None}, "logs: batch > routing\nlogs/b: routing > x > otlp", connectors={"routing": {}})
    assert after(before)[0]["exporters"] == {"otlp": {"sending_queue": {**ROOM, "batch": EQUAL}}}
    before = config({"otlp": None}, "logs: batch > count\nmetrics: count > x > otlp", connectors={"count": {}})
    result, done, _stays = after(before)
    assert (result["exporters"], done) == ({"otlp": None}, ["batch removed"])


def test_a_connector_for_two_signals_leads_requests_to_exporters_of_their_own_signal() -> None:
    logs = "logs: batch > forward\nlogs/b: forward > x > otlp"
    traces = "traces: x > forward\ntraces/b: forward > x > kafka"
    before = config({"otlp": None, "kafka": None}, f"{logs}\n{traces}", connectors={"forward": None})
    assert after(before)[0]["exporters"] == {"otlp": {"sending_queue": {**ROOM, "batch": EQUAL}}, "kafka": None}


def test_exporters_behind_a_connector_that_counts_and_hands_on_make_the_batches() -> None:
    pipelines = "traces: batch > datadog\ntraces/b: datadog > x > otlp"
    before = config({"otlp": None}, pipelines, connectors={"datadog": None})
    assert after(before)[0]["exporters"] == {"otlp": {"sending_queue": {**ROOM, "batch": EQUAL}}}


def test_what_sends_no_requests_needs_none() -> None:
    result, done, stays = after(config({"debug": None}, "traces: batch > debug"))
    assert (result["exporters"], result["processors"], done, stays) == ({"debug": None}, {}, ["batch removed"], [])


def test_metadata_divides_queues_since_a_version() -> None:
    before = config({"otlp": None}, batches={"batch": {"metadata_keys": ["a"], "metadata_cardinality_limit": 9}})
    assert after(before, "0.146.0")[2] == ["Queues divide by metadata since 0.147.0."]
    (change,) = move_batches_to_exporters(before, TargetBuild(CATALOGUE, "contrib", "0.147.0"))
    assert change.reason.endswith("A queue has no metadata_cardinality_limit.")


def test_settings_that_are_a_variable_are_told() -> None:
    before = config({"otlp": None}, batches={"batch": "${env:BATCH}"})
    assert after(before) == (before, [], ["Its settings are a variable."])


def test_an_unused_one_goes_when_it_is_gone() -> None:
    before = config({"otlp": None}, "traces: other > otlp")
    assert after(before) == (before, [], [])
    assert after(before, "0.177.0") == ({**before, "processors": {}}, ["batch removed"], [])


def test_a_migration_moves_it_from_the_version_on_that_deprecates_it() -> None:
    before = yaml.safe_load("""
      receivers: {otlp: {protocols: {grpc: null}}}
      processors: {batch: {}}
      exporters: {otlp_grpc: {endpoint: a}}
      service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}}}
    """)
    assert moved(before, "0.164.0") == (before, [])
    assert moved(before, "0.165.0")[0]["exporters"] == {
        "otlp_grpc": {"endpoint": "a", "sending_queue": {**ROOM, "batch": EQUAL}}
    }


@pytest.mark.parametrize("odd", [*ODD, {"processors": {"batch": [5]}}, {"processors": {"batch": 5, 5: 5}}], ids=str)
def test_no_config_is_too_odd(odd: Any) -> None:
    pipelines = {"service": {"pipelines": {"traces": {"processors": ["batch", 5], "exporters": [5, "x"]}, "a": 5}}}
    for before in (odd, {**pipelines, **odd} if isinstance(odd, dict) else odd):
        assert after(before, "0.165.0")[0] == before
