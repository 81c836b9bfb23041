# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of many forms through every playbook: nothing shows one, whether it succeeds, fails, or only checks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.contract.role import request
from tests.support.planted_secrets import PlantedSecrets
from tests.support.watched_runs import (
    ROOT,
    ReadyApi,
    WatchedRun,
    prepare_sample_app,
    run,
    serve_api,
    write_private_json,
)

PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
SUCCESS, FAILURE, CHECK = "success", "failure", "check"
ACCEPTED = [{"rule": rule, "reason": "a test"} for rule in ("plaintext-secret", "missing-field")]
MANAGER = "o11y.opentelemetry"


def collectors(planted: PlantedSecrets, vaulted: str) -> dict[str, Any]:
    """Return the variables of collectors whose inputs all hold secrets."""
    gateway = {
        "name": "gateway",
        "recipes": [],
        "config": planted.build_config(),
        "env": {**planted.build_variables(), "VAULTED_KEY": vaulted},
        "pod_annotations": {"vendor.example/api-key": planted.find_secret("annotation")},
    }
    return {"otel_collectors": [gateway], "otel_collector_suppressions": ACCEPTED}


def live(planted: PlantedSecrets) -> ReadyApi:
    """Return a cluster that has the same collectors with other secrets."""
    api = ReadyApi()
    bundle = _render.build_bundle(_render.judge_request(request(collectors(planted, planted.find_secret("vaulted")))))
    api.apply(MANAGER, *bundle["manifests"])
    for name, item in bundle_pods(bundle):
        api.add(item)
        log = "\n".join(f"2026-01-01T00:00:00Z error password: {secret}" for secret in planted.secrets.values())
        api.texts[f"/api/v1/namespaces/opentelemetry/pods/{name}/log"] = log
    return prepare_sample_app(api, planted)


def bundle_pods(bundle: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return a pod of each workload, which has no ReplicaSet in between."""
    found = []
    for item in bundle["manifests"]:
        if item["kind"] == "Deployment":
            metadata = {**item["spec"]["template"]["metadata"], "name": f"{item['metadata']['name']}-0"}
            metadata |= {"namespace": item["metadata"]["namespace"], "uid": "pod"}
            phase = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            spec = item["spec"]["template"]["spec"]
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": phase}
            found.append((metadata["name"], pod))
    return found


def kubeconfig(folder: Path, server: str, planted: PlantedSecrets) -> dict[str, Any]:
    """Return a kubeconfig whose token comes from a command with secrets in its environment and its arguments."""
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    answer = write_private_json(
        folder / "credential.json", {**credential, "status": {"token": planted.find_secret("exec_token")}}
    )
    command = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "cat",
        "args": [str(answer)],
        "env": [{"name": "VENDOR_API_KEY", "value": planted.find_secret("exec_env")}],
        "interactiveMode": "Never",
    }
    user = {"exec": command}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [
            {"name": "it", "user": user},
            {"name": "other", "user": {"token": planted.find_secret("kubeconfig")}},
        ],
    }


def inputs(folder: Path, playbook: str, server: str, planted: PlantedSecrets) -> dict[str, Any]:
    """Return the variables of an inventory for a playbook; `{{ vaulted }}` is in a file of its own."""
    given = {
        **collectors(planted, "{{ vaulted }}"),
        "otel_collector_kubeconfig": kubeconfig(folder, server, planted),
        "otel_collector_wait_seconds": 5,
        "otel_collector_verify_enabled": False,
        "ansible_python_interpreter": sys.executable,
        "ansible_connection": "local",
    }
    return {**given, **MORE.get(playbook, lambda *_: {})(folder, server, planted)}


def of_render(folder: Path, _server: str, _planted: PlantedSecrets) -> dict[str, Any]:
    return {"otel_collector_output_path": str(folder / "rendered")}


def of_verify(_folder: Path, server: str, planted: PlantedSecrets) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {planted.find_secret('probe')}"}
    probe = {"name": "it", "endpoint": server, "protocol": "http/protobuf", "headers": headers, "timeout_seconds": 2}
    return {"otel_collector_verify_enabled": True, "otel_collector_verify_probes": [probe]}


def of_files(folder: Path, _server: str, planted: PlantedSecrets) -> dict[str, Any]:
    file = folder / "config.yaml"
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(planted.build_config()), encoding="utf-8")
    return {
        "pipeline_validate_paths": [str(file)],
        "pipeline_validate_suppressions": ACCEPTED,
        "pipeline_validate_output_path": str(folder / "findings.xml"),
        "pipeline_validate_format": "junit",
        "pipeline_validate_distribution": "contrib",
        "preflight_cluster": True,
    }


def of_report(folder: Path, _server: str, _planted: PlantedSecrets) -> dict[str, Any]:
    return {"otel_report_path": str(folder / "page.html"), "otel_report_window_seconds": 0}


def of_diagnose(_folder: Path, _server: str, _planted: PlantedSecrets) -> dict[str, Any]:
    return {"diagnose_window_seconds": 0}


def of_judge(folder: Path, _server: str, _planted: PlantedSecrets) -> dict[str, Any]:
    return {"otel_judge_before": True, "otel_judge_path": str(folder / "judged")}


def of_capture(folder: Path, _server: str, planted: PlantedSecrets) -> dict[str, Any]:
    return {"capture_files": [str(telemetry_file(folder, planted))], "capture_path": str(folder / "captures")}


def telemetry_file(folder: Path, planted: PlantedSecrets) -> Path:
    """Write log records that have each secret as a body and a value, as exporter file does."""
    secrets = [{"stringValue": secret} for secret in planted.secrets.values()]
    attributes = [{"key": f"app.value{number}", "value": secret} for number, secret in enumerate(secrets)]
    records = [{"body": secret, "attributes": attributes} for secret in secrets]
    request = {"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": records}]}]}
    return write_private_json(folder / "telemetry.json", request)


def of_alert(folder: Path, server: str, planted: PlantedSecrets) -> dict[str, Any]:
    labels = {"alertname": "OtelCollectorDown", "collector": "gateway"}
    alert = {"status": "firing", "labels": labels, "startsAt": "2026-01-31T12:00:00Z"}
    event = {"ansible_eda": {"event": {"alert": alert}}, "otel_alert_path": str(folder / "alerts")}
    return {**of_diagnose(folder, server, planted), **event}


def of_mirror(folder: Path, _server: str, planted: PlantedSecrets) -> dict[str, Any]:
    instrumentation = {"name": "it", "namespace": "shop", "languages": {"java": {}}, "endpoint": "http://it:4318"}
    return {
        "otel_mirror_path": str(folder / "mirror"),
        "otel_mirror_registry": "registry.example.com",
        "otel_instrumentations": [instrumentation],
    }


def of_sample_app(_folder: Path, server: str, planted: PlantedSecrets) -> dict[str, Any]:
    url, header = (
        f"{server}/found/{{trace_id}}?token={planted.find_secret('url')}",
        {"DD-API-KEY": planted.find_secret("header")},
    )
    to = {"otel_sample_app_endpoint": "http://127.0.0.1:1"}  # one with a password is refused
    return {
        **to,
        "otel_sample_app_backend": {"url": url, "headers": header},
        "otel_sample_app_env": planted.build_variables(),
    }


def of_test(folder: Path, _server: str, planted: PlantedSecrets) -> dict[str, Any]:
    test = {"name": "it", "given": {"logs": [{}]}, "expect": {"splunk_hec/0": {"logs": 1}}}
    environment = {"BACKEND_TOKEN": planted.find_secret("environment")}
    suite = {"collector": "gateway", "environment": environment, "tests": [test]}
    file = write_private_json(folder / "gateway_test.yml", suite)
    return {
        "pipeline_test_paths": [str(file)],
        "pipeline_test_binary": forwarding_program(folder),
        "pipeline_test_isolation": "none",
    }


# Hands on what it gets to all exporters of its config, as a Collector does.
FORWARDS = """
import os, signal, sys, threading, urllib.request, yaml
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
config = yaml.safe_load(open(sys.argv[1].partition("=")[2]))
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for exporter in config["exporters"].values():
            kind = {"Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(exporter["endpoint"] + self.path, body, kind)).read()
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_arguments):
        pass
for receiver in config["receivers"].values():
    host, _colon, port = receiver["protocols"]["http"]["endpoint"].partition(":")
    threading.Thread(target=ThreadingHTTPServer((host, int(port)), Handler).serve_forever, daemon=True).start()
signal.signal(signal.SIGTERM, lambda *_arguments: os._exit(0))
print("Everything is ready", flush=True)
signal.pause()
"""


def forwarding_program(folder: Path) -> str:
    script = folder / "forwards.py"
    script.write_text(FORWARDS, encoding="utf-8")
    return program(folder / "forwards", f'{VERSION}; exec {sys.executable} {script} "$1"')


def of_forecast(folder: Path, _server: str, planted: PlantedSecrets) -> dict[str, Any]:
    exporter = {"endpoint": "http://backend:4318", "headers": {"api-key": planted.find_secret("header")}}
    pipelines = {"logs": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}
    config = {"receivers": {"otlp": {}}, "exporters": {"otlp_http": exporter}, "service": {"pipelines": pipelines}}
    return {
        "forecast_capture": str(telemetry_file(folder, planted)),
        "forecast_before": str(write_private_json(folder / "before.yaml", config)),
        "forecast_after": str(write_private_json(folder / "after.yaml", config)),
        "forecast_binary": forwarding_program(folder),
        "forecast_isolation": "none",
    }


def of_savings(folder: Path, _server: str, planted: PlantedSecrets) -> dict[str, Any]:
    of_config = of_forecast(folder, _server, planted)
    reports = {f"savings_{name}_path": str(folder / f"savings.{name}") for name in ("markdown", "output")}
    return {
        "savings_capture": of_config["forecast_capture"],
        "savings_config": of_config["forecast_before"],
        "savings_binary": of_config["forecast_binary"],
        "savings_isolation": "none",
        **reports,
    }


def of_lock(folder: Path, server: str, planted: PlantedSecrets) -> dict[str, Any]:
    return {**of_mirror(folder, server, planted), "otel_lock_file": str(folder / "otel.lock.yml")}


MORE: dict[str, Callable[[Path, str, PlantedSecrets], dict[str, Any]]] = {
    "render": of_render,
    "verify": of_verify,
    "validate": of_files,
    "test": of_test,
    "preflight": of_files,
    "report": of_report,
    "diagnose": of_diagnose,
    "alert": of_alert,
    "judge": of_judge,
    "capture": of_capture,
    "forecast": of_forecast,
    "savings": of_savings,
    "mirror": of_mirror,
    "lock": of_lock,
    "sample_app": of_sample_app,
}


# The variable that names the Collector which a playbook runs.
PROGRAMS = {"test": "pipeline_test_binary", "forecast": "forecast_binary", "savings": "savings_binary"}


# What the API refuses when a playbook is to fail.
REFUSED = {"preflight": ("GET",)}


# What a Collector answers when it is asked for its version.
VERSION = '[ "$1" = --version ] && echo x version 0.158.0 && exit'


def program(path: Path, body: str) -> str:
    """Write a program in the place of a Collector, and return its path."""
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o700)
    return str(path)


# Names one digest, and writes an empty archive.
SKOPEO = f"""#!/bin/sh
echo sha256:{"0" * 64}
for last; do :; done
case $last in docker-archive:*) last=${{last#docker-archive:}}; : > "${{last%%.tar*}}.tar" ;; esac
"""


def failing(folder: Path, playbook: str, given: dict[str, Any], planted: PlantedSecrets) -> dict[str, Any]:
    """Return the variables with which a playbook fails, beside an API that refuses changes."""
    if playbook in ("mirror", "lock"):
        mirror = f"http://me:{planted.find_secret('mirror')}@127.0.0.1:1/x?token={planted.find_secret('mirror')}"
        given["otel_instrumentations"][0]["endpoint"] = mirror
        return {**given, "cert_manager_provider": "manifest", "cert_manager_mirror": mirror}
    if playbook == "validate":
        return {**given, "pipeline_validate_binary": program(folder / "quotes", 'cat "${2#--config=}" >&2; exit 1')}
    if playbook in PROGRAMS:
        body = f'{VERSION}; echo "Error: `env` $BACKEND_TOKEN `cat "${{1#--config=}}"`" >&2; exit 1'
        return {**given, PROGRAMS[playbook]: program(folder / "quotes", body)}
    if playbook == "capture":
        cut_off = telemetry_file(folder, planted)
        cut_off.write_text(cut_off.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    if playbook == "report":
        wrong = {"name": "odd", "recipes": [{"otlp_forward": {"endpoint": 1, "token": planted.find_secret("recipe")}}]}
        return {**given, "otel_collectors": [*given["otel_collectors"], wrong]}
    if playbook in ("site", "remove", "verify", "preflight", "diagnose", "alert", "sample_app"):
        return {**given, "diagnose_fail_on": "warning"}
    return {name: value for name, value in given.items() if not name.endswith("_suppressions")}


def watched(folder: Path, playbook: str, mode: str) -> tuple[WatchedRun, list[PlantedSecrets]]:
    """Run a playbook in a mode."""
    planted, before = PlantedSecrets(0), PlantedSecrets(1)
    skopeo = folder / "bin" / "skopeo"
    skopeo.parent.mkdir()
    skopeo.write_text(SKOPEO, encoding="utf-8")
    skopeo.chmod(0o700)
    refused = REFUSED.get(playbook, ("PATCH", "DELETE", "POST")) if mode == FAILURE else ()
    with serve_api(live(before), refused) as server:
        given = inputs(folder, playbook, server, planted)
        given = failing(folder, playbook, given, planted) if mode == FAILURE else given
        inventory = write_private_json(folder / "inventory.json", {"all": {"hosts": {"localhost": given}}})
        vault = VaultLib([(DEFAULT_VAULT_ID_MATCH, VaultSecret(b"key"))])
        (folder / "host_vars").mkdir()
        text = vault.encrypt(f"vaulted: {planted.find_secret('vaulted')}\n").decode()
        (folder / "host_vars" / "localhost.yml").write_text(text, encoding="utf-8")
        write_private_json(folder / "key", "")
        (folder / "key").write_text("key", encoding="utf-8")
        arguments = ["-i", str(inventory), "--vault-password-file", str(folder / "key"), "-vvv", "--diff"]
        proxy = {"K8S_AUTH_PROXY": f"http://me:{planted.find_secret('proxy')}@{server.removeprefix('http://')}"}
        proxy |= {"K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH": f"me:{planted.find_secret('basic')}"}
        found = run(
            folder,
            playbook,
            *arguments,
            *(["--check"] if mode == CHECK else []),
            **proxy,
            PATH=f"{skopeo.parent}:{Path(sys.executable).parent}:/usr/bin:/bin",
            AWS_SECRET_ACCESS_KEY=planted.secrets["AWS_SECRET_ACCESS_KEY"],
        )
    return found, [planted, before]


@pytest.mark.parametrize("mode", [SUCCESS, FAILURE, CHECK])
@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_no_secret_is_shown(playbook: str, mode: str, tmp_path: Path) -> None:
    found, generations = watched(tmp_path, playbook, mode)
    output = found.shown_texts["output"]
    assert (found.exit_code != 0) == (mode == FAILURE), output
    assert "ansible_server.py" in found.shown_texts["processes"] and found.shown_texts["results"]
    for where, text in found.shown_texts.items():
        leaked = [(one.generation, form) for one in generations for form in one.find_leaked_forms(text)]
        assert not leaked, (
            where,
            leaked,
            [line for line in text.splitlines() for one in generations if one.find_leaked_forms(line)],
        )


def test_there_are_sixty_secrets_and_more() -> None:
    planted = PlantedSecrets(0)
    collectors(planted, planted.find_secret("vaulted"))
    assert len(set(planted.secrets.values())) >= 60
