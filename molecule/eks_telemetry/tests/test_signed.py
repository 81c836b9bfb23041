"""All signals over OTLP to AWS's endpoints: signed, and with the rights that were derived for it."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support.aws import Aws, read_spans, role_arn
from tests.support.cluster import PROJECT, wait_until
from tests.support.eks.scenario import PATIENCE_SECONDS, Scenario, build_environment

ROLE = "k8s-production-cluster-us-east-1-signed-signed"
ENDPOINTS = {
    ("xray.us-east-1.amazonaws.com", "PutSpans"),
    ("logs.us-east-1.amazonaws.com", "PutLogEvents"),
    ("monitoring.us-east-1.amazonaws.com", "PutMetricData"),
}


@pytest.fixture
def scenario(host: Host) -> Iterator[Scenario]:
    found = Scenario(host, Aws("us-east-1"), f"-i {PROJECT}/molecule/eks_telemetry/signed.yaml", ROLE)
    found.run_site()
    yield found
    found.run_site(playbook="remove")


def probed(service: str, **attributes: str) -> str:
    """Send all signals, look for them in CloudWatch as the owner of the account, and return what Ansible prints."""
    where = {"kind": "cloudwatch", "region": "us-east-1", "attributes": {"service.name": service, **attributes}}
    places = ({"signals": ["traces", "metrics"]}, {"signals": ["logs"], "log_group": "/signed/applications"})
    probe = {
        "via": {"namespace": "signed", "service": "signed"},
        "service_name": service,
        "backends": [where | place for place in places],
        "timeout_seconds": 5 if attributes else PATIENCE_SECONDS,
    }
    command = ["ansible", "localhost", "-m", "o11y.opentelemetry.otlp_probe", "-a", json.dumps(probe)]
    known = {
        **build_environment(),
        "KUBECONFIG": os.environ["KUBECONFIG"],
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) is bool(attributes), done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_each_signal_arrives_at_its_endpoint(scenario: Scenario) -> None:
    service = f"shop-{uuid.uuid4().hex[:8]}"
    printed = probed(service)
    assert "logs arrived, seen in cloudwatch in us-east-1, log group /signed/applications" in printed
    assert [secret for secret in scenario.aws.list_secrets() if secret in printed] == []

    def came() -> bool:
        calls = scenario.aws.list_received(role=role_arn(ROLE), otlp=True, refused="")
        return {(call["host"], call["operation"]) for call in calls} == ENDPOINTS

    wait_until("all three signals", came, PATIENCE_SECONDS)
    (call,) = scenario.aws.list_received(operation="PutSpans")
    assert [name for name, _span in read_spans(call)] == [service]
    assert [item for item in scenario.aws.list_received(otlp=True) if item["refused"]] == []


def test_an_attribute_that_is_missing_there_is_named(scenario: Scenario) -> None:
    printed = probed("shop", **{"k8s.cluster.name": "blue"})
    assert "the record has no attribute k8s.cluster.name" in printed
