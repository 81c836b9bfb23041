# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one test: a Collector of its own, what the test gives, and what arrived when the Collector has stopped.

A Collector for each test starts in half a second, and nothing of one test is left in the next. When it stops, it sends
what it holds, so no test waits for a batch. A bench is a config with all that is needed to run it on this machine; it
is made by chosen_bench.py. Forecasts use it too. A case is one test (case.py), its ends are the receivers and exporters
that stand for the user's (replaced_ends.py), the sink is the server that gets what exporters send (sink.py), and the
pace is the number of seconds between two scrapes. Private.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ....module_utils._otelcol.config import paths
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import cluster_facts, harness, outreach, records, scrapes
from ....module_utils._otelcol.testing.case import ConfigCase
from ....module_utils._otelcol.testing.checked_pipelines import map_signals_of_receivers
from ....module_utils._otelcol.testing.read_records import keep_latest_points
from ....module_utils._otelcol.testing.replaced_ends import ReplacedEnds
from ....module_utils._otelcol.testing.written_records import build_otlp_request
from .. import _builds
from .._isolation.choice import Isolation
from . import collector_calls, collector_place, collector_run, sink
from .guard import guard_run

_Made = TypeVar("_Made")
_ATTEMPTS = 3
_QUIET_SECONDS = 0.6
"""Seconds without a record after which the lines of a file count as read."""
_LONGEST_WAIT = 4.0
"""Seconds that a test waits for what may never come, because the config drops it."""
_POLL_SECONDS = 0.05
_FAILED_SCRAPE_LOG = re.compile(r'Failed to scrape Prometheus endpoint.{0,999}?"error": ("(?:[^"\\]|\\.){0,999}+")')
"""What a prometheus receiver logs, with its reason in JSON."""


@dataclass(frozen=True)
class Bench:
    """What the tests of one file share."""

    program: str
    """The path of the Collector."""
    config: Mapping[str, Any]
    environment: Mapping[str, str]
    """All variables of the Collector: placeholders, and over them those of the file of tests."""
    cluster_objects: Mapping[str, Any]
    """The facts of the cluster of the test, as users write them, see cluster_facts.py."""
    otlp_http: str
    """The name of that exporter in the version of the Collector."""
    dump_yaml: Callable[[Any], str]
    """Returns data as text in YAML."""
    hide_secrets: Callable[[str], str]
    """Returns a text without the secrets of the config and of its environment."""
    is_traced: bool = False
    """Whether to keep what leaves each processor."""
    may_update_golden: bool = False
    is_check_mode: bool = False
    """Whether nothing is written."""
    locate: Callable[[paths.Path], paths.Position] = lambda _path: paths.Position()
    """Where the user wrote what stands at a path of the config."""
    isolation: Isolation = field(default_factory=Isolation)
    suite_variables: Mapping[str, str] = field(default_factory=dict)
    """The variables that the file of tests sets, as part of `environment`."""
    golden_folders: tuple[Path, ...] = ()
    """Where golden files of the tests may be."""
    extend_config: Callable[[dict[str, Any], ReplacedEnds], None] = lambda _config, _ends: None
    """Adds something to the config of the test, which has its ends already: coverage adds probes so."""


@dataclass(frozen=True)
class BenchOutcome:
    """What reached each exporter, and how the config of the test differs from the user's.

    `arrived_records` has them by exporter, then by kind, such as `spans`.
    """

    arrived_records: Mapping[str, Mapping[str, list[records.Record]]] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    exporters: tuple[str, ...] = ()
    """Those of the config; what leaves a traced processor is under other names."""
    notes: tuple[str, ...] = ()
    """Why less arrived than a test may expect."""


def run_case(bench: Bench, case: ConfigCase) -> BenchOutcome:
    """Return what a test made of a config. Raises Problem if the test cannot be run."""
    return run_with_retries(
        "running the test",
        case.where,
        lambda number: _run_once(bench, case, scrapes.SECONDS_BETWEEN_SCRAPES * 4**number),
    )


def run_with_retries(activity: str, place_label: str, attempt: Callable[[int], _Made]) -> _Made:
    """Return what a run of a Collector makes. A run that failed by chance (RetryableError) is tried again.

    `attempt` gets the number of the try, from 0. Raises Problem if it cannot be run.
    """
    wrong = ""
    for attempt_number in range(_ATTEMPTS):
        try:
            with guard_run(activity, place_label):
                return attempt(attempt_number)
        except collector_run.RetryableError as error:
            wrong = str(error)
    raise Problem(wrong, fix="Run fewer things at once.")


def check_reach(bench: Bench) -> None:
    """Raise Problem for a config that names files or addresses, or may reach out where nothing isolates it."""
    outreach.check_outreach(bench.config, bench.suite_variables)
    if bench.isolation.refuses_outreach:
        outreach.check_without_isolation(bench.config, bench.suite_variables, _is_known)


def build_command(bench: Bench, built_harness: harness.Harness, ends: ReplacedEnds) -> collector_place.CollectorCommand:
    """Return the command of a Collector with the config of a test, which reaches its cluster at the sink."""
    folder = Path(ends.root_folder)
    environment = collector_place.build_environment(bench.environment, bench.isolation.is_isolated)
    if built_harness.uses_cluster:
        environment["KUBECONFIG"] = _write_kubeconfig(folder, ends.sink_address)
    return collector_place.CollectorCommand(bench.program, bench.dump_yaml(built_harness.config), environment, [folder])


def _run_once(bench: Bench, case: ConfigCase, pace: int) -> BenchOutcome:
    check_reach(bench)
    objects = cluster_facts.build_cluster_objects(bench.cluster_objects, "cluster")
    receiver_configs = {
        receiver: (bench.config.get("receivers") or {}).get(receiver)
        for receiver in map_signals_of_receivers(bench.config)
    }
    pages = scrapes.read_scraped_pages(receiver_configs, case.given, case.where)
    record_sink = sink.ArrivedRecords(objects, {page.path: page.texts for page in pages})
    with (
        tempfile.TemporaryDirectory() as folder,
        collector_place.open_place(bench.isolation.is_isolated) as place,
        sink.serve_sink(collector_place.open_listener(place), record_sink) as address,
    ):
        ports = {receiver: collector_place.find_free_port(place) for receiver in receiver_configs}
        prepared_test = _prepare_test(bench, case, ReplacedEnds(address, ports, folder, bench.otlp_http, pages, pace))
        with collector_run.run_collector(place, prepared_test.command, case.timeout) as log_lines:
            with collector_calls.OtlpSender(place, case.timeout) as sender:
                for call in prepared_test.calls:
                    sender.send_call(call)
            flushes = prepared_test.built_harness.flush_count
            notes = _wait_for_scrapes(place, pages, ports, record_sink, flushes=flushes, seconds=case.timeout + pace)
            _wait_for_records(prepared_test, record_sink, case.timeout)
            time.sleep(case.settle_seconds)
        if not flushes and any(record_sink.scraped[page.path] > len(page.texts) > 1 for page in pages):
            raise collector_run.RetryableError("the Collector scrapes a page again before it stops")
        notes += [
            f"a scrape failed: {json.loads(reason)}" for reason in _FAILED_SCRAPE_LOG.findall("\n".join(log_lines))
        ]
        arrived = _remove_folder(
            folder, _keep_latest_points(record_sink.arrived_records) if flushes else record_sink.arrived_records
        )
        return BenchOutcome(
            arrived, prepared_test.built_harness.changes, prepared_test.built_harness.exporters, tuple(notes)
        )


@dataclass(frozen=True)
class _PreparedTest:
    """What a test starts and sends. Its files are in its folder already."""

    built_harness: harness.Harness
    calls: Sequence[collector_calls.Call]
    command: collector_place.CollectorCommand
    has_files: bool


def _prepare_test(bench: Bench, case: ConfigCase, ends: ReplacedEnds) -> _PreparedTest:
    """Build the config of a test, and write its files and how to reach its cluster."""
    folder = Path(ends.root_folder)
    built_harness = harness.build_harness(bench.config, ends, bench.is_traced)
    bench.extend_config(built_harness.config, ends)
    calls: list[collector_calls.Call] = []
    for minute, given_part in enumerate(case.given):
        calls += _build_calls(built_harness, given_part, ends.port_by_receiver, case.where, minute)
    has_files = False
    for given_part in case.given:
        for path, text in (given_part.get("files") or {}).items():
            _write_test_file(folder, str(path), str(text))
            has_files = True
    return _PreparedTest(built_harness, calls, build_command(bench, built_harness, ends), has_files)


def _wait_for_records(prepared_test: _PreparedTest, record_sink: sink.ArrivedRecords, seconds: float) -> None:
    """Wait until the files of a test are read, and until components have sent what they collect."""
    if prepared_test.has_files:
        _wait_until(_LONGEST_WAIT, lambda: harness.TAP_NAME in record_sink.arrived_records)
        _wait_until(seconds, lambda: time.monotonic() - record_sink.last_request_time > _QUIET_SECONDS)
    wait_for_flushes(record_sink, prepared_test.built_harness.flush_count)


def wait_for_flushes(flush_sink: sink.ArrivedRecords, flushes: int) -> None:
    """Wait until components that send by time have sent what they collect, so many times; 0 waits for nothing."""
    earlier_requests = Counter(flush_sink.requests)
    if flushes:
        _wait_until(_LONGEST_WAIT, lambda: max((flush_sink.requests - earlier_requests).values(), default=0) >= flushes)


def _keep_latest_points(arrived: Mapping[str, Any]) -> dict[str, Any]:
    """Return what arrived with the last point of each series that was sent several times."""
    return {
        exporter: {**by_signal, "metrics": keep_latest_points(by_signal.get("metrics", ()))}
        for exporter, by_signal in arrived.items()
    }


def _is_known(section: str, component_id: str) -> bool:
    """Return whether a distribution that we know has a component of this type."""
    return _builds.load_catalogue().is_known(section, component_id.partition("/")[0])


def _wait_for_scrapes(
    place: collector_place.CollectorPlace,
    pages: Sequence[scrapes.ScrapedPage],
    ports: Mapping[str, int],
    record_sink: sink.ArrivedRecords,
    *,
    flushes: int,
    seconds: float,
) -> list[str]:
    """Wait until the pages have been scraped, but for those that the Collector scrapes when it stops.

    Returns which jobs drop their target, so that nothing is scraped.
    """
    dropped_jobs = []
    for page in pages:
        is_kept = collector_calls.keeps_target(place, ports[page.receiver], page.job_name, seconds)
        if not is_kept:
            dropped_jobs.append(
                f"job {page.job_name} of {page.receiver} scrapes nothing: its relabel_configs drop the target"
            )
            continue
        scheduled_scrapes = len(page.texts) - (0 if flushes else 1)
        _wait_until(seconds, partial(record_sink.has_given, page.path, scheduled_scrapes))
    return dropped_jobs


def _build_calls(
    built_harness: harness.Harness,
    given_part: Mapping[str, Any],
    ports: Mapping[str, int],
    place_label: str,
    minute: int,
) -> list[collector_calls.Call]:
    calls = []
    headers = {"Content-Type": "application/json"} | {
        str(name): str(value) for name, value in (given_part.get("headers") or {}).items()
    }
    for name, signal in records.SIGNALS.items():
        if name in given_part:
            receiver = harness.find_receiver_of_signal(
                built_harness, signal, str(given_part.get("to") or ""), place_label
            )
            body = build_otlp_request(name, given_part[name], f"{place_label}.given", minute)
            data = json.dumps(body).encode()
            calls.append(collector_calls.Call(ports[receiver], f"/v1/{signal}", "POST", data, headers))
    return calls


def _write_test_file(root: Path, path: str, text: str) -> None:
    """Write a file below the folder of the test."""
    target = root.joinpath(*(part for part in PurePosixPath(path).parts if part != "/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")


def _write_kubeconfig(folder: Path, address: str) -> str:
    """Write how to reach the cluster of the test; return the path of the file."""
    file = folder / "kubeconfig"
    entry_name = {"name": "test"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{**entry_name, "cluster": {"server": address}}],
        "users": [{**entry_name, "user": {}}],
        "contexts": [{**entry_name, "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    return str(file)


def _wait_until(seconds: float, is_done: Callable[[], bool]) -> None:
    """Wait until something holds; what a config drops never comes, so the end of the time is an end too."""
    deadline = time.monotonic() + seconds
    while not is_done() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _remove_folder(folder: str, arrived: Any) -> Any:
    """Return what arrived without the folder that stands for `/`."""
    if isinstance(arrived, str):
        return arrived.replace(folder, "")
    if isinstance(arrived, Mapping):
        return {key: _remove_folder(folder, child) for key, child in arrived.items()}
    return [_remove_folder(folder, child) for child in arrived] if isinstance(arrived, list) else arrived
