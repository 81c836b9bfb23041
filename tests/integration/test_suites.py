# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The suites of tests/suites, as the playbook `test` runs them with the real Collector, and with spoilt configs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import format_path, iter_leaves
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import planted_records
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.policies import SECRET_KINDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.traits import kind_of
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._isolation import sandbox
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import config_tests, judged_case
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.sink import ArrivedRecords

from tests.contract.role import request
from tests.support import plays
from tests.support.collectors import find_newest_build

from .suite_mutants import mutants

SUITES = plays.ROOT / "tests" / "suites"
CONFIGS = sorted(set(SUITES.glob("*.yaml")))
# Inventories whose collectors have tests beside them: of the recipes, and of each example.
INVENTORIES = sorted(
    {path.parent for path in plays.ROOT.glob("examples/*/*_test.yml")} | {plays.ROOT / "tests" / "recipes"}
)
SUITES_AT_LEAST, KINDS_AT_LEAST, MUTANTS_AT_LEAST, UNSEEN_AT_MOST = 40, 25, 300, 0.05
# Mutants that change nothing that a test can see, with the reason.
UNSEEN = {
    "file_access.yaml *timestamp.*": "times of records are not compared",
    "files.yaml receivers.file_log.storage *": "a test leaves out the storage of positions",
    "gateway.yaml *memory_limiter*": "memory is not short in a test",
    "kubernetes.yaml without *resource_detection.detectors*": "a test leaves out what asks a cloud, and has `env`",
    "last_values.yaml processors.interval.interval *": "a test does not wait for as long",
    "redact.yaml * resource before transform": "they change different attributes",
    "sampling.yaml *decision_wait *": "the Collector decides when it stops",
    "span_names.yaml * span/database before span/routes": "they rename different spans",
    "tenants.yaml *batch*": "batches change no record, and the Collector sends them when it stops",
    "trace_sizes.yaml *wait_duration *": "a test does not wait for as long",
}
# Every how many of the mutants are run. O11Y_MUTANTS=all runs all of them.
STEP = 1 if os.environ.get("O11Y_MUTANTS") == "all" else 30
# How often all suites run in a row, and how many programs compute meanwhile.
RUNS, BURNERS = (int(os.environ.get(name, "0")) for name in ("O11Y_SUITE_RUNS", "O11Y_SUITE_BURNERS"))


@pytest.fixture(scope="module")
def binary() -> str:
    """The Collector that the testbed has built."""
    found = find_newest_build()
    if found is None:
        pytest.skip("the testbed has not built a Collector")
    return str(found)


def run(binary: str, *paths: Path, check: bool = False, **more: Any) -> dict[str, Any]:
    build = dict.fromkeys(("distribution", "version", "distribution_manifest", "distribution_schema"))
    given = {"paths": list(map(str, paths)), "collectors": [], "binary": binary, "output_path": "-"}
    given |= {"trace": False, "update_golden": False, "invariants": False, "resources": None}
    return config_tests.run_config_tests({**given, **build, **more}, print, check)


def test_every_suite_passes_and_leaves_no_process(binary: str, tmp_path: Path) -> None:
    own = tmp_path / "otelcol-contrib"  # other tests run the same program
    own.symlink_to(binary)
    given = {"pipeline_test_paths": [str(SUITES)], "pipeline_test_binary": str(own)}
    given["pipeline_test_output_path"] = str(tmp_path / "out.xml")
    done = plays.run_playbook("-i", "localhost,", "-e", json.dumps(given), "playbooks/test.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out.xml").read_text().count("<testcase") >= len(CONFIGS)
    left = subprocess.run(["pgrep", "-f", f"{own} --config="], capture_output=True, text=True, check=False)
    assert left.stdout == ""


def test_every_exporter_has_what_a_connector_sends_again(binary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exporter gets a flush of a connector after another one, and here that one is slow."""
    keep = ArrivedRecords.keep

    def slow(self: ArrivedRecords, path: str, body: bytes) -> None:
        keep(self, path, body)
        time.sleep(0.2 if path.startswith("/stage") and path.endswith("/metrics") else 0)

    monkeypatch.setattr(ArrivedRecords, "keep", slow)
    tests = run(binary, *[SUITES / "service_map.yaml"] * 8, invariants=True)["tests"]
    assert [test["differences"] for test in tests] == [[]] * 8


@pytest.mark.skipif(not RUNS, reason="O11Y_SUITE_RUNS says how often all suites run in a row")
def test_no_test_of_the_suites_is_flaky(binary: str) -> None:
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BURNERS)]
    try:
        for number in range(1, RUNS + 1):
            begin = time.monotonic()
            tests = run(binary, SUITES)["tests"]
            print(f"run {number}: {len(tests)} tests in {time.monotonic() - begin:.1f} s")
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@pytest.mark.skipif(not RUNS or bool(BURNERS), reason="the time of a machine that does nothing else counts")
def test_a_hundred_tests_take_less_than_a_minute(binary: str) -> None:
    begin = time.monotonic()
    tests = run(binary, *[SUITES] * 6)["tests"]
    print(f"{len(tests)} tests in {time.monotonic() - begin:.1f} s")
    assert len(tests) >= 100
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize(
    ("job", "page", "said"),
    [
        ("node", "this is } no page", 'a scrape failed: strconv.ParseFloat: parsing "is"'),
        ("pods", "orders_total 7", "job pods of prometheus scrapes nothing: its relabel_configs drop the target"),
    ],
)
def test_a_page_that_is_not_scraped_is_said(binary: str, tmp_path: Path, job: str, page: str, said: str) -> None:
    test = {"name": "a", "given": {"pages": {job: page}}, "expect": {"otlp_grpc": {"metrics": 1}}}
    (tmp_path / "a_test.yml").write_text(yaml.safe_dump({"config": str(SUITES / "scrapes.yaml"), "tests": [test]}))
    with pytest.raises(Problem, match=re.escape(said)):
        run(binary, tmp_path)


def golden_test(folder: Path, **environment: str) -> Path:
    """Write a test with a golden file, and return the path of that file."""
    given = {"spans": [{"name": "page", "attributes": {"user.id": 7, "session.id": "s"}}]}
    test = {"name": "a", "given": given, "expect": {"otlp_http/backend": {"golden": "out/golden.yml"}}}
    config = (SUITES / "redact.yaml").read_text().replace("value: production", 'value: "${env:THE_TOKEN}"')
    (folder / "redact.yaml").write_text(config)
    (folder / "a_test.yml").write_text(
        yaml.safe_dump({"config": "redact.yaml", "environment": environment, "tests": [test]})
    )
    return folder / "out" / "golden.yml"


def test_a_golden_file_is_written_and_then_compared(binary: str, tmp_path: Path) -> None:
    file = golden_test(tmp_path, THE_TOKEN="none")
    with pytest.raises(Problem, match="there is no golden file"):
        run(binary, tmp_path)
    assert run(binary, tmp_path, update_golden=True, check=True)["changed"] is True
    assert not file.exists()
    given = {
        "pipeline_test_paths": [str(tmp_path)],
        "pipeline_test_binary": binary,
        "pipeline_test_update_golden": True,
    }
    done = plays.run_playbook("-i", "localhost,", "-e", json.dumps(given), "playbooks/test.yml")
    assert (done.returncode, "changed=1" in done.stdout) == (0, True), done.stdout + done.stderr
    assert yaml.safe_load(file.read_text())["spans"][0]["attributes"]["region"] == "eu"
    assert run(binary, tmp_path)["changed"] is False
    assert run(binary, tmp_path, update_golden=True)["changed"] is False
    file.write_text(file.read_text().replace("region: eu", "region: us"))
    with pytest.raises(Problem, match="expected 'us', got 'eu'"):
        run(binary, tmp_path)


def test_a_golden_file_shows_no_secret(binary: str, tmp_path: Path) -> None:
    file = golden_test(tmp_path, THE_TOKEN="correct-horse-battery")
    with pytest.raises(Problem, match="would show a secret of the config"):
        run(binary, tmp_path, update_golden=True)
    assert not file.exists()


def invariants_of(binary: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Any]:
    """Return what a config without a test does with planted records, and all that left it."""
    seen: list[Any] = []
    run_it = judged_case.run_case
    monkeypatch.setattr(judged_case, "run_case", lambda *given: seen.append(run_it(*given)) or seen[-1])
    try:
        [test] = run(binary, path, invariants=True)["tests"]
    except Problem as problem:
        [test] = problem.facts["tests"]
    return test, {exporter: seen[-1].arrived_records.get(exporter, {}) for exporter in seen[-1].exporters}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_planted_secret_is_stopped_or_named(binary: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test, got = invariants_of(binary, path, monkeypatch)
    assert test["passed"], test
    planted = planted_records.plant_records(yaml.safe_load(path.read_text()))
    assert planted.secrets
    for exporter, by_signal in got.items():
        for signal, found in by_signal.items():
            for place, value in (leaf for record in found for leaf in iter_leaves(record)):
                kinds = {
                    SECRET_KINDS[one.kind][0] for one in planted.secrets if one.value in f"{place} {value}".casefold()
                }
                [said] = [
                    note
                    for note in test["notes"]
                    if note.startswith(f"{exporter}: {format_path((signal, *place))} leaves")
                ] or [""]
                assert all(kind in said for kind in kinds)


def test_a_secret_that_only_one_path_stops_fails_and_so_does_a_lost_record(
    binary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = yaml.safe_load((SUITES / "headers.yaml").read_text())
    config["processors"] = {
        "attributes": {"actions": [{"key": "user.email", "action": "delete"}]},
        "filter": {"logs": {"log_record": ["true"]}},
    }
    config["exporters"] |= {"debug": {}, "otlp_grpc/none": {"endpoint": "b:1"}}
    one = config["service"]["pipelines"]["logs"]
    config["service"]["pipelines"] |= {
        "logs": {**one, "processors": ["attributes"]},
        "logs/all": {**one, "processors": [], "exporters": ["debug"]},
        "logs/none": {**one, "processors": ["filter"], "exporters": ["otlp_grpc/none"]},
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(config))
    test, _got = invariants_of(binary, tmp_path / "a.yaml", monkeypatch)
    assert test["differences"] == [
        "debug: logs.attributes.user.email leaves with an e-mail address,"
        " which the config stops on its way to otlp_grpc"
    ]
    assert "logs/none: filter drops 1 of 1 logs" in test["notes"]


def test_the_collectors_of_an_inventory_without_a_test_are_tested(binary: str, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    given = {"pipeline_test_invariants": True, "pipeline_test_binary": binary}
    done = plays.run_playbook("-i", str(tmp_path / "hosts.yml"), "-e", json.dumps(given), "playbooks/test.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed gateway: Nothing is made up or lost" in " ".join(done.stdout.split())
    assert "otlp_grpc/gateway: spans.attributes.user.email leaves with an e-mail address" in " ".join(
        done.stdout.split()
    )


def test_a_trace_goes_on_after_a_connector(binary: str) -> None:
    tests = run(binary, SUITES / "tenants_test.yml", trace=True)["tests"]
    assert {"traces/a: 1 spans come in", "traces/rest: 2 spans come in"} <= {*tests[0]["trace"]}


INVENTORY = """
all:
  hosts:
    cluster:
      otel_collectors:
        - {name: gateway, recipes: [otlp_ingest, otlp_forward: {endpoint: "otlp.example.com:4317"}]}
"""
EXPECTED = """
collector: gateway
tests: [{name: arrives, given: {spans: [{name: x}]}, expect: {otlp_grpc/gateway: {spans: [{name: %s}]}}}]
"""


@pytest.mark.parametrize(("name", "code"), [("x", 0), ("y", 2)])
def test_a_failed_test_of_the_inventory_stops_the_run(binary: str, tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    (tmp_path / "gateway_test.yml").write_text(EXPECTED % name)
    given = {"otel_collector_tests": [str(tmp_path)], "otel_collector_tests_binary": binary}
    given["otel_collector_tests_isolation"] = "none" if sandbox.why_unavailable() else "required"
    given["otel_collector_output_path"] = str(tmp_path / "out")
    done = plays.run_playbook("-i", str(tmp_path / "hosts.yml"), "-e", json.dumps(given), "playbooks/render.yml")
    assert done.returncode == code, done.stdout + done.stderr
    assert (tmp_path / "out" / "cluster" / "manifests.yml").exists() is (code == 0)
    assert ("otlp_grpc/gateway: spans[0]: name: expected 'y', got 'x'" in done.stdout + done.stderr) is (code == 2)


@pytest.mark.parametrize("folder", INVENTORIES, ids=lambda folder: folder.name)
def test_recipes_and_examples_do_what_their_tests_say(
    binary: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(plays.ROOT)
    variables = yaml.safe_load((folder / "vars.yml").read_text(encoding="utf-8"))
    collectors = _render.build_bundle(_render.judge_request(request(variables)))["collectors"]
    assert all(test["passed"] for test in run(binary, folder, collectors=collectors)["tests"])


def test_every_config_has_tests() -> None:
    tested = {yaml.safe_load(path.read_text()).get("config") for path in SUITES.glob("*_test.yml")}
    assert tested - {None} == {path.name for path in CONFIGS}


def test_the_suites_cover_what_users_run() -> None:
    used = {
        kind_of(name)
        for path in CONFIGS
        for section in ("processors", "connectors")
        for name in yaml.safe_load(path.read_text(encoding="utf-8")).get(section) or ()
    }
    print(f"{len(CONFIGS)} suites with {len(used)} processors and connectors: {', '.join(sorted(used))}")
    assert len(CONFIGS) >= SUITES_AT_LEAST
    assert len(used) >= KINDS_AT_LEAST


ALL = {
    f"{path.name} {name}": changed
    for path in CONFIGS
    for name, changed in mutants(yaml.safe_load(path.read_text(encoding="utf-8")))
}
SEEN = [mutant for mutant in ALL if not any(fnmatchcase(mutant, pattern) for pattern in UNSEEN)]


def test_few_mutants_are_unseen() -> None:
    print(f"{len(ALL)} mutants, of which {len(ALL) - len(SEEN)} change nothing that a test can see")
    idle = [pattern for pattern in UNSEEN if not any(fnmatchcase(mutant, pattern) for mutant in ALL)]
    assert idle == []
    assert len(ALL) >= MUTANTS_AT_LEAST
    assert len(ALL) - len(SEEN) <= UNSEEN_AT_MOST * len(ALL)


@pytest.mark.parametrize("mutant", SEEN[::STEP])
def test_a_spoilt_config_fails_its_tests(binary: str, tmp_path: Path, mutant: str) -> None:
    """One test after the other runs, until one fails. What the Collector itself refuses needs no test."""
    file = mutant.partition(" ")[0]
    (tmp_path / file).write_text(yaml.safe_dump(ALL[mutant], sort_keys=False))
    whole = yaml.safe_load((SUITES / file.replace(".yaml", "_test.yml")).read_text(encoding="utf-8"))
    for number, test in enumerate(whole["tests"]):
        one = tmp_path / f"{number}_test.yml"
        one.write_text(yaml.safe_dump({**whole, "tests": [test]}, sort_keys=False))
        try:
            run(binary, one)
        except Problem as problem:
            if "the Collector does not start" in str(problem):
                pytest.skip("the Collector refuses it")
            return
    pytest.fail(f"{mutant}: no test notices")
