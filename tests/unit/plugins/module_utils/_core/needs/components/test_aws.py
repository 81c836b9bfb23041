# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a config to the statements of a policy: what is in them, and that nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.policy import (
    eks_cluster_of,
    filled,
    statements,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.needs.components.aws import CALLS

from ...helpers import needs, running

LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:"
HERE = eks_cluster_of("arn:aws:eks:us-east-1:123456789012:cluster/prod")
XRAY = "GetSamplingRules GetSamplingStatisticSummaries GetSamplingTargets PutTelemetryRecords PutTraceSegments"


def allowed(config: Any, environment: dict[str, str] | None = None) -> set[tuple[str, str, str]]:
    """Return what is allowed in a cluster: action, resource, and the region of a condition."""
    found = set()
    for statement in filled(statements(needs(config, environment).grants), HERE):
        assert statement["Effect"] == "Allow"
        condition = statement.get("Condition", {}).get("StringEquals", {})
        assert set(condition) <= {"aws:RequestedRegion"}
        region = condition.get("aws:RequestedRegion", "")
        found |= {(action, where, region) for action in statement["Action"] for where in statement["Resource"]}
    return found


def exporter(name: str, settings: Any, **environment: str) -> set[tuple[str, str, str]]:
    return allowed(running(exporters={name: settings}), environment)


def xray(actions: str = XRAY, region: str = "us-east-1") -> set[tuple[str, str, str]]:
    return {(f"xray:{action}", "*", region) for action in actions.split()}


def assuming(role: str) -> set[tuple[str, str, str]]:
    return {("sts:AssumeRole", role, ""), ("sts:TagSession", role, "")}


THEIRS = "arn:aws:iam::999999999999:role/theirs"
NATIVE: list[tuple[str, Any, set[tuple[str, str, str]]]] = [
    ("debug", {}, set()),
    ("awsxray", None, xray()),
    ("awsxray", {"region": "eu-west-1"}, xray(region="eu-west-1")),
    ("awsxray/named", {"region": "${env:AWS_REGION}"}, xray()),
    ("awsxray", {"region": "${AWS_REGION:-eu-west-1}"}, xray()),
    ("awsxray", {"region": "${env:ELSEWHERE}"}, xray(region="")),
    ("awsxray", {"role_arn": THEIRS}, assuming(THEIRS)),
    ("awsemf", {"output_destination": "stdout"}, set()),
    (
        "awsemf",
        {"namespace": "App"},
        {
            ("logs:CreateLogGroup", f"{LOGS}/metrics/App:*", ""),
            ("logs:CreateLogStream", f"{LOGS}/metrics/App:*", ""),
            ("logs:PutLogEvents", f"{LOGS}/metrics/App:log-stream:*", ""),
        },
    ),
    (
        "awsemf",
        {
            "log_group_name": "/aws/containerinsights/{ClusterName}/prometheus",
            "log_stream_name": "{TaskId}-a",
            "log_retention": 7,
            "tags": {"a": "b"},
        },
        {
            ("logs:CreateLogGroup", f"{LOGS}/aws/containerinsights/*/prometheus:*", ""),
            ("logs:CreateLogStream", f"{LOGS}/aws/containerinsights/*/prometheus:*", ""),
            ("logs:PutRetentionPolicy", f"{LOGS}/aws/containerinsights/*/prometheus:*", ""),
            ("logs:PutLogEvents", f"{LOGS}/aws/containerinsights/*/prometheus:log-stream:*-a", ""),
            ("logs:TagResource", f"{LOGS}/aws/containerinsights/*/prometheus", ""),
        },
    ),
    (
        "awscloudwatchlogs",
        {"log_group_name": "/app", "log_stream_name": "one", "region": "eu-west-1"},
        {
            ("logs:CreateLogGroup", f"{LOGS}/app:*".replace("us-east-1", "eu-west-1"), ""),
            ("logs:CreateLogStream", f"{LOGS}/app:*".replace("us-east-1", "eu-west-1"), ""),
            ("logs:PutLogEvents", f"{LOGS}/app:log-stream:one".replace("us-east-1", "eu-west-1"), ""),
        },
    ),
    ("awscloudwatchlogs", {"log_group_name": "/app", "role_arn": THEIRS}, assuming(THEIRS)),
    ("awss3", {"s3uploader": {"s3_bucket": "b"}}, {("s3:PutObject", "arn:aws:s3:::b/*", "")}),
    (
        "awss3",
        {"s3uploader": {"s3_bucket": "b", "s3_base_prefix": "/prod/", "s3_prefix": "m", "acl": "private"}},
        {("s3:PutObject", "arn:aws:s3:::b/prod/m/*", ""), ("s3:PutObjectAcl", "arn:aws:s3:::b/prod/m/*", "")},
    ),
    (
        "awss3",
        {"s3uploader": {"s3_bucket": "b", "s3_prefix": "m"}, "resource_attrs_to_s3": {"s3_prefix": "x"}},
        {("s3:PutObject", "arn:aws:s3:::b/*", "")},
    ),
    (
        "awss3",
        {"s3uploader": {"s3_bucket": "b", "s3_base_prefix": "p"}, "resource_attrs_to_s3": {"s3_bucket": "x"}},
        {("s3:PutObject", "arn:aws:s3:::*/p/*", "")},
    ),
    ("awss3", {"s3uploader": {"s3_bucket": "b", "role_arn": THEIRS}}, assuming(THEIRS)),
    (
        "awskinesis",
        {"aws": {"stream_name": "s", "region": "eu-west-1"}},
        {("kinesis:PutRecords", "arn:aws:kinesis:eu-west-1:123456789012:stream/s", "")},
    ),
    ("awskinesis", {}, {("kinesis:PutRecords", "arn:aws:kinesis:us-west-2:123456789012:stream/test-stream", "")}),
    ("load_balancing", {"resolver": {"static": {"hostnames": ["a"]}}}, set()),
    (
        "loadbalancing",
        {"resolver": {"aws_cloud_map": {"namespace": "n", "service_name": "s"}}},
        {("servicediscovery:DiscoverInstances", "*", "us-east-1")},
    ),
]


@pytest.mark.parametrize(("name", "settings", "expected"), NATIVE)
def test_exporters(name: str, settings: Any, expected: set[tuple[str, str, str]]) -> None:
    assert exporter(name, settings) == expected


def test_an_environment_that_is_known_counts() -> None:
    assert exporter("awsxray", {"region": "${env:WHERE}"}, WHERE="eu-west-1") == xray(region="eu-west-1")
    found = exporter("awscloudwatchlogs", {"log_group_name": "/${env:STAGE}/x"}, STAGE="dev")
    assert ("logs:CreateLogStream", f"{LOGS}/dev/x:*", "") in found
    assert ("logs:CreateLogStream", f"{LOGS}/*/x:*", "") in exporter(
        "awscloudwatchlogs", {"log_group_name": "/${env:STAGE}/x"}
    )


OTHERS: list[tuple[str, str, Any, set[tuple[str, str, str]]]] = [
    ("receivers", "awsxray", None, xray("GetSamplingRules GetSamplingTargets")),
    ("receivers", "awsxray", {"proxy_server": {"role_arn": THEIRS}}, assuming(THEIRS)),
    ("extensions", "awsproxy", {"region": "eu-west-1"}, xray("GetSamplingRules GetSamplingTargets", "eu-west-1")),
    ("extensions", "awsproxy", {"service_name": "execute-api"}, set()),
    ("processors", "resource_detection", {"detectors": ["env", "eks"]}, {("ec2:DescribeInstances", "*", "us-east-1")}),
    ("processors", "resourcedetection", {"detectors": ["ec2"]}, set()),
    (
        "processors",
        "resource_detection",
        {"detectors": ["ec2"], "ec2": {"tags": ["^a$"]}},
        {("ec2:DescribeTags", "*", "us-east-1")},
    ),
    (
        "processors",
        "resource_detection",
        {"detectors": ["ec2"], "ec2": {"tags": ["^a$"], "tags_from_imds": True}},
        set(),
    ),
    (
        "receivers",
        "awscontainerinsightreceiver",
        {},
        {("ec2:DescribeTags", "*", "us-east-1"), ("ec2:DescribeVolumes", "*", "us-east-1")},
    ),
    (
        "receivers",
        "aws_cloudwatch",
        {"region": "us-east-1", "logs": {"groups": {"named": {"/aws/eks/prod": {}}}}},
        {("logs:FilterLogEvents", f"{LOGS}/aws/eks/prod:*", "")},
    ),
    (
        "receivers",
        "awscloudwatch",
        {"region": "us-east-1", "logs": {"groups": {"autodiscover": {"prefix": "/aws/"}}}},
        {("logs:FilterLogEvents", f"{LOGS}/aws/*:*", ""), ("logs:DescribeLogGroups", f"{LOGS}*", "")},
    ),
    (
        "receivers",
        "awss3",
        {"starttime": "2026-01-01", "s3downloader": {"s3_bucket": "b"}},
        {("s3:GetObject", "arn:aws:s3:::b/*", ""), ("s3:ListBucket", "arn:aws:s3:::b", "")},
    ),
    (
        "receivers",
        "awss3",
        {
            "s3downloader": {"s3_bucket": "b"},
            "sqs": {"queue_url": "https://sqs.us-east-1.amazonaws.com/210987654321/q", "region": "us-east-1"},
        },
        {
            ("s3:GetObject", "arn:aws:s3:::b/*", ""),
            ("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:210987654321:q", ""),
            ("sqs:DeleteMessage", "arn:aws:sqs:us-east-1:210987654321:q", ""),
        },
    ),
]


@pytest.mark.parametrize(("section", "name", "settings", "expected"), OTHERS)
def test_what_is_no_exporter(section: str, name: str, settings: Any, expected: set[tuple[str, str, str]]) -> None:
    assert allowed(running(**{section: {name: settings}})) == expected


def test_what_is_configured_but_not_used_is_allowed_nothing() -> None:
    config = running(exporters={"awsxray": None})
    config["service"]["pipelines"]["traces"]["exporters"] = ["debug"]
    assert allowed(config) == set()


def test_every_grant_names_the_page_that_says_so() -> None:
    cases = [(name, settings, "exporters") for name, settings, _expected in NATIVE]
    cases += [(name, settings, section) for section, name, settings, _expected in OTHERS]
    for name, settings, section in cases:
        for grant in needs(running(**{section: {name: settings}})).grants:
            assert grant.source.startswith("https://"), name


# Components of AWS that call nothing with an identity of their own, or nothing that a collector on EKS could.
NOTHING = {
    "aws_ecs_attributes": "it asks the metadata of a task of ECS",
    "awsecsattributes": "it asks the metadata of a task of ECS",
    "aws_lambda": "it runs in functions of Lambda",
    "awslambda": "it runs in functions of Lambda",
    "aws_logs_encoding": "it decodes",
    "awslogs_encoding": "it decodes",
    "awscloudwatchmetricstreams_encoding": "it decodes",
    "awsecscontainermetrics": "it asks the metadata of a task of ECS",
    "awsfirehose": "it is called, and calls nobody",
    "ecs_observer": "it looks for tasks of ECS",
    "ecs_task_observer": "it looks for tasks of ECS",
    "sigv4auth": "what it signs for is derived with the exporter that names it",
    "awscloudwatchmetrics": "it is in no build",
    "aws_iam_dbauth": "no receiver of a build reads a user and a database in a form of its own",
}


def test_every_component_of_aws_is_in_the_table_or_has_a_reason() -> None:
    path = Path(__file__).parents[7] / "plugins" / "plugin_utils" / "_data" / "catalogue" / "components.json"
    names = {item["type"] for item in json.loads(path.read_text()) if item["type"].startswith(("aws", "sigv4", "ecs"))}
    assert names - {kind for _section, kind in CALLS} - set(NOTHING) == set()
    assert not set(NOTHING) & {kind for _section, kind in CALLS}
