"""Jobs as AWX runs them: packed, run by somebody else in an execution environment, read from their events."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from testinfra.host import Host

from tests.contract import awx_rules
from tests.support import environment
from tests.support.cluster import PROJECT
from tests.support.job import Decoy, Runner, run_decoy

FLEET = PROJECT / "inventories" / "agent_gateway"
TEMPLATES = {item["name"]: item for item in awx_rules.read(PROJECT / "awx/data/templates.yml")["controller_templates"]}
ONE = "OpenTelemetry one cluster - collector"


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with environment.make_environment() as found:
        yield Runner(found, tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module")
def awx_pod() -> Iterator[Decoy]:
    with run_decoy() as found:
        yield found


@pytest.fixture(scope="module")
def credential(awx_pod: Decoy) -> Iterator[dict[str, str]]:
    """Yield what AWX makes of an API token in the environment of a job, with what every pod of its own cluster has."""
    host = _local()
    host.check_output("kubectl create serviceaccount awx -n default")
    host.check_output("kubectl create clusterrolebinding awx --clusterrole=cluster-admin --serviceaccount=default:awx")
    config = json.loads(host.check_output("kubectl config view --raw --minify -o json"))
    cluster = config["clusters"][0]["cluster"]
    ca = cluster.get("certificate-authority-data")
    yield {
        "K8S_AUTH_HOST": cluster["server"],
        "K8S_AUTH_API_KEY": host.check_output("kubectl create token awx -n default"),
        "K8S_AUTH_VERIFY_SSL": "True",
        "K8S_AUTH_SSL_CA_CERT": base64.b64decode(ca).decode()
        if ca
        else Path(cluster["certificate-authority"]).read_text(),
        **awx_pod.variables,
    }
    host.check_output("kubectl delete clusterrolebinding/awx")
    host.check_output("kubectl delete serviceaccount/awx -n default")


def _local() -> Host:
    return Host.get_host("local://")


def test_a_fleet_is_deployed_changed_by_nothing_the_second_time_and_removed(
    runner: Runner, credential: dict[str, str], awx_pod: Decoy
) -> None:
    first = runner.run_job("site.yml", FLEET, {"otel_collector_verify_enabled": True}, credential)
    assert (first.rc, first.status) == (0, "successful"), first.output
    assert first.sum_figure("changed") > 0
    assert any(event["event"] == "runner_on_ok" for event in first.events)
    second = runner.run_job("site.yml", FLEET, {}, credential)
    assert (second.rc, second.sum_figure("changed")) == (0, 0), second.output
    removed = runner.run_job("remove.yml", FLEET, {"otel_hosts": "agent_gateway"}, credential)
    assert removed.rc == 0, removed.output
    assert _local().check_output("kubectl get namespace opentelemetry --ignore-not-found") == ""
    assert awx_pod.visitors == []


def test_answers_of_a_survey_make_a_collector(runner: Runner, credential: dict[str, str], tmp_path: Path) -> None:
    inventory = _one_cluster(tmp_path)
    answers = {item["variable"]: item["default"] for item in TEMPLATES[ONE]["survey_spec"]["spec"]}
    changed = {
        "otel_collector_name": "surveyed",
        "otel_collector_replicas": "2",
        "otel_collector_verify_enabled": "true",
    }
    # What is left empty arrives as null from some versions of AWX.
    given = {**answers, **changed, "otel_collector_version": None}
    made = runner.run_job("site.yml", inventory, given, credential)
    assert made.rc == 0, made.output
    assert any("otlp_probe" in str(event.get("event_data", {}).get("task_action")) for event in made.events)
    found = json.loads(_local().check_output("kubectl -n opentelemetry get deployment surveyed -o json"))
    assert found["status"]["readyReplicas"] == 2
    assert runner.run_job("remove.yml", inventory, given, credential).rc == 0


def test_a_token_without_rights_is_told(runner: Runner, credential: dict[str, str]) -> None:
    host = _local()
    host.check_output("kubectl create serviceaccount nobody -n default")
    token = host.check_output("kubectl create token nobody -n default")
    done = runner.run_job("site.yml", FLEET, {}, {**credential, "K8S_AUTH_API_KEY": token})
    host.check_output("kubectl delete serviceaccount/nobody -n default")
    assert done.rc != 0
    assert "system:serviceaccount:default:nobody" in done.output
    assert token not in done.output


def test_a_config_is_validated_without_a_cluster(runner: Runner, tmp_path: Path) -> None:
    inventory = _one_cluster(tmp_path)
    template = TEMPLATES["OpenTelemetry - validate"]
    answers = {item["variable"]: item.get("default", "") for item in template["survey_spec"]["spec"]}
    wrong = "receivers: {otlp: {protocols: {grpc: {}}}}\nservice: {pipelines: {traces: {receivers: [otlp]}}}\n"
    given = {**template["extra_vars"], **answers, "pipeline_validate_config": wrong}
    done = runner.run_job("validate.yml", inventory, given, {})
    assert done.rc != 0
    assert "no-pipelines" in done.output


RECIPES = ["otlp_ingest", "drop_noise", "debug_output"]
TEST = """
collector: gateway
tests:
  - name: Health checks are dropped
    given: {spans: [{kind: server, attributes: {url.path: /healthz}}, {name: page}]}
    expect: {debug: {spans: [{name: page}]}}
"""


def test_a_config_is_tested_by_the_collector_of_a_pod_and_compared_with_what_runs(
    runner: Runner, credential: dict[str, str], tmp_path: Path
) -> None:
    inventory = _one_cluster(tmp_path)
    folder = runner.environment.home / "tests"
    folder.mkdir()
    (folder / "gateway_test.yml").write_text(TEST)
    collector = {"name": "gateway", "recipes": [one for one in RECIPES if one != "drop_noise"]}
    deployed = runner.run_job("site.yml", inventory, {"otel_collectors": [collector]}, credential)
    assert deployed.rc == 0, deployed.output
    host = _local()
    host.check_output("kubectl create namespace program")
    host.check_output("kubectl label namespace program pod-security.kubernetes.io/enforce=restricted")
    changed = {"otel_collectors": [{**collector, "recipes": RECIPES}]}
    pod = {"pipeline_test_pod_namespace": "program", "pipeline_test_pod_dest": str(runner.environment.home / "taken")}
    tested = runner.run_job("test.yml", inventory, {**changed, **pod, "pipeline_test_paths": [str(folder)]}, credential)
    assert tested.rc == 0, tested.output
    assert "passed" in tested.output
    (program,) = (runner.environment.home / "taken").iterdir()
    given = {"otel_compare_running": True, "otel_collector_tests": [str(folder)]}
    compared = runner.run_job(
        "site.yml", inventory, {**changed, **given, "otel_collector_tests_binary": str(program)}, credential
    )
    assert compared.rc == 0, compared.output
    assert "compared: 0 of 1 the same" in compared.output
    assert "debug: spans: - {name:" in compared.output
    assert json.loads(host.check_output("kubectl -n program get jobs -o json"))["items"] == []
    host.check_output("kubectl delete namespace program --wait=false")
    assert runner.run_job("remove.yml", inventory, changed, credential).rc == 0


def _one_cluster(folder: Path) -> Path:
    hosts = awx_rules.read(PROJECT / "awx/data/inventories.yml")["controller_hosts"]
    listed = {item["name"]: item["variables"] for item in hosts}
    (folder / "inventory").mkdir()
    (folder / "inventory" / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": listed}}))
    return folder / "inventory"
