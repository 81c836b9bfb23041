# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS of the testbed as tests see it: what came, with whose credentials, and what IAM and EKS hold."""

from __future__ import annotations

import base64
import json
import os
import ssl
import sys
import urllib.request
from dataclasses import dataclass
from typing import Any

import boto3
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Aws:
    """The server that `provide aws` has started; its address is in the environment."""

    region: str

    def send_order(self, order_name: str, /, **fields: Any) -> dict[str, Any]:
        """Tell it what to do (tests/testbed/eks/README.md)."""
        url = f"{os.environ['O11Y_TESTBED_AWS_URL']}/_o11y/{order_name}"
        trust = ssl.create_default_context(cafile=os.environ["O11Y_TESTBED_AWS_CA"])
        request = urllib.request.Request(url, json.dumps(fields).encode())
        with urllib.request.urlopen(request, context=trust, timeout=20) as answer:
            answer_data: dict[str, Any] = json.load(answer)
        return answer_data

    def list_received(self, **fields: Any) -> list[dict[str, Any]]:
        """Return what came and has these fields."""
        calls: list[dict[str, Any]] = self.send_order("received", **fields)["received"]
        return calls

    def list_segments(self, name: str) -> list[dict[str, Any]]:
        """Return the segments of X-Ray of that name, each with the role that it came with."""
        segments = []
        for call in self.list_received(service="xray", operation="PutTraceSegments", refused=""):
            documents = [json.loads(text) for text in call["given"]["TraceSegmentDocuments"]]
            segments += [segment | {"role": call["role"]} for segment in documents if segment["name"] == name]
        return segments

    def list_log_events(self) -> list[dict[str, Any]]:
        """Return the events of CloudWatch Logs, read as JSON, each with the group and the role that it came with."""
        events = []
        for call in self.list_received(service="logs", operation="PutLogEvents", refused=""):
            origin = {"group": call["given"]["logGroupName"], "role": call["role"]}
            events += [json.loads(event["message"]) | origin for event in call["given"]["logEvents"]]
        return events

    def client(self, service: str) -> Any:
        """Return a client of boto3 with the administrator's key."""
        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=os.environ["O11Y_TESTBED_AWS_URL"],
            verify=os.environ["O11Y_TESTBED_AWS_CA"],
            aws_access_key_id=os.environ["O11Y_TESTBED_AWS_KEY"],
            aws_secret_access_key=os.environ["O11Y_TESTBED_AWS_SECRET"],
        )

    def list_secrets(self, *other_secrets: str) -> list[str]:
        """Return what no output may show."""
        return [os.environ["O11Y_TESTBED_AWS_SECRET"], "k8s-aws-v1.", "X-Amz-Signature=", *other_secrets]


def role_arn(name: str) -> str:
    """Return the ARN of a role."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def read_spans(call: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return service and span of all that a call of OTLP has sent."""
    request = ExportTraceServiceRequest.FromString(base64.b64decode(call["body"]))
    service_spans = []
    for resource in request.resource_spans:
        names = [
            attribute.value.string_value
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        ]
        service_spans += [(names[0], span) for scope in resource.scope_spans for span in scope.spans]
    return service_spans


def list_leftovers(aws: Aws, cluster: str) -> list[str]:
    """Return what there is at AWS that nobody has prepared."""
    eks, iam = aws.client("eks"), aws.client("iam")
    addons = set(eks.list_addons(clusterName=cluster)["addons"]) - {"eks-pod-identity-agent"}
    associations = eks.list_pod_identity_associations(clusterName=cluster)["associations"]
    return [
        *(f"add-on {name}" for name in sorted(addons)),
        *(f"association {entry['associationArn']}" for entry in associations),
        *(f"role {entry['Arn']}" for entry in iam.list_roles()["Roles"]),
        *(f"policy {entry['Arn']}" for entry in iam.list_policies(Scope="Local")["Policies"]),
        *(f"provider {entry['Arn']}" for entry in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]),
        *(f"instance profile {entry['Arn']}" for entry in iam.list_instance_profiles()["InstanceProfiles"]),
    ]


if __name__ == "__main__":
    if leftovers := list_leftovers(Aws(sys.argv[1]), sys.argv[2]):
        sys.exit("\n".join(["left at AWS:", *leftovers]))
