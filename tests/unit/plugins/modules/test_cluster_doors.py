# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for clusters: thin, documented as they are, silent about secrets."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live import bundle_task as bundle_run
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live import release_info
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import connect
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.eks_access import ClusterAccess
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live import rollout_task as rollout
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live import webhook_wait
from ansible_collections.o11y.opentelemetry.plugins.module_utils._sample_app.live import call
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live import probe_task

from tests.support.cases import cases
from tests.support.documentation import read_documentation
from tests.support.modules import patch_module_args

PACKAGE = "ansible_collections.o11y.opentelemetry.plugins.modules"
MANIFEST = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "default", "namespace": "ns"}}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "admission_wait": {"manifests": [MANIFEST]},
    "bundle_apply": {"manifests": [MANIFEST]},
    "cluster_check": {},
    "collector_info": {},
    "critical_component_info": {},
    "instrumentation_check": {"requirements": {}},
    "instrumentation_namespaces": {"references": []},
    "olm_info": {"package": "opentelemetry-product"},
    "olm_wait": {"namespace": "ns", "subscription": "a"},
    "rollout_wait": {"workloads": [{"kind": "Deployment", "name": "a", "namespace": "ns"}]},
    "otlp_probe": {"endpoint": "a:4317"},
    "release_info": {"product": "cert-manager"},
    "workload_restart": {},
    "sample_app_call": {"via": {"namespace": "ns", "service": "a", "port": 8080}, "services": ["a"]},
    "webhook_certificate": {"name": "a", "namespace": "ns", "hosts": ["a.ns.svc"]},
}
MODULES = sorted(ARGUMENTS)
RUNTIME = Path(__file__).resolve().parents[4] / "meta" / "runtime.yml"
GROUP = yaml.safe_load(RUNTIME.read_text(encoding="utf-8"))["action_groups"]["kubernetes"]


def run(name: str, capsys: Any, **arguments: Any) -> dict[str, Any]:
    module = importlib.import_module(f"{PACKAGE}.{name}")
    with patch_module_args(ARGUMENTS[name] | arguments), pytest.raises(SystemExit):
        module.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def spec_of(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    module = importlib.import_module(f"{PACKAGE}.{name}")
    seen: dict[str, Any] = {}

    class StoppedError(Exception):
        pass

    def stop(argument_spec: dict[str, Any], **_more: Any) -> None:
        seen.update(argument_spec)
        raise StoppedError

    monkeypatch.setattr(module, "AnsibleModule", stop)
    with pytest.raises(StoppedError):
        module.main()
    assert CLUSTER_ARG_SPEC.items() <= seen.items()
    return seen


FIELDS = {"type": "str", "required": False, **dict.fromkeys(("choices", "elements", "default", "aliases"))}


def assert_documented(spec: dict[str, Any], docs: dict[str, Any]) -> None:
    assert set(spec) == set(docs)
    for key, option in spec.items():
        said = docs[key]
        for field, default in FIELDS.items():
            assert option.get(field, default) == said.get(field, default), (key, field)
        if "options" in option:
            assert_documented(option["options"], said["suboptions"])


@pytest.mark.parametrize("name", GROUP)
def test_options_are_documented_as_they_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_documented(spec_of(name, monkeypatch), read_documentation(name)["options"])


URL = "https://me:my-password@api.example:6443/k8s/c-1/?token=my-token"
EKS = "https://eks.example"


@cases(
    "given, variable, used",
    ({"host": URL, "api_key": "key-of-mine"}, "", ("https://api.example:6443/k8s/c-1", "")),
    ({"eks_cluster": {"name": "prod"}}, "", (EKS, "prod")),
    ({}, "name=prod region=eu-west-1", (EKS, "prod")),
)
def test_release_info_returns_the_connection_that_it_used(
    given: Any, variable: str, used: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv("O11Y_EKS_CLUSTER", variable)
    monkeypatch.setattr(connect, "find_cluster_access", lambda *_: ClusterAccess(EKS, b"", lambda: "token"))
    monkeypatch.setattr(release_info, "read_installation", lambda *_, **_options: {})
    result = run("release_info", capsys, **given)
    assert (result["server"], result["eks_cluster"]) == used


@pytest.mark.parametrize("name", ["admission_wait", "rollout_wait", "otlp_probe", "sample_app_call"])
def test_check_mode_asks_nobody(name: str, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (webhook_wait, rollout, probe_task, call):
        monkeypatch.setattr(module, "connect", lambda _module: pytest.fail("it connects"))
    result = run(name, capsys, _ansible_check_mode=True)
    assert (result["changed"], result["skipped"]) == (False, True)


def test_secrets_are_in_no_result(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(_cluster: Any, options: Any) -> dict[str, Any]:
        value = options.manifests[0]["stringData"]["token"]
        return {"changed": False, "msg": f"the server echoes {value} in namespace default"}

    monkeypatch.setitem(bundle_run.WORK_BY_STATE, "present", work)
    monkeypatch.setattr(bundle_run, "connect", lambda _module: None)
    manifest = MANIFEST | {"stringData": {"token": "hush-hush"}}
    result = run("bundle_apply", capsys, manifests=[manifest], api_key="key-of-mine", host="https://a")
    assert "hush-hush" not in json.dumps(result)
    assert "key-of-mine" not in json.dumps(result)
    assert "namespace default" in result["msg"]
    given = result.get("invocation")  # ansible-core 2.21 leaves it out
    assert given is None or given["module_args"]["manifests"][0]["stringData"]["token"].startswith("***")


def echo(monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    """Let bundle_apply return a message, without a cluster."""
    monkeypatch.setitem(bundle_run.WORK_BY_STATE, "present", lambda *_: {"changed": False, "msg": message})
    monkeypatch.setattr(bundle_run, "connect", lambda _module: None)


USER = {"token": "my-token-1", "exec": {"env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "aws-key-1"}]}}


@cases(
    "given",
    {"kind": "ConfigMap", "data": {"config": "exporters:\n  x:\n    password: hunter2secret\n"}},
    {"kind": "ConfigMap", "data": {"password": "hunter2secret"}},
    {"kind": "Deployment", "spec": {"env": [{"name": "DD_API_KEY", "value": "hunter2secret"}]}},
    {"kind": "OpenTelemetryCollector", "spec": {"config": {"x": {"headers": {"x-sumo-key": "hunter2secret"}}}}},
    ids=lambda given: str(given)[:60],
)
def test_a_secret_in_any_manifest_is_hidden(given: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    echo(monkeypatch, "hunter2secret in default")
    manifest = {"apiVersion": "v1", "metadata": {"name": "default", "namespace": "ns"}, **given}
    result = run("bundle_apply", capsys, manifests=[manifest])
    assert "hunter2secret" not in str(result)
    assert result["msg"] == "******** in default"


def test_a_kubeconfig_in_memory_does_not_garble_messages(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kubeconfig = {"apiVersion": "v1", "kind": "Config", "users": [{"name": "default", "user": USER}]}
    echo(monkeypatch, "default Config my-token-1 aws-key-1")
    assert run("bundle_apply", capsys, kubeconfig=kubeconfig)["msg"] == "default Config ******** ********"


def test_a_problem_becomes_a_failed_task(capsys: Any) -> None:
    result = run("bundle_apply", capsys, manifests=[{"kind": "ConfigMap"}])
    assert result["failed"]
    assert result["msg"].startswith("the manifest has no apiVersion (at manifests[0]).")


@cases("given", {}, {"csv": ""}, {"_ansible_check_mode": True})
def test_manual_approval_by_olm_needs_a_version(given: Any, capsys: Any) -> None:
    result = run("olm_wait", capsys, approval="manual", host="http://127.0.0.1:1", api_key="key-of-mine", **given)
    wanted = "Install a by OLM in namespace ns: manual approval needs the version that is approved (at csv)."
    assert result["failed"]
    assert result["msg"].startswith(wanted)


def test_how_collectors_change_is_no_secret_but_their_configs_hold_some(
    capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo(monkeypatch, "4317 of 1 pod, rolling, hunter2secret")
    config = {"exporters": {"x": {"password": "hunter2secret"}}}
    change = {"ns/a": {"strategy": "rolling", "share": "1", "config": config}}
    assert run("bundle_apply", capsys, change=change)["msg"] == "4317 of 1 pod, rolling, ********"
