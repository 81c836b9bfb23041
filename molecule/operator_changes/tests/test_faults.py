"""Changes of collectors by `site` while clients send and try again: a fault is undone, and a harmless change stays.

The changes are those of tests/integration/change_cases.yml. Each collector answers a client only when the backend has
the data. A few changes under the operator by default; all of them, under both backends, with their figures:

    O11Y_CHANGE_CASES=all pytest -s molecule/operator_changes/tests/test_faults.py
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from testinfra.host import Host

from tests.support.change_cases import CASES, CHOSEN_CASES, select_cases
from tests.support.change_site import NAMESPACE, SETTLED_SECONDS, SINK, Case, Site, wait_for_end
from tests.support.cluster import PROJECT, join_printed_lines, node_ips, wait_until
from tests.support.runs import kill_run, start_playbook

BACKENDS = ("kubernetes", "operator") if CHOSEN_CASES else ("operator",)
FEW_FAULTS, FEW_HARMLESS = ("wrong endpoint",), ("exporter renamed",)
# So many collectors change in one run: more of them start more pods at once than a small machine does in time.
TOGETHER = 4
# How long a change is judged, and within how many seconds of the first evidence a fault is undone.
OBSERVE, BAR = 60 if CHOSEN_CASES else 15, 60
CANARY = {"strategy": "canary", "observe_seconds": OBSERVE}
# How long a harmless change may hold data.
HELD = 20
# An address that no pod has, which only the start of the Collector shows.
NO_START = {"extensions": {"zpages": {"endpoint": "203.0.113.1:55679"}}, "service": {"extensions": ["zpages"]}}


class Result(NamedTuple):
    """What became of a change, and the line that says it."""

    case: Case
    is_judged_fault: bool
    """Whether the run names a check that the change did not pass."""
    missing: int
    """Records that clients gave away and the backend does not have."""
    failed_tries: int
    line: str


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The words of the cases: a backend that runs beside the first node."""
    nodes = os.environ.get("O11Y_TESTBED_NODE_NAMESPACES", "").split()
    if not nodes:
        pytest.skip("the simulated backend runs beside a node of the embedded cluster, and there is none")
    requests = str(tmp_path_factory.mktemp("backend"))
    program = [sys.executable, "-m", "tests.support.otlp_backend", node_ips()[0], requests]
    argv, pipe = ["nsenter", f"--net={nodes[0]}", *program], subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, cwd=PROJECT) as server:
        found = json.loads(server.stdout.readline() if server.stdout else "")
        grpc = f"{SINK}.{NAMESPACE}.svc:4317"
        folder = "/dev/shm"  # of a container whose root is read-only
        yield {**found, "backend": f"http://{found['authority']}", "local": "127.0.0.1", "folder": folder, "grpc": grpc}
        server.communicate()


@pytest.fixture(scope="module", params=BACKENDS)
def site(request: pytest.FixtureRequest, host: Host, where: dict[str, str], tmp_path_factory: Any) -> Iterator[Site]:
    """The site with one backend. The operator is there, unless this is the only file of tests that runs."""
    if host.run("kubectl get crd opentelemetrycollectors.opentelemetry.io").rc:
        inventory = f"{PROJECT}/molecule/operator_changes/inventory.yml"
        assert wait_for_end(start_playbook("site", inventory))[0] == 0
    found = Site(host, request.param, where, tmp_path_factory.mktemp("site"))
    yield found
    host.check_output(f"kubectl delete namespace {NAMESPACE}")


def fault(name: str) -> Case:
    facts = CASES["faults"][name]
    return Case(name, facts["change"], {**CANARY, "judge": facts.get("judge", [])}, facts)


def harmless(name: str) -> Case:
    return Case(name, CASES["harmless"][name], CANARY)


def groups() -> Iterator[tuple[Case, ...]]:
    """Yield the cases that change in one run."""
    cases = [
        Case("does not start", NO_START, {}, {"by": ["rollout"]}),
        *map(fault, select_cases("faults", FEW_FAULTS)),
        *map(harmless, select_cases("harmless", FEW_HARMLESS)),
    ]
    yield from (tuple(cases[first : first + TOGETHER]) for first in range(0, len(cases), TOGETHER))


@pytest.mark.parametrize("cases", list(groups()), ids=lambda cases: cases[0].name)
def test_faults_are_undone_and_harmless_changes_stay(site: Site, cases: tuple[Case, ...]) -> None:
    code, output = site.run(cases)
    assert code == 0, output
    with site.watch_pods(cases):
        _code, output = site.run(cases, cases)
        with suppress(AssertionError):  # each that is not is listed below
            wait_until("undone", lambda: all(case.undone_time for case in cases if case.is_fault), SETTLED_SECONDS)
    assert list(wrongs(site, cases, join_printed_lines(output))) == [], output
    assert site.read_records() == ""
    if CHOSEN_CASES:
        site.stop_pods(cases)


def wrongs(site: Site, cases: Iterable[Case], output: str) -> Iterator[str]:
    """Yield what is wrong, and print a line for each change."""
    for case in cases:
        if not case.is_fault:
            wait_for_last_batches(site, case)
        result = describe_result(site, case, output)
        print(result.line)
        is_wrong = is_late(result) if case.is_fault else is_disturbed(site, result)
        if is_wrong:
            yield result.line
        if case.change is NO_START and result.failed_tries:
            yield f"{case.title}: clients have seen it"


def wait_for_last_batches(site: Site, case: Case) -> None:
    """Wait for what is on its way when the clients stop; what does not arrive is missing in the result."""
    with suppress(AssertionError):
        wait_until("all records", lambda: not case.count_missing(site.where["backend"]), HELD)


def describe_result(site: Site, case: Case, output: str) -> Result:
    """Return what became of a change, by what a run printed and what clients and the backend have."""
    said = re.search(rf"Change \w+ {NAMESPACE}/{case.name}\b.*?\[(\w+)\]", output)
    missing = case.count_missing(site.where["backend"])
    failed_tries = sum(load.failed_tries for load in case.loads)
    facts = [
        find_judge(case, said[1] if said else ""),
        describe_undoing(case),
        f"{sum(len(load.taken) for load in case.loads)} requests",
        f"{failed_tries} tries failed",
        describe_losses(case, missing),
    ]
    return Result(case, bool(said), missing, failed_tries, f"{case.title}: {', '.join(facts)}")


def find_judge(case: Case, check: str) -> str:
    """Return what found a fault: the check that the run names, the rollout, or none."""
    return check or ("rollout" if case.change is NO_START else "none")


def describe_undoing(case: Case) -> str:
    if not case.undone_time:
        return "stays"
    return f"undone after {case.undo_seconds:.0f} s, new pods for {case.new_pod_seconds:.0f} s"


def describe_losses(case: Case, missing: int) -> str:
    overdue = sum(len(load.lost) for load in case.loads)
    lost = f"{missing} records lost"
    return f"{lost}, {overdue} requests tried for a minute" if overdue else lost


def is_late(result: Result) -> bool:
    """Whether a fault stays, goes too late, or costs data that its collector would have kept."""
    case = result.case
    if not case.undone_time or case.undo_seconds > BAR:
        return True
    return case.keeps_all_data and result.missing > 0


def is_disturbed(site: Site, result: Result) -> bool:
    """Whether a harmless change is judged a fault, is undone, or has no new pods although it makes a difference."""
    case = result.case
    if result.is_judged_fault or case.undone_time:
        return True
    return case.makes_difference(site.where) != bool(case.ready_time)


def test_a_run_that_is_killed_is_completed_or_undone_by_the_next(site: Site) -> None:
    """When it is killed, all pods have their new configs: one that is good, and one that does worse."""
    cases = bad, good = fault(FEW_FAULTS[0]), harmless(FEW_HARMLESS[0])
    if CHOSEN_CASES:  # what the test before this one has left, otherwise
        assert site.run(cases, [good])[0] == 0
    with site.watch_pods(cases):
        run = site.start(cases, [bad])
        wait_until("new pods", lambda: bad.ready_time and good.ready_time, SETTLED_SECONDS)
        kill_run(run)
        code, output = site.run(cases, [bad])
        wait_until("undone", lambda: bad.undone_time, SETTLED_SECONDS)
    with suppress(AssertionError):  # what clients sent last is on its way
        wait_until("all records", lambda: not bad.count_missing(site.where["backend"]), HELD)
    assert (code, good.undone_time, bad.count_missing(site.where["backend"]), site.read_records()) == (2, 0.0, 0, ""), (
        output
    )
    assert f"The earlier config of {NAMESPACE}/{bad.name} is back and works" in join_printed_lines(output), output
