# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues have their share of the memory, and no request is larger than a receiver takes."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.request_bytes import (
    retry_without_end,
    size_by_bytes,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.memory_sizes import (
    BATCH_BYTES,
    REQUEST_BYTES,
    compute_request_mib,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.quantities import MIB
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

from tests.support.cases import cases

ROOM = 96 * MIB


def queues(exporters: dict[str, Any], *signals: str, room: int = ROOM, **receivers: Any) -> dict[str, Any]:
    """Return the queue of each exporter of these pipelines, which have the processor of recipe baseline."""
    pipelines = {
        signal: {"receivers": list(receivers), "processors": ["batch"], "exporters": list(exporters)}
        for signal in signals or ["logs"]
    }
    config = {
        "receivers": receivers,
        "processors": {"batch": {"send_batch_size": 8192, "timeout": "3s"}},
        "exporters": exporters,
        "service": {"pipelines": pipelines},
    }
    target = TargetBuild(_builds.load_catalogue(), "contrib", "0.158.0")
    made = size_by_bytes(config, target, room)["exporters"]
    return {name: (settings or {}).get("sending_queue") for name, settings in made.items()}


def one(queue: Any, *signals: str, **more: Any) -> dict[str, Any]:
    (found,) = queues({"otlp_http": {"sending_queue": queue}}, *signals, **more).values()
    return dict(found)


def test_all_queues_share_the_memory() -> None:
    batch = {"sizer": "bytes", "min_size": BATCH_BYTES, "max_size": REQUEST_BYTES, "flush_timeout": "3s"}
    assert one({}) == {"sizer": "bytes", "queue_size": ROOM, "batch": batch}
    assert one({}, "logs", "traces", "metrics")["queue_size"] == ROOM // 3
    two = queues({"otlp_http": None, "otlp_grpc": {}}, "logs", "traces")
    assert [queue["queue_size"] for queue in two.values()] == [ROOM // 4] * 2


def test_queues_elsewhere_and_of_a_given_size_have_no_part_in_the_share() -> None:
    kept, given = {"storage": "file_storage", "sizer": "bytes", "queue_size": MIB}, {"sizer": "items", "queue_size": 8}
    found = queues({"otlp_http/a": {}, "otlp_http/b": {"sending_queue": kept}, "otlp_http/c": {"sending_queue": given}})
    assert [queue["queue_size"] for queue in found.values()] == [ROOM, MIB, 8]


@cases(
    "queue, size",
    ({"queue_size": 2}, 2 * REQUEST_BYTES),
    ({"queue_size": 5000}, ROOM),
    ({"queue_size": 5000, "storage": "file_storage"}, 5000 * REQUEST_BYTES),
    ({"storage": "file_storage"}, 1000 * REQUEST_BYTES),
)
def test_a_number_of_requests_becomes_bytes(queue: dict[str, Any], size: int) -> None:
    found = one(queue)
    assert (found["sizer"], found["queue_size"]) == ("bytes", size)


def test_a_queue_holds_the_largest_request_that_a_receiver_takes() -> None:
    """A queue refuses what is larger than itself, again and again."""
    protocols = {"grpc": {"max_recv_msg_size_mib": 16}, "http": {"max_request_body_size": 20 * MIB}}
    assert one({}, room=MIB, otlp={"protocols": protocols})["queue_size"] == 20 * MIB
    assert one({}, room=MIB, otlp={"protocols": {"grpc": None}})["queue_size"] == 4 * MIB
    assert one({}, room=MIB, file_log={"include": ["/var/log/*"]})["queue_size"] == 100 * MIB


@cases(
    "queue, least",
    ({"sizer": "bytes", "queue_size": MIB}, MIB // 4),
    ({"sizer": "items", "queue_size": 1000}, 12_500),
    ({"sizer": "requests", "queue_size": 100}, 12_500),
    ({"sizer": "items", "queue_size": "${env:SIZE}"}, BATCH_BYTES),
    ({"queue_size": "${env:SIZE}"}, BATCH_BYTES),
)
def test_a_queue_has_room_for_several_batches(queue: dict[str, Any], least: int) -> None:
    """One that is full before its batch is large enough would refuse until the batch is sent for its age."""
    found = one(queue)
    assert found["batch"]["min_size"] == least
    assert found["queue_size"] == queue["queue_size"]


@cases(
    "batch",
    {"sizer": "bytes", "min_size": 500_000, "max_size": 800_000, "flush_timeout": "1s"},
    {"sizer": "items", "min_size": 8192},
    {},
)
def test_batches_of_a_recipe_or_a_user_stay(batch: dict[str, Any]) -> None:
    assert one({"batch": batch})["batch"] == batch


@cases("queue", {"enabled": False}, "${env:QUEUE}")
def test_what_may_have_no_queue_gets_none(queue: Any) -> None:
    (found,) = queues({"otlp_http": {"sending_queue": queue}}).values()
    assert found == queue


def test_exporters_that_make_no_batches_stay() -> None:
    found = queues({"debug": None, "prometheus_remote_write": {"endpoint": "a"}, "otlp_http": {}}, "metrics")
    assert (found["debug"], found["prometheus_remote_write"]) == (None, None)
    assert found["otlp_http"]["batch"]["min_size"] == 0


@cases("limit, mib", ("128Mi", 4), ("512Mi", 16), ("1Gi", 32), ("8Gi", 64))
def test_a_receiver_takes_more_with_more_memory(limit: str, mib: int) -> None:
    assert compute_request_mib(limit) == mib
    assert mib * MIB > REQUEST_BYTES


@cases(
    "exporter, last",
    ({"retry_on_failure": {"enabled": True}, "sending_queue": {}}, "0s"),
    ({"retry_on_failure": {"enabled": True, "max_elapsed_time": "9s"}, "sending_queue": {}}, "9s"),
    ({"retry_on_failure": {"enabled": True}, "sending_queue": {"enabled": False}}, None),
    ({"retry_on_failure": {"enabled": True}}, None),
    ({"retry_on_failure": {"enabled": False}, "sending_queue": {}}, None),
)
def test_what_waits_in_a_queue_is_tried_without_end(exporter: dict[str, Any], last: str | None) -> None:
    found = retry_without_end({"exporters": {"otlp_http": exporter, "debug": None}})["exporters"]
    assert found["debug"] is None
    assert found["otlp_http"]["retry_on_failure"].get("max_elapsed_time") == last
    assert retry_without_end({}) == {}


@cases("settings", "gateway:4317", ["gateway:4317"], 4317)
def test_an_exporter_whose_settings_are_no_mapping_stays_for_the_rules(settings: Any) -> None:
    pipelines = {"logs": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}
    config = {"exporters": {"otlp_http": settings}, "service": {"pipelines": pipelines}}
    assert size_by_bytes(config, TargetBuild(_builds.load_catalogue(), "contrib", "0.158.0"), ROOM) == config


@cases("batch", "${env:BATCH}", True, [])
def test_batches_that_are_no_mapping_stay_for_the_rules(batch: Any) -> None:
    assert one({"batch": batch})["batch"] == batch


@cases("receiver", 1, True, None)
def test_a_receiver_whose_name_is_no_text_stays_for_the_rules(receiver: Any) -> None:
    config = {
        "receivers": {"otlp": None, receiver: {}},
        "exporters": {"otlp_http": {}},
        "service": {"pipelines": {"logs": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}},
    }
    target = TargetBuild(_builds.load_catalogue(), "contrib", "0.158.0")
    assert size_by_bytes(config, target, ROOM)["receivers"] == config["receivers"]
