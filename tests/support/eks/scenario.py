"""A scenario of EKS as its tests see it, and what each of them checks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from testinfra.host import Host

from tests.support.aws import Aws, role_arn
from tests.support.cluster import PROJECT, wait_until

PATIENCE_SECONDS = 90
FRONTEND, DATASTORE = "sample-app-frontend", "sample-app-datastore"
# A segment as the SDKs of X-Ray send it: by UDP, to AWS_XRAY_DAEMON_ADDRESS.
SEGMENT = """
import json, os, socket, sys, time
now = time.time()
ids = {"id": os.urandom(8).hex(), "trace_id": f"1-{int(now):08x}-{os.urandom(12).hex()}"}
document = {"name": "by-udp", **ids, "start_time": now, "end_time": now + 0.1}
text = '{"format": "json", "version": 1}\\n' + json.dumps(document)
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(text.encode(), (sys.argv[1], 2000))
print(ids["trace_id"])
"""
DIMENSIONS = {"EKS_Cluster", "EKS_Namespace", "EKS_PodName"}


@dataclass(frozen=True)
class Scenario:
    """What differs between the scenarios."""

    host: Host
    aws: Aws
    options: str
    """The arguments by which ansible-playbook finds the inventory."""
    role: str
    """The name of the role whose credentials the collector has."""

    def run_site(self, *extra_arguments: str, playbook: str = "site") -> str:
        """Run the site as Molecule does: the cluster and the credentials come through AWS. Return what it prints."""
        command = f"ansible-playbook o11y.opentelemetry.{playbook} {self.options} {' '.join(extra_arguments)}"
        process = subprocess.run(command.split(), env=build_environment(), capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout + process.stderr

    def run_site_unchanged(self, *extra_arguments: str, secrets: Sequence[str] = ()) -> None:
        """Run the site again, with all that Ansible can print: nothing changes, and nothing secret is shown."""
        printed = self.run_site("-vvv", "--diff", *extra_arguments)
        assert re.search(r"changed=0 .*failed=0", printed)
        assert [secret for secret in self.aws.list_secrets(*secrets) if secret in printed] == []

    def visit_app(self, app: str) -> str:
        """Ask an application, and return the trace of the answer."""
        namespace, name = app.split("/")
        url = f"/api/v1/namespaces/{namespace}/services/http:{name}:8080/proxy/"
        return str(json.loads(self.host.check_output("kubectl get --raw %s", url))["trace_id"])

    def find_sample_app_trace(self, place: str) -> str:
        """Run the playbook that calls the sample application, and return the trace that it found in a place."""
        printed = " ".join(self.run_site(playbook="sample_app").split())
        assert re.search(r"changed=0 .*failed=0", printed)
        (trace,) = re.findall(rf"Trace ([0-9a-f]{{32}}) was found in {re.escape(place)}", printed)
        return str(trace)

    def query_series(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series of a query to the Prometheus behind the workspace."""
        url = f"/api/v1/namespaces/amp/services/http:prometheus:9090/proxy/api/v1/query?query={quote(promql)}"
        answer = json.loads(self.host.check_output("kubectl get --raw %s", url))
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    def list_collector_requests(self) -> list[dict[str, Any]]:
        """Return what collectors sent to AWS, refused or not."""
        return [call for call in self.aws.list_received() if "aws-sdk-go" in call["agent"]]


def build_environment() -> dict[str, str]:
    """Return the environment of a person who has credentials for AWS and no kubeconfig."""
    variable_sources = {
        "AWS_ENDPOINT_URL": "O11Y_TESTBED_AWS_URL",
        "AWS_CA_BUNDLE": "O11Y_TESTBED_AWS_CA",
        "AWS_ACCESS_KEY_ID": "O11Y_TESTBED_AWS_KEY",
        "AWS_SECRET_ACCESS_KEY": "O11Y_TESTBED_AWS_SECRET",
    }
    return {
        **os.environ,
        **{name: os.environ[value] for name, value in variable_sources.items()},
        "KUBECONFIG": "/nowhere",
    }


EXEC_IN_POD = ["kubectl", "-n", "shop", "exec", "-i", f"deployment/{DATASTORE}", "--", "python3", "-c"]


@contextmanager
def send_spans(url: str, name: str) -> Iterator[dict[str, int]]:
    """Send spans from a pod until the block ends; then the counts are there."""
    program = (PROJECT / "tests/support/eks/sender.py").read_text()
    command = [*EXEC_IN_POD, program, url, name]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    counts: dict[str, int] = {}
    try:
        yield counts
    finally:
        counts |= json.loads(client.communicate(timeout=PATIENCE_SECONDS)[0])
    print(f"{name}: {counts}", file=sys.stderr)


class Telemetry:
    """What arrives at AWS from the collectors of inventories/eks_adot, for a scenario to inherit."""

    def test_the_sample_application_shows_that_its_trace_is_in_xray(self, scenario: Scenario) -> None:
        trace = scenario.find_sample_app_trace("AWS X-Ray in us-east-1")
        name = f"1-{trace[:8]}-{trace[8:]}"
        segments_by_service = {service: scenario.aws.list_segments(service) for service in (FRONTEND, DATASTORE)}
        (frontend,), (datastore,) = (
            [segment for segment in segments if segment["trace_id"] == name]
            for segments in segments_by_service.values()
        )
        assert {frontend["role"], datastore["role"]} == {role_arn(scenario.role)}
        assert datastore["parent_id"] == frontend["id"]

    def test_its_pods_pass_the_restricted_pod_security_standard(self, scenario: Scenario) -> None:
        label = "pod-security.kubernetes.io/enforce=restricted"
        # The API server warns of pods that violate a new level.
        result = scenario.host.run(f"kubectl label --dry-run=server --overwrite namespace shop {label}")
        assert (result.rc, result.stderr) == (0, "")

    def test_a_segment_of_an_xray_sdk_arrives(self, scenario: Scenario) -> None:
        sent = subprocess.run(
            [*EXEC_IN_POD, SEGMENT, "observability.aws-otel-eks"], capture_output=True, text=True, check=True
        )
        name = sent.stdout.strip()
        arrived = wait_until(
            f"segment {name}",
            lambda: [segment for segment in scenario.aws.list_segments("by-udp") if segment["trace_id"] == name],
            PATIENCE_SECONDS,
        )
        assert {segment["role"] for segment in arrived} == {role_arn(scenario.role)}

    def test_the_counter_of_an_application_can_be_queried(self, scenario: Scenario) -> None:
        visits = 3
        for _visit in range(visits):
            scenario.visit_app(f"shop/{DATASTORE}")
        query = f'http_requests_total{{namespace="shop",pod=~"{DATASTORE}-.*"}}'
        values = wait_until(
            "the counter in Prometheus",
            lambda: [value for _labels, value in scenario.query_series(query) if value >= visits],
            PATIENCE_SECONDS,
        )
        assert len(values) == 1
        (role,) = {call["role"] for call in scenario.aws.list_received(operation="RemoteWrite", refused="")}
        assert role == role_arn(scenario.role)

    def test_the_same_counter_is_a_metric_of_cloudwatch_by_cluster_namespace_and_pod(self, scenario: Scenario) -> None:
        def find_counter_events() -> list[dict[str, Any]]:
            events = scenario.aws.list_log_events()
            return [
                log_event
                for log_event in events
                if "http_requests_total" in log_event and log_event.get("EKS_Namespace") == "shop"
            ]

        event = wait_until("an event of the counter", find_counter_events, PATIENCE_SECONDS)[-1]
        (directive,) = event["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "ContainerInsights/Prometheus"
        assert [set(names) for names in directive["Dimensions"]] == [DIMENSIONS]
        assert [metric["Name"] for metric in directive["Metrics"]] == ["http_requests_total"]
        assert event["EKS_Cluster"] == "k8s-production-cluster"
        assert re.match(r"sample-app-(frontend|datastore)-", event["EKS_PodName"])
        assert event["role"] == role_arn(scenario.role)
        assert event["group"] == "/aws/containerinsights/k8s-production-cluster/prometheus"

    def test_nothing_was_refused_and_nobody_used_other_credentials(self, scenario: Scenario) -> None:
        calls = scenario.list_collector_requests()
        assert [call for call in calls if call["refused"]] == []
        assert {call["role"] for call in calls} == {role_arn(scenario.role)}
        assert "AssumeRoleWithWebIdentity" in {call["operation"] for call in calls}
