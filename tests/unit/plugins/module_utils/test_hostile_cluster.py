# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a cluster reaches no terminal, log or page as it is: a marker in all fields that the API leaves free.

The marker has an escape sequence, a bidirectional mark, a line end and 100 kB.
"""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import task_end
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.api_errors import explain, explain_outage
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import ApiError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import iter_leaves
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import (
    Problem,
    clean_text,
    make_printable,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.evidence import find_probe_lines
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_senders import (
    NotSentError,
    check_status,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _diagnose, _fleet_report

from tests.contract.source import files, tree
from tests.unit.plugins.module_utils._report.helpers import Fleet, to

from . import fake_api
from ._diagnose.live.diagnose_api import LOG, METRICS, REVIEWS, api, counts, facts, objects
from ._rollout.live.test_rollout_wait import CRASHED, HOMELESS, pod, replica_set, wait, workload
from .fake_api import FakeApi, reply, status

MARK = "\x1b[2J\u202e\nforged line\r\x85" + "x" * 100_000
LONGEST_LINE = 20_000
# What the API server checks: names, words of a list, times and numbers.
CHECKED = {
    *("apiVersion", "kind", "name", "namespace", "uid", "phase", "type", "status", "nodeName", "serviceAccountName"),
    *("mountPath", "fieldPath", "app", "memory", "resourceVersion", "manager", "operation"),
}


def poisoned(value: Any, key: str = "", kept: frozenset[str] = frozenset()) -> Any:
    """Return a tree with the marker behind each text that the API server does not check."""
    if isinstance(value, dict):
        return {name: poisoned(item, name, kept) for name, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, key, kept) for item in value]
    free = isinstance(value, str) and key not in CHECKED | kept and not key.endswith(("At", "Time", "Timestamp"))
    return value + MARK if free else value


def assert_clean(result: Any, *, quotes: bool = True) -> None:
    """Assert that no text has control or format characters, a forged line or an endless one, and that it quotes it."""
    found = list(iter_leaves(result))
    for text in (part for path, value in found for part in (*path, value) if isinstance(part, str)):
        assert not [sign for sign in set(text) if unicodedata.category(sign)[0] == "C" and sign not in "\n\t"]
        assert not any(line.startswith("forged") for line in text.split("\n"))
        assert max(map(len, text.split("\n"))) < LONGEST_LINE
    assert ("forged" in repr(result)) == quotes


class Task:
    """A module whose result is kept."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.no_log_values: set[str] = set()
        self.result: dict[str, Any] = {}
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def exit_json(self, **result: Any) -> None:
        self.result = result

    fail_json = exit_json


def result_of(work: Any) -> dict[str, Any]:
    task = Task()
    task_end.run(task, work)  # type: ignore[arg-type]
    return {**task.result, "warnings": task.warnings}


def events() -> Iterator[dict[str, Any]]:
    for name in ("p", "w"):
        yield {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.1", "namespace": "ns"},
            "involvedObject": {"kind": "Pod", "namespace": "ns", "name": name, "uid": name},
            **{"type": "Warning", "reason": "Failed", "message": "it failed", "lastTimestamp": "2026-01-01T00:09:00Z"},
        }


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    monkeypatch.setitem(fake_api.SERVED, "opentelemetry.io/v1beta1", ("opentelemetrycollectors",))
    made = api()
    conditions = [{"type": "Ready", "status": "False", "reason": "NotReady", "message": "not ready"}]
    for item in [*objects(), *events()]:
        if item["kind"] == "Pod":
            item["status"] = {"phase": "Running", "conditions": conditions, **CRASHED}
        if item["kind"] == "Deployment":
            item["status"] = {"observedGeneration": 1, "replicas": 1, "conditions": conditions}
        data = item.get("data")
        made.add(
            {**poisoned(item), **({"data": {key: f"{text}\n# {MARK}" for key, text in data.items()}} if data else {})}
        )
    entry = '2026-01-01T00:09:59Z 2026-01-01T00:09:59Z\terror\ta.go:1\tfailed{}\t{{"error": "it failed{}"}}'
    made.texts = {
        METRICS: counts(1, 0).replace("otlp_grpc", f"otlp{MARK[:5]}"),
        LOG: entry.format(MARK[:4], "x" * 100_000),
    }
    return made


def diagnosis(made: FakeApi) -> dict[str, Any]:
    return _diagnose.diagnose_collectors(facts(made), _diagnose.list_checks({}), {})


def test_a_diagnosis_and_the_page_about_it_are_clean(cluster: FakeApi, tmp_path: Path) -> None:
    found = diagnosis(cluster)
    assert found["collectors"][0]["problems"]
    assert_clean(found)
    fleet = Fleet().add("w", to("backend:4317"), namespace="ns")
    rendered = {"collectors": [{**one, "config": "{}"} for one in fleet.collectors], "manifests": fleet.manifests}
    seen = {"name": "prod", "asked": True, "problem": MARK, "rendered": rendered, "products": {}}
    arguments = {"path": str(tmp_path / "page.html"), "title": "Fleet", "time": "now"}
    for one in (found, {**found, "collectors": [poisoned(one) for one in found["collectors"]]}):
        clusters = [{**seen, "diagnosis": one}]
        assert_clean(_fleet_report.write_fleet_report({**arguments, "clusters": clusters}, check=False))
        assert_clean((tmp_path / "page.html").read_text())


@pytest.mark.parametrize("code", [403, 500])
def test_a_diagnosis_of_what_the_server_refuses_is_clean(cluster: FakeApi, code: int) -> None:
    cluster.trouble = lambda _method, path: status(code, MARK, MARK) if "/pods" in path or path == REVIEWS else None
    assert_clean(diagnosis(cluster))


@pytest.mark.parametrize("state", [CRASHED, HOMELESS])
def test_a_failed_rollout_is_clean(state: dict[str, Any]) -> None:
    items = (workload(), replica_set(), pod(**state), *events())
    made = FakeApi(*(poisoned(item, kept=frozenset({"reason"})) for item in items))
    made.texts["/api/v1/namespaces/ns/pods/p/log"] = f"Error: {' '.join(MARK.splitlines())}"  # a log has lines
    assert_clean(result_of(lambda: wait(made)))


CAUSES = [{"reason": "FieldManagerConflict", "field": MARK, "message": MARK}]


@pytest.mark.parametrize("more", [{}, {"details": {"causes": CAUSES, "name": "a"}}], ids=["plain", "details"])
@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 422, 429, 500])
def test_an_answer_of_the_server_is_clean(code: int, more: dict[str, Any]) -> None:
    def refused() -> dict[str, Any]:
        raise explain(
            ApiError(code, {"kind": "Status", "message": MARK, "reason": MARK, **more}, "GET", "/api"), "Read"
        )

    assert_clean(result_of(refused), quotes=code != 404 or bool(more))


def test_a_lost_server_is_clean_and_its_address_has_no_password() -> None:
    error = LostError("reset", MARK, "https://me:hunter2@host/?token=hunter3", again=False)
    assert "hunter" not in str(explain_outage(error))
    assert_clean(str(explain_outage(error)))


def test_warnings_of_the_server_are_clean() -> None:
    made = FakeApi()
    made.trouble = lambda _method, _path: reply({})._replace(headers={"Warning": f'299 - "{MARK}"'})
    talking = made.cluster()
    talking.request("GET", "/api")
    assert_clean(result_of(lambda: {"warnings": [*talking.warnings]}))


def test_answers_and_records_of_a_probe_are_clean() -> None:
    with pytest.raises(NotSentError) as caught:
        check_status("https://me:hunter2@host/v1/traces?token=hunter3", 500, MARK.encode())
    assert "hunter" not in str(caught.value)
    assert_clean(str(caught.value))
    assert_clean(find_probe_lines(f"ResourceSpans #0 id1 {MARK[:5]}forged{MARK[20:]}\n", "traces", "id1"))


def test_results_that_are_read_again_stay_as_they_are() -> None:
    assert result_of(lambda: {"resources": [{"data": MARK}], "other": "\x1b"}) == {
        "resources": [{"data": MARK}],
        "other": "\\u001b",
        "warnings": [],
        "invocation": {"module_args": {}},
    }


def test_a_cut_text_says_how_much_is_missing_and_keeps_its_end() -> None:
    assert clean_text("a" * 1_100 + "end").startswith("a" * 800 + "… (103 more characters) …")
    assert clean_text("a" * 1_100 + "end").endswith("aend")
    assert clean_text({"a\n": ["\x1b", 1, None, ("b",)]}) == {"a": ["\\u001b", 1, None, ["b"]]}
    assert "is no number" in str(Problem(f"'{'9' * 100_000}' is no number"))
    assert make_printable("a\nb\tc") == "a\nb\tc"


def test_no_other_place_ends_a_task() -> None:
    """`task_end.run`, its likes for AWS and hosts, and the base classes of actions clean what they hand over."""
    ends = {"exit_json", "fail_json", "warn"}
    found = {
        path
        for path in files("plugins/*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ends
        if ast.unparse(node.func.value).endswith(("module", "_module"))
    }
    edges = ("_kube/live/task_end", "_identity/live/aws_task", "_host_change/live/host_edge")
    assert found == {"plugins/plugin_utils/_worker.py", *(f"plugins/module_utils/{name}.py" for name in edges)}
