# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import (
    collector_run,
    collector_runtime,
    config_tests,
)

from tests.support.cases import cases

CONFIG = """
receivers: {otlp: {protocols: {grpc: {}}}}
exporters: {debug: {}, otlp_grpc/backend: {endpoint: "b:1", headers: {api-key: hunter2-hunter2}}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [debug, otlp_grpc/backend]}}}
"""
# A machine may have no time for a Collector for a while: only who tests that limit gives a short one.
TESTS = """
config: a.yaml
tests: [{name: one, timeout: 60, given: {spans: [{name: x}]}, expect: {debug: {spans: 1}}}]
"""
# Takes what is sent to its first receiver, and hands nothing on.
SERVER = r"""
import http.server, os, re, signal, sys
port = int(re.search(r"endpoint: 127.0.0.1:(\d+)", open(sys.argv[1].partition("=")[2]).read())[1])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", port), Handler)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("Everything is ready", flush=True)
server.serve_forever()
"""
WORKS = f"exec {sys.executable} -IS -c '{SERVER}' \"$@\""
READY = 'echo "info Everything is ready. Begin running and processing data."'


def program(folder: Path, body: str) -> str:
    file = folder / "collector"
    file.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo x version 0.158.0 && exit\n{body}\n')
    file.chmod(0o755)
    return str(file)


def report(folder: Path, binary: str, tests: str = TESTS, config: str = CONFIG, **more: Any) -> dict[str, Any]:
    (folder / "a.yaml").write_text(config)
    (folder / "a_test.yml").write_text(tests)
    given = {"paths": [str(folder)], "collectors": [], "binary": binary, "output_path": "-"}
    given |= {"trace": False, "update_golden": False, "invariants": False, "resources": None, "isolation": "none"}
    build = dict.fromkeys(("distribution", "version", "distribution_manifest", "distribution_schema"))
    return config_tests.run_config_tests({**given, **build, **more}, print)


@contextmanager
def beside(binary: str, text: str, environment: dict[str, str], seconds: float) -> Iterator[None]:
    command = collector_run.CollectorCommand(binary, text, environment)
    with (
        collector_runtime.open_runtime(is_isolated=False) as place,
        collector_run.run_collector(place, command, seconds),
    ):
        yield


@cases(
    "body, said",
    ("echo 'Error: no such thing' >&2; echo 'and why' >&2; exit 1", "does not start: no such thing and why"),
    ("exec sleep 60", "the Collector is not ready after 1 s: it says nothing. Give a longer timeout."),
    ("echo 2026-01-01 bind: address already in use; exit 1", "other programs take every port"),
    (f"{READY}; echo Error: mine; exit 3", "the Collector ended during the test, with exit code 3: mine"),
    (f"{READY}; exec sleep 60", "the Collector does not take what the test gives"),
)
def test_a_collector_that_does_not_work_fails_its_test_with_its_words(tmp_path: Path, body: str, said: str) -> None:
    (tmp_path / "pids").touch()
    is_too_late = "after 1 s" in said
    tests = TESTS.replace("timeout: 60", "timeout: 1") if is_too_late else TESTS
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, f"echo $$ >> {tmp_path}/pids; {body}"), tests)
    assert said in str(problem.value)
    assert problem.value.facts["tests"][0]["passed"] is False
    started = (tmp_path / "pids").read_text().split()
    assert started or is_too_late
    for pid in started:
        assert not Path("/proc", pid).exists()


def test_an_expression_that_does_not_fit_what_arrived_fails_its_test(tmp_path: Path) -> None:
    expect = '{debug: {jmespath: [{query: "length(spans[0].name)", is: 1}]}}'
    tests = f"config: a.yaml\ntests: [{{name: one, given: {{spans: [{{}}]}}, expect: {expect}}}]"
    with pytest.raises(Problem, match=r"debug: length\(spans\[0\].name\): .*invalid type for value"):
        report(tmp_path, program(tmp_path, WORKS), tests)


def test_a_path_below_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program(tmp_path, "echo Error: it ran >&2; exit 1")
    with pytest.raises(Problem, match="does not start: it ran"):
        report(tmp_path, "./collector")


def test_a_collector_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    binary = program(tmp_path, f"echo $$ > {tmp_path}/pid; trap '' TERM; {READY}; while :; do sleep 0.1; done")
    problem = pytest.raises(Problem, match="does not stop within 1 s")
    with problem, beside(binary, "", {"PATH": os.environ["PATH"]}, 1):
        pass
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_a_collector_that_fails_at_its_end_fails_the_test(tmp_path: Path) -> None:
    binary = program(tmp_path, f"trap 'echo Error: broken; exit 3' TERM; {READY}; while :; do sleep 0.1; done")
    problem = pytest.raises(Problem, match="ended during the test, with exit code 3: broken")
    with problem, beside(binary, "", {"PATH": os.environ["PATH"]}, 60):
        pass


def test_a_collector_that_does_not_hear_its_signal_is_run_again(tmp_path: Path) -> None:
    """A Collector is ready a moment before it listens to signals, and then loses what it holds."""
    again = pytest.raises(collector_run.RetryableError, match="stopped before it sends what it holds")
    with again, beside(program(tmp_path, f"{READY}; exec sleep 60"), "", dict(os.environ), 60):
        pass


LATE = """
import signal, sys, time
print("Everything is ready", flush=True)
end = time.monotonic() + 0.5
while time.monotonic() < end: pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.pause()
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux says whether a process computes")
def test_a_collector_that_computes_after_its_start_is_stopped_when_it_waits(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    binary = program(tmp_path, f"exec {sys.executable} {tmp_path}/late.py")
    with beside(binary, "", dict(os.environ), 60):
        pass


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux ends a process with its parent")
def test_the_collector_ends_with_a_play_that_is_killed(tmp_path: Path) -> None:
    binary = program(tmp_path, f"{READY}; echo $$ > {tmp_path}/pid; exec sleep 600")
    run = (
        "import os, time\n"
        "from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import (\n"
        "    collector_run, collector_runtime)\n"
        f"command = collector_run.CollectorCommand({binary!r}, '', dict(os.environ))\n"
        "with collector_runtime.open_runtime(False) as runtime, collector_run.run_collector(runtime, command, 60):\n"
        "    time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", run], env=environment) as play:
        appeared = _within(60, lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text().strip()))
        play.send_signal(signal.SIGKILL)
    assert appeared
    child = Path("/proc", (tmp_path / "pid").read_text().strip())
    assert _within(60, lambda: not child.exists())


def _within(seconds: float, done: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.02)
    return done()


@cases(
    "change, said",
    ({"binary": "auto"}, "there is no Collector to run the config: PATH has no program otelcol-contrib"),
    ({"binary": "/nowhere/x"}, "the program /nowhere/x does not exist"),
    ({"paths": []}, "there are no tests to run"),
    ({"tests": TESTS.replace("debug:", "debugg:")}, "no exporter 'debugg'; did you mean 'debug'?"),
    ({"tests": TESTS.replace("a.yaml", "b.yaml")}, "b.yaml"),
    ({"tests": TESTS.replace("config: a.yaml", "collector: gateway")}, "there is no collector 'gateway'"),
    (
        {"tests": TESTS.replace("a.yaml", "gateway"), "collectors": [{"name": "gateway"}]},
        "a collector 'gateway' of the inventory (at ",
    ),
    ({"config": f"{CONFIG}---{CONFIG}"}, "a.yaml has 2 configs, and a file of tests is about one"),
    ({"config": "a: [\n"}, "a.yaml"),
)
def test_what_cannot_be_run_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, said: str) -> None:
    given = {"binary": program(tmp_path, READY), **change}
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Problem) as problem:
        report(tmp_path, **given)
    assert said in str(problem.value)


def test_a_folder_without_tests_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.yml").write_text("a: 1")
    with pytest.raises(Problem, match="x has no tests"):
        report(tmp_path, program(tmp_path, READY), paths=[str(tmp_path / "x")])


def test_a_link_to_another_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "linked").symlink_to(tmp_path / "other")
    (tmp_path / "tests" / "a_test.yml").write_text(TESTS)
    with pytest.raises(Problem):
        report(tmp_path, program(tmp_path, "exit 1"), paths=[str(tmp_path / "tests")])
    assert "tests/linked is a link to a folder, and was not followed." in capsys.readouterr().out


def test_another_version_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Problem):
        report(tmp_path, program(tmp_path, "exit 1"), version="0.161.0")
    assert "is version 0.158.0, not 0.161.0. The results are those of that version." in capsys.readouterr().out


@cases("version, name", (None, "otlphttp/0_"), ("0.158.0", "otlp_http/0_"))
def test_the_program_gets_the_names_that_its_version_knows(tmp_path: Path, version: str | None, name: str) -> None:
    binary = program(tmp_path, 'echo "Error: $(grep -o \'otlp_*http/0_\' "${1#*=}" | head -n 1)"; exit 1')
    Path(binary).write_text(Path(binary).read_text().replace("version 0.158.0", "version 0.93.0"))
    with pytest.raises(Problem) as problem:
        report(tmp_path, binary, version=version)
    assert f"does not start: {name}" in str(problem.value)


def test_no_secret_is_in_a_message_or_a_report(tmp_path: Path) -> None:
    output = tmp_path / "out.xml"
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, "echo Error: hunter2-hunter2 >&2; exit 1"), output_path=str(output))
    assert "hunter2" not in str(problem.value) + str(problem.value.facts) + output.read_text()
    assert '<failure message="1 finding">' in output.read_text()


def test_check_mode_writes_no_report(tmp_path: Path) -> None:
    output = tmp_path / "out.xml"
    (tmp_path / "a.yaml").write_text(CONFIG)
    (tmp_path / "a_test.yml").write_text(TESTS)
    arguments = {"paths": [str(tmp_path)], "collectors": [], "binary": program(tmp_path, "exit 1")}
    arguments |= {"trace": False, "update_golden": False, "invariants": False, "resources": None, "isolation": "none"}
    build = dict.fromkeys(("distribution", "version", "distribution_manifest", "distribution_schema"))
    with pytest.raises(Problem):
        config_tests.run_config_tests({**arguments, **build, "output_path": str(output)}, print, check=True)
    assert not output.exists()


def test_tests_of_a_collector_of_another_host_are_not_run_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other_test.yml").write_text(TESTS.replace("config: a.yaml", "collector: gatewy"))
    (tmp_path / "policies_test.yml").write_text("policies: [{name: p, without: [card]}]")
    collectors = [{"name": "gateway", "config": CONFIG, "image": ""}]
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, "exit 1"), collectors=collectors)
    assert [Path(test["file"]).name for test in problem.value.facts["tests"]] == ["a_test.yml"]
    said = capsys.readouterr().out
    assert "other_test.yml was not run: there is no collector 'gatewy'; did you mean 'gateway'?" in said


def test_policies_alone_are_no_tests(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no test of a config that is here"):
        report(tmp_path, program(tmp_path, READY), tests="policies: [{name: p, without: [card]}]")


def test_a_given_program_runs_a_distribution_that_cannot_validate(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="does not start: mine"):
        report(tmp_path, program(tmp_path, "echo Error: mine; exit 1"), distribution="adot")


def test_a_secret_of_the_environment_is_in_no_message(tmp_path: Path) -> None:
    tests = TESTS + "environment: {BACKEND_TOKEN: correct-horse-battery}"
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, 'echo "Error: cannot use $BACKEND_TOKEN as a number"; exit 1'), tests)
    assert "cannot use" in str(problem.value)
    assert "correct-horse-battery" not in str(problem.value) + str(problem.value.facts)


def running(**data: str) -> list[dict[str, Any]]:
    """Return the objects of a collector in a cluster, with these keys of its ConfigMap."""
    metadata = {"name": "gateway", "namespace": "obs"}
    volumes = [{"name": "c", "configMap": {"name": "gateway"}}]
    image = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.99.0"
    flags = [f"--config=/conf/{key}" for key in data]
    mounts = [{"name": "c", "mountPath": "/conf"}]
    containers = [{"name": "c", "image": image, "args": flags, "volumeMounts": mounts}]
    spec = {"template": {"spec": {"containers": containers, "volumes": volumes}}}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data},
    ]


OF_CLUSTER = TESTS.replace("config: a.yaml", "config_map: {name: gateway, namespace: obs}")


@cases(
    "tests, data, said",
    (OF_CLUSTER, {"a.yaml": CONFIG}, "does not start: mine"),
    (OF_CLUSTER, None, "the cluster of the ConfigMap was not read"),
    (OF_CLUSTER, [], "read 0 configs at obs/gateway"),
    (OF_CLUSTER, {"a.yaml": CONFIG, "b.yaml": CONFIG}, "read 2 configs at obs/gateway"),
    (OF_CLUSTER.replace("obs}", "obs, key: b.yaml}"), {"a.yaml": CONFIG, "b.yaml": CONFIG}, "does not start: mine"),
    (OF_CLUSTER.replace("obs}", "shop}"), {"a.yaml": CONFIG}, "Name one of: obs/gateway/a.yaml."),
)
def test_a_config_of_a_running_collector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tests: str, data: Any, said: str
) -> None:
    resources = running(**data) if data else data
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, "echo Error: mine; exit 1"), tests, resources=resources)
    assert said in str(problem.value)
    assert ("is version 0.158.0, not 0.99.0" in capsys.readouterr().out) is ("mine" in said)


OF_COLLECTOR = TESTS.replace("config: a.yaml", "collector: gateway")


@cases(
    "tests, resources, said",
    (OF_COLLECTOR, running(**{"a.yaml": CONFIG}), "before: the Collector does not start: mine"),
    (OF_COLLECTOR, running(**{"a.yaml": CONFIG, "b.yaml": CONFIG}), "before: the cluster has no such collector"),
    (OF_COLLECTOR.replace("gateway", "agent"), running(**{"a.yaml": CONFIG}), "before: the cluster has no such"),
    (OF_COLLECTOR, [], "before: the cluster has no such collector"),
    (OF_COLLECTOR, None, "the cluster of the collector was not read"),
    (TESTS, running(**{"a.yaml": CONFIG}), "only a collector of the inventory runs in its cluster"),
)
def test_a_collector_is_compared_with_what_runs_of_it(tmp_path: Path, tests: str, resources: Any, said: str) -> None:
    facts = {"kind": "Deployment", "namespace": "obs", "config": CONFIG, "image": ""}
    collectors = [{"name": name, **facts} for name in ("gateway", "agent")]
    given = {"collectors": collectors, "resources": resources, "compare": {"running": True}}
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, "echo Error: mine; exit 1"), tests, **given)
    assert said in str([problem.value, problem.value.facts])


def test_a_collector_without_a_test_is_compared_with_generated_telemetry(tmp_path: Path) -> None:
    facts = {"kind": "Deployment", "namespace": "obs", "config": CONFIG, "image": ""}
    given = {"collectors": [{"name": "gateway", **facts}], "resources": running(**{"a.yaml": CONFIG})}
    body = "echo Error: mine; exit 1"
    found = report(tmp_path, program(tmp_path, body), **given, paths=[], compare={"running": True})
    (row,) = found["compared"]
    assert (row["file"], row["name"]) == ("gateway", "generated telemetry")
    assert row["why"].startswith("before: the Collector does not start: mine")
    with pytest.raises(Problem, match="there are no tests to run"):
        report(tmp_path, program(tmp_path, body), **given, paths=[], compare={"binary": "x"})


@cases("image, ran", ("a:1", "first"), ("b:1", "second"), ("c:1", "third"), ("", "first"))
def test_the_program_of_an_image_runs_its_tests(tmp_path: Path, image: str, ran: str) -> None:
    folders = {name: tmp_path / name for name in ("first", "second", "third")}
    for folder in folders.values():
        folder.mkdir()
    taken = {name: program(folder, f"echo Error: {name}; exit 1") for name, folder in folders.items()}
    given = {"collectors": [{"name": "gateway", "config": CONFIG, "image": image}]}
    images = {"a:1": taken["first"], "b:1": taken["second"]}
    with pytest.raises(Problem, match=f"does not start: {ran}"):
        report(tmp_path, taken["third"], OF_COLLECTOR, **given, programs=images)


@cases(
    "paths, files",
    (["a.yaml"], ["a.yaml", "gateway"]),
    (["a.yaml", "a_test.yml"], ["a_test.yml", "gateway"]),
    ([], ["gateway"]),
)
def test_a_config_without_a_test_gets_one(tmp_path: Path, paths: list[str], files: list[str]) -> None:
    collectors = [{"name": "gateway", "config": CONFIG, "image": ""}]
    given = {"paths": [str(tmp_path / name) for name in paths], "invariants": True, "collectors": collectors}
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, "echo Error: mine; exit 1"), **given)
    assert [Path(test["file"]).name for test in problem.value.facts["tests"]] == files
