# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of 100 B to 1 MiB through an agent and a gateway from recipes alone, to a backend that takes 4 MiB over gRPC.

Each record has a name, and the backend counts names: none may be missing.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.cases import cases
from tests.support.cluster import wait_until
from tests.support.record_sizes import MIB, SIZES, run_backend, send_records

from .test_batches import running
from .test_real_collector import program, target  # noqa: F401 - fixtures

PATIENCE = 60.0  # seconds
# Each collector has an address of its own, as a pod has: the recipes decide on the ports.
_ADDRESSES = (f"127.{os.getpid() % 200 + 20}.{number // 250}.{number % 250 + 1}" for number in itertools.count())
SIGNALS = ("logs", "traces", "metrics")
SAMPLED = {"logs": "log_records", "traces": "spans", "metrics": "metric_points"}


@contextmanager
def collector(program: Path, folder: Path, to: str, *recipes: Any, **options: Any) -> Iterator[str]:  # noqa: F811
    """Run the collector that recipes make, which sends to an address, and yield the address of its pod."""
    address, (protocol, _colon, host) = next(_ADDRESSES), to.partition("://")
    forward = {"endpoint": host, "insecure": True} if protocol == "grpc" else {"endpoint": to, "protocol": "http"}
    item = {"name": "one", "recipes": ["otlp_ingest", {"otlp_forward": forward}, *recipes], **options}
    (planned,) = _render.judge_request(_render.RenderRequest([item], {"namespace": "telemetry"}))
    config = json.loads(re.sub("/var/lib/otelcol/queue", str(folder), json.dumps(planned.composed_config.config)))
    config["service"]["extensions"].remove("health_check")
    del config["extensions"]["health_check"]
    file = folder / f"{address}.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    with running(program, file, 4318, address, **environment(address, planned.collector)):
        wait_until("the collector", lambda: "process_uptime" in own_metrics(address), PATIENCE)
        yield address


def environment(address: str, planned: Any) -> dict[str, str]:
    return {"MY_POD_IP": address, "GOGC": "100", "GOMEMLIMIT": planned.memory.gomemlimit}


def own_metrics(address: str) -> str:
    """Return the metrics of a collector, or nothing before it serves them."""
    try:
        with urllib.request.urlopen(f"http://{address}:8888/metrics", timeout=5) as response:
            return str(response.read().decode())
    except OSError:
        return ""


def total(address: str, name: str) -> float:
    """Return the sum of a metric of a collector."""
    found = re.findall(rf"^otelcol_{name}(?:{{.*}})? (\S+)$", own_metrics(address), re.MULTILINE)
    return sum(map(float, found))


@pytest.mark.parametrize("size", SIZES)
@cases("signal, protocol", ("logs", "grpc"), ("logs", "http"), ("traces", "grpc"), ("metrics", "grpc"))
def test_no_record_is_lost_for_its_size(
    program: Path,  # noqa: F811
    tmp_path: Path,
    signal: str,
    protocol: str,
    size: str,
) -> None:
    port = {"grpc": 4317, "http": 4318}[protocol]
    with ExitStack() as tiers:
        stored, address = tiers.enter_context(run_backend())
        gateway = tiers.enter_context(collector(program, tmp_path, f"grpc://{address}"))
        agent = tiers.enter_context(collector(program, tmp_path, f"{protocol}://{gateway}:{port}"))
        sent = send_records(f"{protocol}://{agent}:{port}", signal, *SIZES[size])
        assert len(sent.taken_names) == SIZES[size][1], sent.refusals
        wait_until("all records", lambda: len(stored.stored) == len(sent.taken_names), PATIENCE)
    assert {*sent.taken_names} == {*stored.stored}


@pytest.mark.parametrize("limit", ["128Mi", "512Mi"])
@pytest.mark.parametrize("size", ["100 B", "6 kB"])
def test_full_queues_leave_the_memory_limiter_at_rest(
    program: Path,  # noqa: F811
    tmp_path: Path,
    size: str,
    limit: str,
) -> None:
    """With all three queues of a pod full, a queue refuses the next request; the limiter has no reason to.

    While the queues fill, garbage counts as memory too, so the limiter may refuse for a moment: clients send again.
    """
    length = SIZES[size][0]
    with ExitStack() as tiers:
        stored, address = tiers.enter_context(run_backend())
        stored.overload_event.set()
        gateway = tiers.enter_context(collector(program, tmp_path, f"grpc://{address}", memory_limit=limit))
        wait_until("the capacity of queues", lambda: total(gateway, "exporter_queue_capacity") > 0, PATIENCE)
        queue_bytes = total(gateway, "exporter_queue_capacity") / len(SIGNALS)
        for signal in SIGNALS:
            wait_until("a full queue", lambda signal=signal: fill(gateway, signal, length, queue_bytes), PATIENCE)
        share = total(gateway, "exporter_queue_size") / total(gateway, "exporter_queue_capacity")
        assert share > 0.5
        for signal in SIGNALS:
            wait_until("a queue that refuses", lambda signal=signal: refused_by_the_queue(gateway, signal), PATIENCE)
        heap = total(gateway, "process_runtime_heap_alloc_bytes") / MIB
        print(f"{limit} {size}: queues {share:.0%} full, {heap:.0f} MiB of heap")


def fill(address: str, signal: str, length: int, queue_bytes: float) -> bool:
    """Send twice what a queue holds, and return whether it has refused some."""
    send_records(f"grpc://{address}:4317", signal, length, int(2 * queue_bytes / length), patience=1)
    return failed(address, signal) > 0


def refused_by_the_queue(address: str, signal: str) -> bool:
    """Send more than the rest of a queue holds, and return whether the queue refused it and the limiter nothing."""
    by_queue, by_limiter = failed(address, signal), refused_by_limiter(address)
    send_records(f"grpc://{address}:4317", signal, MIB, 3, patience=0)
    return failed(address, signal) > by_queue and refused_by_limiter(address) == by_limiter


def refused_by_limiter(address: str) -> float:
    return total(address, "processor(?:_memory_limiter)?_refused_[a-z_]+")


def failed(address: str, signal: str) -> float:
    return total(address, f"exporter_enqueue_failed_{SAMPLED[signal]}")
