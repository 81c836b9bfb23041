# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one test: a Collector of its own, what the test gives, and what arrived when the Collector has stopped.

A case is one test of a file of tests (case.py). Its ends are the receivers and exporters that stand for the user's
(replaced_ends.py), and the sink is the server that gets what exporters send (sink.py). An example: a case gives
`{"to": "otlp", "spans": [{"name": "GET /"}]}`, and the outcome has in `arrived_records` ::

    {"otlp_grpc/backend": {"spans": [{"name": "GET /", "kind": "internal", …}]}}

A Collector for each test starts in half a second, and nothing of one test is left in the next. When it stops, it sends
what it holds, so no test waits for a batch. judged_case.py, comparing.py, probe_runs.py and propose.py run cases.
Private.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from ....module_utils._otelcol.testing import cluster_facts, harness, records, scrapes
from ....module_utils._otelcol.testing.case import ConfigCase
from ....module_utils._otelcol.testing.checked_pipelines import map_signals_of_receivers
from ....module_utils._otelcol.testing.read_records import keep_latest_points
from ....module_utils._otelcol.testing.replaced_ends import ReplacedEnds
from ....module_utils._otelcol.testing.written_records import build_otlp_request
from . import collector_calls, collector_run, collector_runtime, sink
from .arrival_waits import wait_for_flushes, wait_for_read_files, wait_until
from .collector_setup import CollectorSetup, build_command, check_reach
from .guard import run_with_retries

_FAILED_SCRAPE_LOG = re.compile(r'Failed to scrape Prometheus endpoint.{0,999}?"error": ("(?:[^"\\]|\\.){0,999}+")')
"""What a prometheus receiver logs, with its reason in JSON."""


@dataclass(frozen=True)
class RunOutcome:
    """What reached each exporter, and how the config of the test differs from the user's.

    `arrived_records` has them by exporter, then by kind, such as `spans`.
    """

    arrived_records: Mapping[str, Mapping[str, list[records.Record]]] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    exporters: tuple[str, ...] = ()
    """Those of the config; what leaves a traced processor is under other names."""
    notes: tuple[str, ...] = ()
    """Why less arrived than a test may expect."""


def run_case(setup: CollectorSetup, case: ConfigCase) -> RunOutcome:
    """Return what a test made of a config. Raises Problem if the test cannot be run.

    Each try has more seconds between two scrapes (2, 8 and 32), so that a busy machine can follow.
    """
    return run_with_retries(
        "running the test",
        case.where,
        lambda number: _run_once(setup, case, scrapes.SECONDS_BETWEEN_SCRAPES * 4**number),
    )


def _run_once(setup: CollectorSetup, case: ConfigCase, scrape_seconds: int) -> RunOutcome:
    """Return what a test made of a config. Raises RetryableError if chance kept it from running."""
    check_reach(setup)
    objects = cluster_facts.build_cluster_objects(setup.cluster_objects, "cluster")
    receiver_configs = _map_settings_of_receivers(setup.config)
    pages = scrapes.read_scraped_pages(receiver_configs, case.given, case.where)
    arrived = sink.ArrivedRecords(objects, {page.path: page.texts for page in pages})
    with (
        tempfile.TemporaryDirectory() as folder,
        collector_runtime.open_runtime(setup.isolation.is_isolated) as runtime,
        sink.serve_sink(collector_runtime.open_listener(runtime), arrived) as address,
    ):
        ports = {receiver: collector_runtime.find_free_port(runtime) for receiver in receiver_configs}
        ends = ReplacedEnds(address, ports, folder, setup.otlp_http, pages, scrape_seconds)
        prepared_test = _prepare_test(setup, case, ends)
        flushes = prepared_test.built_harness.flush_count
        with collector_run.run_collector(runtime, prepared_test.command, case.timeout) as log_lines:
            _send_calls(prepared_test.calls, runtime, case.timeout)
            seconds_for_scrapes = case.timeout + scrape_seconds
            notes = _wait_for_scrapes(runtime, ends, arrived, flushes=flushes, seconds=seconds_for_scrapes)
            if prepared_test.has_files:
                wait_for_read_files(arrived, case.timeout)
            wait_for_flushes(arrived, flushes)
            time.sleep(case.settle_seconds)
        if not flushes:
            _check_last_scrapes(arrived, pages)
        arrived_records = _keep_latest_points(arrived.arrived_records) if flushes else arrived.arrived_records
        return RunOutcome(
            arrived_records=_remove_folder(folder, arrived_records),
            changes=prepared_test.built_harness.changes,
            exporters=prepared_test.built_harness.exporters,
            notes=(*notes, *_list_failed_scrapes(log_lines)),
        )


def _map_settings_of_receivers(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of each receiver that a pipeline has; None for one without settings."""
    settings_by_receiver = config.get("receivers") or {}
    return {receiver: settings_by_receiver.get(receiver) for receiver in map_signals_of_receivers(config)}


@dataclass(frozen=True)
class _PreparedTest:
    """What a test starts and sends. Its files are in its folder already."""

    built_harness: harness.Harness
    calls: Sequence[collector_calls.Call]
    command: collector_run.CollectorCommand
    has_files: bool


def _prepare_test(setup: CollectorSetup, case: ConfigCase, ends: ReplacedEnds) -> _PreparedTest:
    """Build the config of a test, and write its files and how to reach its cluster."""
    built_harness = harness.build_harness(setup.config, ends, setup.is_traced)
    setup.extend_config(built_harness.config, ends)
    calls: list[collector_calls.Call] = []
    for minute, given_part in enumerate(case.given):
        calls += _build_calls(built_harness, given_part, ends.port_by_receiver, case.where, minute)
    has_files = False
    for given_part in case.given:
        for path, text in (given_part.get("files") or {}).items():
            _write_test_file(Path(ends.root_folder), str(path), str(text))
            has_files = True
    return _PreparedTest(built_harness, calls, build_command(setup, built_harness, ends), has_files)


def _build_calls(
    built_harness: harness.Harness,
    given_part: Mapping[str, Any],
    ports: Mapping[str, int],
    where: str,
    minute: int,
) -> list[collector_calls.Call]:
    """Return the requests that send a part of `given`: one for each signal that the part has records of."""
    calls = []
    headers = {"Content-Type": "application/json"} | {
        str(name): str(value) for name, value in (given_part.get("headers") or {}).items()
    }
    for name, signal in records.SIGNAL_BY_RECORD_KIND.items():
        if name in given_part:
            named_receiver = str(given_part.get("to") or "")
            receiver = harness.find_receiver_of_signal(built_harness, signal, named_receiver, where)
            body = build_otlp_request(name, given_part[name], f"{where}.given", minute)
            data = json.dumps(body).encode()
            calls.append(collector_calls.Call(ports[receiver], f"/v1/{signal}", "POST", data, headers))
    return calls


def _write_test_file(root: Path, path: str, text: str) -> None:
    """Write a file below the folder of the test."""
    target = root.joinpath(*(part for part in PurePosixPath(path).parts if part != "/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")


def _send_calls(
    calls: Sequence[collector_calls.Call], runtime: collector_runtime.CollectorRuntime, timeout: float
) -> None:
    """Send the requests of a test, one after the other."""
    with collector_calls.OtlpSender(runtime, timeout) as sender:
        for call in calls:
            sender.send_call(call)


def _wait_for_scrapes(
    runtime: collector_runtime.CollectorRuntime,
    ends: ReplacedEnds,
    arrived: sink.ArrivedRecords,
    *,
    flushes: int,
    seconds: float,
) -> list[str]:
    """Wait until the pages have been scraped, but for those that the Collector scrapes when it stops.

    Returns a note for each Prometheus job that drops its target, so that nothing is scraped.
    """
    notes = []
    for page in ends.pages:
        port = ends.port_by_receiver[page.receiver]
        if not collector_calls.keeps_target(runtime, port, page.job_name, seconds):
            notes.append(f"job {page.job_name} of {page.receiver} scrapes nothing: its relabel_configs drop the target")
            continue
        scrapes_last_text_at_stop = not flushes
        scheduled_scrapes = len(page.texts) - 1 if scrapes_last_text_at_stop else len(page.texts)
        wait_until(seconds, partial(arrived.has_given, page.path, scheduled_scrapes))
    return notes


def _check_last_scrapes(arrived: sink.ArrivedRecords, pages: Sequence[scrapes.ScrapedPage]) -> None:
    """Raise RetryableError if a page was scraped once too often, so that the points of its last text came twice.

    The receiver scrapes the last text when it stops.
    """
    for page in pages:
        if arrived.scraped[page.path] > len(page.texts) > 1:
            raise collector_run.RetryableError("the Collector scrapes a page again before it stops")


def _list_failed_scrapes(log_lines: Sequence[str]) -> Iterator[str]:
    """Yield a note for each scrape that failed, with the reason that the Collector logged."""
    for reason in _FAILED_SCRAPE_LOG.findall("\n".join(log_lines)):
        yield f"a scrape failed: {json.loads(reason)}"


def _keep_latest_points(arrived_records: Mapping[str, Any]) -> dict[str, Any]:
    """Return what arrived with the last point of each series that was sent several times."""
    return {
        exporter: {**by_signal, "metrics": keep_latest_points(by_signal.get("metrics", ()))}
        for exporter, by_signal in arrived_records.items()
    }


def _remove_folder(folder: str, value: Any) -> Any:
    """Return a value that arrived, at any depth without the folder that stands for `/`.

    With the folder `/tmp/x`, the text `/tmp/x/var/log/app.log` is `/var/log/app.log`.
    """
    if isinstance(value, str):
        return value.replace(folder, "")
    if isinstance(value, Mapping):
        return {key: _remove_folder(folder, child) for key, child in value.items()}
    return [_remove_folder(folder, child) for child in value] if isinstance(value, list) else value
