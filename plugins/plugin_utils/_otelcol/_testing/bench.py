# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one test: a Collector of its own, what the test gives, and what arrived when the Collector has stopped.

A Collector for each test starts in half a second, and nothing of one test is left in the next. When it stops, it sends
what it holds, so no test waits for a batch. Private.
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
from ....module_utils._otelcol.testing.case import Case
from ....module_utils._otelcol.testing.checked_pipelines import fed_receivers
from ....module_utils._otelcol.testing.read_records import latest_points
from ....module_utils._otelcol.testing.replaced_ends import Ends
from ....module_utils._otelcol.testing.written_records import otlp_request
from .. import _builds
from .._isolation.choice import Isolation
from . import collector_calls, collector_place, collector_run, sink
from .guard import guarded_run

_Made = TypeVar("_Made")
_ATTEMPTS = 3
_QUIET = 0.6
"""Seconds without a record after which the lines of a file count as read."""
_LONGEST = 4.0
"""Seconds that a test waits for what may never come, because the config drops it."""
_STEP = 0.05
_NOT_SCRAPED = re.compile(r'Failed to scrape Prometheus endpoint.{0,999}?"error": ("(?:[^"\\]|\\.){0,999}+")')
"""What a prometheus receiver logs, with its reason in JSON."""


@dataclass(frozen=True)
class Bench:
    """What the tests of one file share."""

    program: str
    config: Mapping[str, Any]
    environment: Mapping[str, str]
    cluster: Mapping[str, Any]
    otlp_http: str
    dump: Callable[[Any], str]
    """How YAML is written."""
    hidden: Callable[[str], str]
    """What takes the secrets of the config and of its environment out of a message."""
    traced: bool = False
    """Whether to keep what leaves each processor."""
    update_golden: bool = False
    check: bool = False
    """Whether nothing is written."""
    locate: Callable[[paths.Path], paths.Position] = lambda _path: paths.Position()
    """Where the user wrote what stands at a path of the config."""
    isolation: Isolation = field(default_factory=Isolation)
    given: Mapping[str, str] = field(default_factory=dict)
    """The variables that the file of tests sets, as part of `environment`."""
    folders: tuple[Path, ...] = ()
    """Where golden files of the tests may be."""
    extend: Callable[[dict[str, Any], Ends], None] = lambda _config, _ends: None
    """What adds to the config of the test, which has its ends already."""


@dataclass(frozen=True)
class Outcome:
    """What reached each exporter, by signal, and how the config of the test differs from the user's."""

    got: Mapping[str, Mapping[str, list[records.Record]]] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    exporters: tuple[str, ...] = ()
    """Those of the config; what leaves a traced processor is under other names."""
    notes: tuple[str, ...] = ()
    """Why less arrived than a test may expect."""


def run_case(bench: Bench, case: Case) -> Outcome:
    """Return what a test made of a config. Raises Problem if the test cannot be run."""
    return attempted("running the test", case.where, lambda number: _once(bench, case, scrapes.PACE * 4**number))


def attempted(what: str, where: str, work: Callable[[int], _Made]) -> _Made:
    """Return what a run of a Collector makes. One that may work the next time is run again, with its number.

    Raises Problem if it cannot be run.
    """
    wrong = ""
    for number in range(_ATTEMPTS):
        try:
            with guarded_run(what, where):
                return work(number)
        except collector_run.AgainError as error:
            wrong = str(error)
    raise Problem(wrong, fix="Run fewer things at once.")


def check_reach(bench: Bench) -> None:
    """Raise Problem for a config that names files or addresses, or may reach out where nothing isolates it."""
    outreach.check_outreach(bench.config, bench.given)
    if bench.isolation.careful:
        outreach.check_without_isolation(bench.config, bench.given, _is_known)


def command_of(bench: Bench, built: harness.Harness, ends: Ends) -> collector_place.Command:
    """Return the command of a Collector with the config of a test, which reaches its cluster at the sink."""
    folder = Path(ends.root)
    environment = collector_place.collector_environment(bench.environment, bench.isolation.apart)
    if built.uses_cluster:
        environment["KUBECONFIG"] = _kubeconfig(folder, ends.sink)
    return collector_place.Command(bench.program, bench.dump(built.config), environment, [folder])


def _once(bench: Bench, case: Case, pace: int) -> Outcome:
    check_reach(bench)
    objects = cluster_facts.cluster_objects(bench.cluster, "cluster")
    feeding = {item: (bench.config.get("receivers") or {}).get(item) for item in fed_receivers(bench.config)}
    pages = scrapes.scraped_pages(feeding, case.given, case.where)
    kept = sink.Sink(objects, {page.path: page.texts for page in pages})
    with (
        tempfile.TemporaryDirectory() as folder,
        collector_place.opened_place(bench.isolation.apart) as place,
        sink.listening_sink(collector_place.listener(place), kept) as address,
    ):
        ports = {item: collector_place.free_port(place) for item in feeding}
        test = _prepared(bench, case, Ends(address, ports, folder, bench.otlp_http, pages, pace))
        with collector_run.running_collector(place, test.command, case.timeout) as said:
            with collector_calls.Sender(place, case.timeout) as sender:
                for call in test.calls:
                    sender.send(call)
            flushes = test.built.flushes
            notes = _wait_for_scrapes(place, pages, ports, kept, flushes=flushes, seconds=case.timeout + pace)
            _wait_for_records(test, kept, case.timeout)
            time.sleep(case.settle)
        if not flushes and any(kept.scraped[page.path] > len(page.texts) > 1 for page in pages):
            raise collector_run.AgainError("the Collector scrapes a page again before it stops")
        notes += [f"a scrape failed: {json.loads(why)}" for why in _NOT_SCRAPED.findall("\n".join(said))]
        got = _without(folder, _latest_points(kept.got) if flushes else kept.got)
        return Outcome(got, test.built.changes, test.built.exporters, tuple(notes))


@dataclass(frozen=True)
class _Prepared:
    """What a test starts and sends. Its files are in its folder already."""

    built: harness.Harness
    calls: Sequence[collector_calls.Call]
    command: collector_place.Command
    has_files: bool


def _prepared(bench: Bench, case: Case, ends: Ends) -> _Prepared:
    """Build the config of a test, and write its files and how to reach its cluster."""
    folder = Path(ends.root)
    built = harness.build_harness(bench.config, ends, bench.traced)
    bench.extend(built.config, ends)
    calls: list[collector_calls.Call] = []
    for minute, part in enumerate(case.given):
        calls += _requests(built, part, ends.ports, case.where, minute)
    has_files = False
    for part in case.given:
        for path, text in (part.get("files") or {}).items():
            _write(folder, str(path), str(text))
            has_files = True
    return _Prepared(built, calls, command_of(bench, built, ends), has_files)


def _wait_for_records(test: _Prepared, kept: sink.Sink, seconds: float) -> None:
    """Wait until the files of a test are read, and until components have sent what they collect."""
    if test.has_files:
        _wait(_LONGEST, lambda: harness.TAP in kept.got)
        _wait(seconds, lambda: time.monotonic() - kept.last > _QUIET)
    wait_for_flushes(kept, test.built.flushes)


def wait_for_flushes(kept: sink.Sink, flushes: int) -> None:
    """Wait until components that send by time have sent what they collect, so many times; 0 waits for nothing."""
    before = Counter(kept.requests)
    if flushes:
        _wait(_LONGEST, lambda: max((kept.requests - before).values(), default=0) >= flushes)


def _latest_points(got: Mapping[str, Any]) -> dict[str, Any]:
    """Return what arrived with the last point of each series that was sent several times."""
    return {exporter: {**by, "metrics": latest_points(by.get("metrics", ()))} for exporter, by in got.items()}


def _is_known(section: str, item: str) -> bool:
    """Return whether a distribution that we know has a component of this type."""
    return _builds.tables().known(section, item.partition("/")[0])


def _wait_for_scrapes(
    place: collector_place.Place,
    pages: Sequence[scrapes.Page],
    ports: Mapping[str, int],
    kept: sink.Sink,
    *,
    flushes: int,
    seconds: float,
) -> list[str]:
    """Wait until the pages have been scraped, but for those that the Collector scrapes when it stops.

    Returns which jobs drop their target, so that nothing is scraped.
    """
    dropped = []
    for page in pages:
        known = collector_calls.keeps_target(place, ports[page.receiver], page.job, seconds)
        if not known:
            dropped.append(f"job {page.job} of {page.receiver} scrapes nothing: its relabel_configs drop the target")
            continue
        scheduled = len(page.texts) - (0 if flushes else 1)
        _wait(seconds, partial(kept.has_given, page.path, scheduled))
    return dropped


def _requests(
    built: harness.Harness, part: Mapping[str, Any], ports: Mapping[str, int], where: str, minute: int
) -> list[collector_calls.Call]:
    found = []
    headers = {"Content-Type": "application/json"} | {
        str(name): str(value) for name, value in (part.get("headers") or {}).items()
    }
    for name, signal in records.SIGNALS.items():
        if name in part:
            receiver = harness.receiver_of_signal(built, signal, str(part.get("to") or ""), where)
            body = otlp_request(name, part[name], f"{where}.given", minute)
            data = json.dumps(body).encode()
            found.append(collector_calls.Call(ports[receiver], f"/v1/{signal}", "POST", data, headers))
    return found


def _write(root: Path, path: str, text: str) -> None:
    """Write a file below the folder of the test."""
    target = root.joinpath(*(part for part in PurePosixPath(path).parts if part != "/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")


def _kubeconfig(folder: Path, address: str) -> str:
    """Write how to reach the cluster of the test; return the path of the file."""
    file = folder / "kubeconfig"
    named = {"name": "test"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{**named, "cluster": {"server": address}}],
        "users": [{**named, "user": {}}],
        "contexts": [{**named, "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    return str(file)


def _wait(seconds: float, done: Callable[[], bool]) -> None:
    """Wait until something holds; what a config drops never comes, so the end of the time is an end too."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(_STEP)


def _without(folder: str, value: Any) -> Any:
    """Return what arrived without the folder that stands for `/`."""
    if isinstance(value, str):
        return value.replace(folder, "")
    if isinstance(value, Mapping):
        return {key: _without(folder, item) for key, item in value.items()}
    return [_without(folder, item) for item in value] if isinstance(value, list) else value
