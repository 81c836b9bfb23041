"""All signals over OTLP to AWS's endpoints: signed, and with the rights that were derived for it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support.aws import Aws, role_arn, spans
from tests.support.cluster import PROJECT, until
from tests.support.eks.scenario import PATIENCE, Scenario

ROLE = "k8s-production-cluster-us-east-1-signed-signed"
ENDPOINTS = {
    ("xray.us-east-1.amazonaws.com", "PutSpans"),
    ("logs.us-east-1.amazonaws.com", "PutLogEvents"),
    ("monitoring.us-east-1.amazonaws.com", "PutMetricData"),
}


@pytest.fixture
def scenario(host: Host) -> Iterator[Scenario]:
    found = Scenario(host, Aws("us-east-1"), f"-i {PROJECT}/molecule/eks_telemetry/signed.yaml", ROLE)
    found.site()
    yield found
    found.site(playbook="remove")


def test_each_signal_arrives_at_its_endpoint(host: Host, scenario: Scenario) -> None:
    service = f"shop-{uuid.uuid4().hex[:8]}"
    probe = {"via": {"namespace": "signed", "service": "signed"}, "service_name": service}
    host.check_output("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", json.dumps(probe))

    def came() -> bool:
        calls = scenario.aws.received(role=role_arn(ROLE), otlp=True, refused="")
        return {(call["host"], call["operation"]) for call in calls} == ENDPOINTS

    until("all three signals", came, PATIENCE)
    (call,) = scenario.aws.received(operation="PutSpans")
    assert [name for name, _span in spans(call)] == [service]
    assert [item for item in scenario.aws.received(otlp=True) if item["refused"]] == []
