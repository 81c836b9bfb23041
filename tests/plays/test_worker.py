# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules give the same result in the worker process and in a process of their own.

One playbook runs every case on two hosts, each with an API server of its own. Host `module` spells the path of the
same Python differently, so that Ansible starts it: in a fork that has imported what modules import, and nothing of the
worker (tests/support/module_host.py).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer

from tests.conftest import COLLECTIONS
from tests.contract.source import files, text
from tests.support import plays
from tests.support.servers import serve_answers
from tests.unit.plugins.module_utils.fake_api import FakeApi, status

TOKEN, HIDDEN = "token-of-the-connection", "hidden-in-a-secret"
LABELS = {"app": "a"}
PRINTED = re.compile(r"^\w+: \[(\w+)\](?:: FAILED!)? => (\{$.*?^\})$", re.MULTILINE | re.DOTALL)
PYTHONS = {"worker": sys.executable, "module": f"{Path(sys.executable).parent}/./{Path(sys.executable).name}"}
# What modules import beside the files of Ansible and of this collection.
MODULE_IMPORTS = ("kubernetes.config", "boto3")
SEEN = re.compile(r"Using module file \S+/o11y/opentelemetry/plugins/modules/\w+\.py")


def obj(kind: str, name: str, **more: Any) -> dict[str, Any]:
    scope = {} if kind == "Namespace" else {"namespace": "ns"}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": LABELS, **scope}, **more}


NAMESPACE = obj("Namespace", "ns")
CONFIG, OTHER = obj("ConfigMap", "a", data={"a": "one", 2: "two"}), obj("ConfigMap", "b", data={"b": "{{ text }}"})
SECRET = obj("Secret", "a", stringData={"token": HIDDEN})
BUNDLE = [NAMESPACE, CONFIG, SECRET]
CHANGED = [NAMESPACE, {**CONFIG, "data": {"a": "three"}}, OTHER, SECRET]
DEPLOYMENT = {"kind": "Deployment", "name": "a", "namespace": "ns"}
RUNNING = obj("Deployment", "a", spec={"template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}})
INJECTED = {"instrumentation.opentelemetry.io/inject-java": "ns/a"}
ANNOTATED = {"metadata": {"name": "ns", "annotations": INJECTED}}
# The client of Kubernetes logs what a command says that makes no token, and goes on.
EXEC = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "command": "sh",
    "args": ["-c", "echo $((41 + 1)) failed >&2; false"],
}
KUBECONFIG = {
    "current-context": "a",
    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "a", "user": {"exec": EXEC}}],
}
ACCOUNT = {"namespace": "ns", "service_account": "a", "role_arn": "arn:aws:iam::123456789012:role/a"}
VIA = {"namespace": "ns", "service": "a"}
RECEIVER = "/api/v1/namespaces/ns/services/a:4318/proxy/v1"
BY_KUBECONFIG = {"module": "release_info", "product": "cert-manager", "host": None, "api_key": None}
# A task each, in this order: the arguments of the module, and keywords of the task.
CASES: dict[str, dict[str, Any]] = {
    "created": {"manifests": [*BUNDLE, OTHER], "diff": True},
    "unchanged": {"manifests": BUNDLE},
    "predicted": {"manifests": CHANGED, "diff": True, "check_mode": True},
    "pruned": {"manifests": BUNDLE, "prune_selector": "app=a", "diff": True},
    "warned": {"manifests": [*BUNDLE, obj("ConfigMap", "warned")], "verify_ssl": False},
    "found": {"module": "release_info", "product": "cert-manager"},
    "identified": {"module": "cluster_check"},
    "late": {"module": "rollout_wait", "workloads": [DEPLOYMENT], "timeout_seconds": 0.1},
    "admitted": {"module": "admission_wait", "manifests": [CONFIG]},
    "olm": {"module": "olm_info", "package": "opentelemetry-product"},
    "unsubscribed": {"module": "olm_wait", "namespace": "ns", "subscription": "a", "timeout_seconds": 0.1},
    "unpinned": {"module": "olm_wait", "namespace": "ns", "subscription": "a", "approval": "manual"},
    "restarted": {"module": "workload_restart", "sidecars": [{"namespace": "ns", "name": "a"}]},
    "annotated": {"module": "instrumentation_namespaces", "references": ["ns/a"], "namespaces": [ANNOTATED]},
    "checked": {"module": "instrumentation_check", "requirements": {"languages": ["java"]}, "wait_seconds": 0.1},
    "proven": {"module": "identity_wait", "provider": "irsa", "accounts": [ACCOUNT], "timeout_seconds": 0.1},
    "informed": {"module": "collector_info"},
    "diagnosed": {"module": "collector_diagnose", "collectors": [DEPLOYMENT], "window_seconds": 0},
    "components": {"module": "critical_component_info"},
    "watched": {"module": "collector_wave", "collectors": [DEPLOYMENT]},
    "unsynced": {"module": "sync_wait", "manifests": [RUNNING], "timeout_seconds": 0.1},
    "probed": {"module": "otlp_probe", "via": VIA, "headers": {"x-key": HIDDEN}},
    "not_taken": {"module": "otlp_probe", "via": {**VIA, "service": "b"}, "headers": {"x-key": HIDDEN}},
    "not_sent": {"module": "otlp_probe", "via": VIA, "check_mode": True},
    "refused": {"module": "admission_wait", "manifests": [SECRET, obj("ConfigMap", "denied")]},
    "denied": {"manifests": [*BUNDLE, obj("ConfigMap", "denied")]},
    "not_json": {"manifests": [*BUNDLE, obj("ConfigMap", "not-json")]},
    "crashed": {"manifests": [*BUNDLE, obj("ConfigMap", "no-metadata")]},
    "forgiven": {"manifests": [*BUNDLE, obj("ConfigMap", "no-metadata")], "failed_when": False},
    "line_end": {"module": "release_info", "product": "cert-manager", "api_key": f"{TOKEN}\n"},
    "nobody": {"manifests": BUNDLE, "host": "http://127.0.0.1:1"},
    "quiet": {**BY_KUBECONFIG, "kubeconfig": KUBECONFIG},
    "by_path": {**BY_KUBECONFIG, "kubeconfig": "beside/the-playbook"},
    "absent": {"manifests": BUNDLE, "state": "absent"},
}
# A process says how it crashed in words of its own.
CRASHES = {"crashed", "forgiven"}
CRASH = "'metadata'"
# What the worker leaves to the module.
LEFT: dict[str, dict[str, Any]] = {
    "unknown": {"manifests": BUNDLE, "manifest": 1},
    "nowhere": {"module": "otlp_probe"},
    "environment": {"manifests": BUNDLE, "environment": {"NAME": "value"}},
}
KEYWORDS = {"diff", "check_mode", "environment", "module", "failed_when"}
VERSION = json.dumps({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
# What an API server says that quotes what it got.
DENIED = f"denied the request: {TOKEN} and {HIDDEN}"


def trouble(method: str, path: str) -> RawAnswer | None:
    if "/services/b:" in path:
        return status(404, "NotFound", 'services "b" not found')
    return status(403, "Forbidden", DENIED) if method == "PATCH" and path.endswith("/denied") else None


@contextmanager
def server() -> Iterator[str]:
    """Serve an API server in memory until the end of the block."""
    api = FakeApi()
    api.trouble = trouble
    configs = "/api/v1/namespaces/ns/configmaps"
    api.texts = {f"{configs}/not-json": "<html>", f"{configs}/no-metadata": "{}", "/version": VERSION}
    api.texts |= {f"{RECEIVER}/{signal}": "" for signal in ("traces", "metrics", "logs")}

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> RawAnswer:
        answered = api(handler.command, handler.path, dict(handler.headers), body or None)
        old = handler.command == "PATCH" and handler.path.split("?")[0].endswith("/warned")
        return answered._replace(headers={"Warning": f'299 - "this kind is old, {TOKEN}"'} if old else {})

    with serve_answers(answer) as url:
        yield url


def task(name: str, values: dict[str, Any]) -> dict[str, Any]:
    arguments = {key: value for key, value in values.items() if key not in KEYWORDS}
    keywords = {key: value for key, value in values.items() if key in KEYWORDS}
    module = keywords.pop("module", "bundle_apply")
    call = {f"o11y.opentelemetry.{module}": arguments, "register": f"case_{name}", "ignore_errors": True}
    return {"name": name, **call, **keywords}


def play(
    folder: Path, cases: dict[str, Any], urls: dict[str, str], defaults: dict[str, Any], **environment: str
) -> tuple[dict[str, Any], str]:
    """Run all cases on both hosts. Return the results by host and case, and what Ansible printed."""
    results = "{{ dict(cases | zip(cases | map('regex_replace', '^', 'case_') | map('extract', vars))) | to_json }}"
    written = {"content": results, "dest": f"{folder}/{{{{ inventory_hostname }}}}.json", "mode": "0600"}
    tasks = [*(task(name, values) for name, values in cases.items()), {"ansible.builtin.copy": written}]
    book = {"hosts": "all", "connection": "local", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([{**book, "vars": {"text": "templated", "cases": list(cases)}}]))
    named = {name: {"url": urls[name], "ansible_python_interpreter": python} for name, python in PYTHONS.items()}
    (folder / "beside").mkdir()
    (folder / "beside/the-playbook").write_text(json.dumps(KUBECONFIG))
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": named}}))
    theirs = ("K8S_AUTH_", "ANSIBLE_", "AWS_", "PYTEST_")
    settings = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    settings |= {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_PIPELINING": "true"}
    settings |= {"ANSIBLE_HOME": plays.HOME.name}
    settings["ANSIBLE_INJECT_INVOCATION"] = os.environ.get("ANSIBLE_INJECT_INVOCATION", "true")  # false since 2.21
    command = [plays.ANSIBLE_PLAYBOOK, "-vvv", "-i", str(folder / "hosts.json"), str(folder / "play.yml")]
    done = plays.run_in_fork(command, COLLECTIONS, settings | environment, settings, MODULE_IMPORTS)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in PYTHONS}, done.stdout + done.stderr


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    defaults = {"group/o11y.opentelemetry.kubernetes": {"host": "{{ url }}", "api_key": TOKEN}}
    with ExitStack() as stack:
        urls = {name: stack.enter_context(server()) for name in PYTHONS}
        return play(tmp_path_factory.mktemp("worker"), CASES | LEFT, urls, defaults)


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without durations, random ids, marks of secret values, and what one core adds for a module."""
    ids = "|".join(rf"(?<=\"{name}\": \")\w+" for name in ("probe_id", "resourceVersion", "uid"))
    varying = rf"\*{{3}}[0-9a-f]{{8}}|(?<=127\.0\.0\.1):\d+|{ids}"
    text = re.sub(r"(?<=\"seconds\": )[\d.]+", "0", re.sub(varying, "***", json.dumps(result)))
    found: dict[str, Any] = json.loads(text)
    return {key: value for key, value in found.items() if key not in ("exception", "ansible_parsed")}


@pytest.mark.parametrize("name", sorted({*CASES, *LEFT} - CRASHES))
def test_both_ways_give_the_same_result(name: str, played: tuple[dict[str, Any], str]) -> None:
    here, apart = (shown(played[0][host][name]) for host in PYTHONS)
    assert here == apart


def invocations(output: str, option: str) -> dict[str, list[Any]]:
    """Return the printed results that have an option, by host."""
    printed: dict[str, list[Any]] = {host: [] for host in PYTHONS}
    for host, result in PRINTED.findall(re.sub(r":[\d*]{4,}", ":port", output)):
        if f'"{option}": ' in result and CRASH not in result:
            printed[host].append(shown(json.loads(result)))
    return printed


def test_both_ways_print_the_same(played: tuple[dict[str, Any], str]) -> None:
    printed = invocations(played[1], "api_key")
    assert printed["worker"] == printed["module"]
    assert len(printed["worker"]) == len({*CASES, *LEFT} - CRASHES)
    assert all(one["invocation"]["module_args"] for one in printed["worker"])


def test_a_crash_is_a_failed_result_either_way(played: tuple[dict[str, Any], str]) -> None:
    assert [played[0][host]["forgiven"]["failed"] for host in PYTHONS] == [False, False]
    failed = [played[0][host]["crashed"] for host in PYTHONS]
    assert [(one["failed"], one.get("changed", False)) for one in failed] == [(True, False)] * 2
    assert all(CRASH in json.dumps(one) for one in failed)


def test_the_cases_are_what_they_are_named_for(played: tuple[dict[str, Any], str]) -> None:
    found = played[0]["worker"]
    wanted = {
        "created": "4 created",
        "unchanged": "3 unchanged",
        "predicted": "3 unchanged, 1 changed",
        "pruned": "3 unchanged, 1 pruned",
        "absent": "2 deleted, 1 unchanged",
        "probed": "traces, metrics, logs sent",
    }
    assert {name: found[name]["msg"] for name in wanted} == wanted
    failed = "late unsubscribed unpinned checked refused denied not_json crashed nobody quiet by_path line_end unknown"
    failed += " not_taken nowhere unsynced"
    assert {name for name, result in found.items() if result.get("failed")} == set(failed.split())
    assert found["admitted"]["msg"] == "ready webhooks: 0, accepted objects: 1"
    assert [name for name, result in found.items() if result.get("warnings")] == ["warned", "absent"]


def test_no_secret_is_shown_either_way(played: tuple[dict[str, Any], str]) -> None:
    results, output = played
    # Since 2.22, Ansible hides secrets where it shows a result; what a task registers is as the module says.
    by_ansible = set() if find_spec("ansible.module_utils.secrets") is None else {*LEFT}
    kept = {host: {name: one for name, one in of.items() if name not in by_ansible} for host, of in results.items()}
    assert [secret for secret in (TOKEN, HIDDEN) if secret in json.dumps(kept) + output] == []


def test_the_terminal_shows_nothing_that_libraries_print_or_log(played: tuple[dict[str, Any], str]) -> None:
    assert "process returned" not in played[1], "the client logs that a command failed"
    assert re.findall(r"(?<!exit code 1: )42 failed", played[1]) == [], "the result says it"
    assert "exit code 1: 42 failed" in played[1]


def test_the_worker_starts_a_module_only_for_what_it_leaves_to_it(played: tuple[dict[str, Any], str]) -> None:
    assert len(SEEN.findall(played[1])) == len(CASES) + 2 * len(LEFT)


def test_a_switch_starts_each_module(tmp_path: Path) -> None:
    cases = {name: CASES[name] for name in ("created", "found")}
    defaults = {"group/o11y.opentelemetry.kubernetes": {"host": "{{ url }}", "api_key": TOKEN}}
    folder = tmp_path / "off"
    folder.mkdir()
    with ExitStack() as stack:
        urls = {name: stack.enter_context(server()) for name in PYTHONS}
        results, output = play(folder, cases, urls, defaults, O11Y_WORKER="false")
    assert len(SEEN.findall(output)) == len(cases) * len(PYTHONS)
    assert results["worker"]["created"]["msg"] == results["module"]["created"]["msg"] == "4 created"


def test_every_action_of_the_worker_has_a_case() -> None:
    actions = {Path(path).stem for path in files("plugins/action/*.py") if "(WorkerAction)" in text(path)}
    assert actions == {str(values.get("module", "bundle_apply")) for values in CASES.values()}
