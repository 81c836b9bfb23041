# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play masks values that are secrets, wherever they are, and no names of Secrets, rules and components."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import plays

SECRET = "hunter2-abc"
KEY = {"DD_API_KEY": {"secret": "datadog", "key": "api-key"}}
INGEST = {"otlp_ingest": {"signals": ["traces"]}}
PIPELINE = {"pipelines": {"traces": {"processors": ["x"]}}}
# A collector, what the run says of it, and what it does not say.
HOSTS: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "site": (
        [INGEST, "datadog_export"],
        {"env": KEY, "config": {"exporters": {"datadog": {"api": {"site": "app.datadoghq.com"}}}}},
        "exporters.datadog.api.site: error [datadog-site] 'app.d",
    ),
    "default": ([INGEST, "datadog_export"], {}, "give it a default: ${env:DD_API_KEY:-VALUE}."),
    "pull": (
        [INGEST, {"otlp_forward": {"endpoint": "x:4317", "ca_secret": "otlp_grpc"}}],
        {"image_pull_secrets": ["gateway"], "config": {"exporters": {"otlp_grpc/gateway": {"enpoint": "x"}}}},
        "exporters.otlp_grpc/gateway.enpoint: error [unknown-field] 'enpoint'",
    ),
    "password": (
        [INGEST, "debug_output"],
        {"config": {"exporters": {"debug": {"password": "debug", "verbosiy": 1}}}},
        "exporters.debug.verbosiy: error [unknown-field]",
    ),
    "note": (
        [INGEST, "debug_output"],
        {"annotations": {"note": f"token={SECRET}"}},
        "[plaintext-secret] `annotations.note` holds",
    ),
    "action": (
        [INGEST, "debug_output"],
        {
            "config": {
                "processors": {"attributes/x": {"actions": [{"key": "api_key", "value": SECRET, "action": "insert"}]}},
                "service": {"pipelines": {"traces": {"processors": ["attributes/x"]}}},
            }
        },
        "actions[0].value: warning [plaintext-secret] attribute api_key is written",
    ),
    "statement": (
        [INGEST, "debug_output"],
        {
            "config": {
                "processors": {"transform": {"trace_statements": [f'set(span.attributes["token"], "{SECRET}")']}},
                "service": {"pipelines": {"traces": {"processors": ["transform"]}}},
            }
        },
        "trace_statements[0]: warning [plaintext-secret] attribute token is written",
    ),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("masks")
    hosts = {
        name: {"otel_collectors": [{"name": name, "recipes": recipes, **options}]}
        for name, (recipes, options, _says) in HOSTS.items()
    }
    done = plays.run(folder, "playbooks/render.yml", hosts, "-vvv")
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("name", HOSTS)
def test_a_message_names_what_it_is_about(said: str, name: str) -> None:
    # ansible-core 2.18 breaks the lines of a warning within words.
    assert "".join(HOSTS[name][2].split()) in "".join(said.split())


def test_no_secret_is_shown_at_any_verbosity(said: str) -> None:
    assert SECRET not in said


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_rendered_objects_can_be_copied(tmp_path: Path, form: str) -> None:
    collector = {"name": "gateway", "recipes": [INGEST, "debug_output"], "annotations": {"note": 'it\'s "50 %": all'}}
    hosts = {"my_cluster": {"otel_collectors": [collector]}}
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    done = plays.run_playbook("-i", str(inventory), "playbooks/render.yml", ANSIBLE_CALLBACK_RESULT_FORMAT=form)
    assert done.returncode == 0, done.stdout
    begin = done.stdout.index("# Objects of host my_cluster\n---\n")
    objects = list(yaml.safe_load_all(done.stdout[begin : done.stdout.index("\n\nTASK", begin)]))
    kinds = ["Namespace", "ServiceAccount", "ConfigMap", "Service", "Deployment", "NetworkPolicy"]
    assert [item["kind"] for item in objects] == kinds
    assert "otlp" in yaml.safe_load(objects[2]["data"]["config"])["receivers"]


OTEL = """
receivers:
  mysql: {endpoint: "db:3306", username: reader, password: otel}
  mysql/b: {endpoint: "db:3306", username: reader, password: $MYSQL_PASSWORD}
exporters: {otlp: {endpoint: "otel-gateway:4317"}}
service: {pipelines: {metrics: {receivers: [mysql, mysql/b], exporters: [otlp]}}}
"""


@pytest.mark.parametrize("name", ["validate", "preflight"])
def test_a_password_like_a_word_hides_no_file_and_no_variable(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "otel"
    folder.mkdir()
    (folder / "otel-a.yaml").write_text(OTEL)
    done = plays.run_playbook("-i", "localhost,", "-e", f"pipeline_validate_paths={folder}", f"playbooks/{name}.yml")
    said = " ".join((done.stdout + done.stderr).split())
    assert "/otel/otel-a.yaml" in said
    assert "********-" not in said, said
    assert "`$MYSQL_PASSWORD` is not replaced. Write `${env:MYSQL_PASSWORD}`" in said
