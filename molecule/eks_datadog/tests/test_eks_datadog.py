"""A trace of two services goes to Datadog's endpoint for OTLP: its own exporter cannot be built for tests."""

from __future__ import annotations

import base64
import os
import warnings

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from testinfra.host import Host

from tests.support.aws import Aws, read_spans, role_arn
from tests.support.cluster import PROJECT, Cluster, wait_until
from tests.support.eks.scenario import DATASTORE, FRONTEND, Scenario

PLACE = "/api/v2/spans/events"
OPTIONS = " ".join(
    f"-i {PROJECT}/{path}"
    for path in (
        "inventories/eks_datadog",
        "tests/support/datadog_overlay/inventory.yml",
        "molecule/eks_datadog/inventory.yml",
    )
)


@pytest.fixture
def scenario(host: Host) -> Scenario:
    return Scenario(host, Aws("ap-northeast-1"), OPTIONS, "aws-otel-collector")


@pytest.fixture
def key(host: Host) -> str:
    secret = Cluster(host, "default").get("secret", "datadog")
    return base64.b64decode(secret["data"]["api-key"]).decode()


def test_the_sample_application_shows_that_its_trace_is_there(scenario: Scenario) -> None:
    warnings.warn("the exporter `datadog` is NOT what ran: an OTLP/HTTP exporter stood in its place", stacklevel=1)
    trace = scenario.find_sample_app_trace(f"{os.environ['O11Y_TESTBED_AWS_URL']}{PLACE}")
    calls = scenario.aws.list_received(service="datadog", operation="/v1/traces", refused="")
    ours = {name: span for call in calls for name, span in read_spans(call) if span.trace_id.hex() == trace}
    assert ours[DATASTORE].parent_span_id == ours[FRONTEND].span_id


def test_the_load_arrives_and_half_of_it_fails(scenario: Scenario) -> None:
    def statuses() -> list[int]:
        calls = scenario.aws.list_received(service="datadog", operation="/v1/traces", refused="")
        return [span.status.code for call in calls for name, span in read_spans(call) if name == FRONTEND]

    wait_until("twenty spans of the load", lambda: len(statuses()) > 20)
    found = statuses()
    assert 0.3 < found.count(Status.STATUS_CODE_ERROR) / len(found) < 0.6


def test_nothing_came_without_the_key(scenario: Scenario) -> None:
    assert [call for call in scenario.aws.list_received(service="datadog") if call["refused"]] == []


def test_the_add_on_has_the_version_of_the_inventory_and_the_role_its_policies(scenario: Scenario) -> None:
    addon = scenario.aws.client("eks").describe_addon(clusterName="my-cluster", addonName="adot")["addon"]
    assert (addon["status"], addon["addonVersion"]) == ("ACTIVE", "v0.151.0-eksbuild.2")
    attached = scenario.aws.client("iam").list_attached_role_policies(RoleName=scenario.role)["AttachedPolicies"]
    assert len(attached) == 3


def test_pods_of_the_collector_could_take_on_the_role(host: Host, scenario: Scenario) -> None:
    (pod,) = Cluster(host, "default").pods("app.kubernetes.io/component=opentelemetry-collector")
    environment = {item["name"]: item.get("value") for item in pod["spec"]["containers"][0]["env"]}
    assert environment["AWS_ROLE_ARN"] == role_arn(scenario.role)
    assert environment["AWS_REGION"] == "ap-northeast-1"


def test_another_run_changes_nothing_and_shows_no_secret(scenario: Scenario, key: str) -> None:
    scenario.run_site_unchanged(secrets=[key])


def test_the_key_is_in_no_object_but_its_secret(host: Host, key: str) -> None:
    assert key not in host.check_output("kubectl get cm,sa,otelcol,deploy,rs,pods -A -o yaml")
