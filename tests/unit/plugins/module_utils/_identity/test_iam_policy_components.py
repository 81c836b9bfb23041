# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a config to the statements of a policy: what is in them, and that nothing else is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import iam_policy
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.aws_calls import GRANT_BY_COMPONENT

from ..helpers import CATALOGUE, needs, rows, running

LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:"
HERE = iam_policy.parse_eks_cluster("arn:aws:eks:us-east-1:123456789012:cluster/prod")
THEIRS = "arn:aws:iam::999999999999:role/theirs"
# What the tables below abbreviate.
SHORT = {
    "XRAY": "SAMPLING+GetSamplingStatisticSummaries+PutTelemetryRecords+PutTraceSegments",
    "SAMPLING": "xray:GetSamplingRules+GetSamplingTargets",
    "ASSUME": f"sts:AssumeRole+TagSession {THEIRS}",
    "LOGS": LOGS,
    "STREAM": "logs:CreateLogGroup+CreateLogStream",
    "AMP": "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write",
    "APS": "arn:aws:aps:us-east-1:123456789012:workspace",
    "THEIRS": THEIRS,
}
Allowed = set[tuple[str, str, str]]


def allowed(config: Any, environment: dict[str, str] | None = None) -> Allowed:
    """Return what is allowed in a cluster: action, resource, and the region of a condition."""
    found = set()
    for statement in iam_policy.fill_policy(iam_policy.build_statements(needs(config, environment).aws_grants), HERE):
        assert statement["Effect"] == "Allow"
        condition = statement.get("Condition", {}).get("StringEquals", {})
        assert set(condition) <= {"aws:RequestedRegion"}
        region = condition.get("aws:RequestedRegion", "")
        found |= {(action, where, region) for action in statement["Action"] for where in statement["Resource"]}
    return found


def table(text: str) -> Any:
    """Return the rows of a table without abbreviations."""
    for name, meaning in SHORT.items():
        text = re.sub(rf"\b{name}\b", meaning, text)
    return rows(text)


def expected(*grants: str) -> Allowed:
    """Return what `service:Action+Action resource region` allows. Without a region, no condition names one."""
    found = set()
    for grant in grants:
        actions, resource, region = [*grant.split(), ""][:3]
        service, _, names = actions.partition(":")
        found |= {(f"{service}:{name}", resource, region) for name in names.split("+")}
    return found


def exporter(name: str, settings: Any, **environment: str) -> Allowed:
    return allowed(running(exporters={name: settings}), environment)


# Section, type and settings of a component, then what it may do.
TABLE = table("""
- [exporters, debug, {}]
- [exporters, awsxray, null, XRAY * us-east-1]
- [exporters, awsxray, {region: eu-west-1}, XRAY * eu-west-1]
- [exporters, awsxray/named, {region: "${env:AWS_REGION}"}, XRAY * us-east-1]
- [exporters, awsxray, {region: "${AWS_REGION:-eu-west-1}"}, XRAY * us-east-1]
- [exporters, awsxray, {region: "${env:ELSEWHERE}"}, XRAY *]
- [exporters, awsxray, {role_arn: "THEIRS"}, ASSUME]
- [exporters, awsemf, {output_destination: stdout}]
- [exporters, awsemf, {namespace: App}, "STREAM LOGS/metrics/App:*", "logs:PutLogEvents LOGS/metrics/App:log-stream:*"]
- - exporters
  - awsemf
  - {log_group_name: "/aws/containerinsights/{ClusterName}/prometheus", log_stream_name: "{TaskId}-a", log_retention: 7,
     tags: {a: b}}
  - "STREAM+PutRetentionPolicy LOGS/aws/containerinsights/*/prometheus:*"
  - "logs:PutLogEvents LOGS/aws/containerinsights/*/prometheus:log-stream:*-a"
  - logs:TagResource LOGS/aws/containerinsights/*/prometheus
- [exporters, awscloudwatchlogs, {log_group_name: /app, log_stream_name: one, region: eu-west-1},
   "STREAM arn:aws:logs:eu-west-1:123456789012:log-group:/app:*",
   "logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:/app:log-stream:one"]
- [exporters, awscloudwatchlogs, {log_group_name: /app, role_arn: "THEIRS"}, ASSUME]
- [exporters, awss3, {s3uploader: {s3_bucket: b}}, "s3:PutObject arn:aws:s3:::b/*"]
- [exporters, awss3, {s3uploader: {s3_bucket: b, s3_base_prefix: /prod/, s3_prefix: m, acl: private}},
   "s3:PutObject+PutObjectAcl arn:aws:s3:::b/prod/m/*"]
- [exporters, awss3, {s3uploader: {s3_bucket: b, s3_prefix: m}, resource_attrs_to_s3: {s3_prefix: x}},
   "s3:PutObject arn:aws:s3:::b/*"]
- [exporters, awss3, {s3uploader: {s3_bucket: b, s3_base_prefix: p}, resource_attrs_to_s3: {s3_bucket: x}},
   "s3:PutObject arn:aws:s3:::*/p/*"]
- [exporters, awss3, {s3uploader: {s3_bucket: b, role_arn: "THEIRS"}}, ASSUME]
- [exporters, awskinesis, {aws: {stream_name: s, region: eu-west-1}},
   "kinesis:PutRecords arn:aws:kinesis:eu-west-1:123456789012:stream/s"]
- [exporters, awskinesis, {}, "kinesis:PutRecords arn:aws:kinesis:us-west-2:123456789012:stream/test-stream"]
- [exporters, load_balancing, {resolver: {static: {hostnames: [a]}}}]
- [exporters, loadbalancing, {resolver: {aws_cloud_map: {namespace: n, service_name: s}}},
   servicediscovery:DiscoverInstances * us-east-1]
- [receivers, awsxray, null, SAMPLING * us-east-1]
- [receivers, awsxray, {proxy_server: {role_arn: "THEIRS"}}, ASSUME]
- [extensions, awsproxy, {region: eu-west-1}, SAMPLING * eu-west-1]
- [extensions, awsproxy, {service_name: execute-api}]
- [processors, resource_detection, {detectors: [env, eks]}, ec2:DescribeInstances * us-east-1]
- [processors, resourcedetection, {detectors: [ec2]}]
- [processors, resource_detection, {detectors: [ec2], ec2: {tags: ["^a$"]}}, ec2:DescribeTags * us-east-1]
- [processors, resource_detection, {detectors: [ec2], ec2: {tags: ["^a$"], tags_from_imds: true}}]
- [receivers, awscontainerinsightreceiver, {}, "ec2:DescribeTags+DescribeVolumes * us-east-1"]
- [receivers, aws_cloudwatch, {region: us-east-1, logs: {groups: {named: {/aws/eks/prod: {}}}}},
   "logs:FilterLogEvents LOGS/aws/eks/prod:*"]
- [receivers, awscloudwatch, {region: us-east-1, logs: {groups: {autodiscover: {prefix: /aws/}}}},
   "logs:FilterLogEvents LOGS/aws/*:*", "logs:DescribeLogGroups LOGS*"]
- [receivers, awss3, {starttime: "2026-01-01", s3downloader: {s3_bucket: b}},
   "s3:GetObject arn:aws:s3:::b/*", "s3:ListBucket arn:aws:s3:::b"]
- - receivers
  - awss3
  - s3downloader: {s3_bucket: b}
    sqs: {queue_url: "https://sqs.us-east-1.amazonaws.com/210987654321/q", region: us-east-1}
  - s3:GetObject arn:aws:s3:::b/*
  - sqs:ReceiveMessage+DeleteMessage arn:aws:sqs:us-east-1:210987654321:q
""")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[1]} {row[2]}")
def test_a_component_may_do_exactly_this(row: list[Any]) -> None:
    section, name, settings, *grants = row
    config = running(**{section: {name: settings}})
    assert allowed(config) == expected(*grants)
    assert all(grant.source_page.startswith("https://") for grant in needs(config).aws_grants), "each names its page"


def test_an_environment_that_is_known_counts() -> None:
    assert {row[2] for row in exporter("awsxray", {"region": "${env:WHERE}"}, WHERE="eu-west-1")} == {"eu-west-1"}
    settings = {"log_group_name": "/${env:STAGE}/x"}
    assert ("logs:CreateLogStream", f"{LOGS}/dev/x:*", "") in exporter("awscloudwatchlogs", settings, STAGE="dev")
    assert ("logs:CreateLogStream", f"{LOGS}/*/x:*", "") in exporter("awscloudwatchlogs", settings)


def test_what_is_configured_but_not_used_is_allowed_nothing() -> None:
    config = running(exporters={"awsxray": None})
    config["service"]["pipelines"]["traces"]["exporters"] = ["debug"]
    assert allowed(config) == set()


# Type and settings of an exporter over HTTP, the settings of the signature that it names, then what it may do.
SIGNED = table("""
- [prometheusremotewrite, {endpoint: "AMP"}, {}, aps:RemoteWrite APS/ws-1]
- [prometheus_remote_write/x, {endpoint: "AMP"}, {service: aps}, aps:RemoteWrite APS/ws-1]
- [prometheusremotewrite, {endpoint: "https://aps-workspaces-fips.us-east-1.amazonaws.com/workspaces/ws-1/api/v1/x"},
   {}, aps:RemoteWrite APS/ws-1]
- [prometheusremotewrite, {endpoint: "https://proxy.example.com/write"}, {service: aps, region: us-east-1},
   aps:RemoteWrite APS/*]
- [prometheusremotewrite, {endpoint: "AMP"}, {assume_role: {arn: "THEIRS"}}, ASSUME]
- [prometheusremotewrite, {endpoint: "AMP"}, {assume_role: {arn: "THEIRS", web_identity_token_file: /token}}]
- [prometheusremotewrite, {endpoint: "https://prometheus.example.com"}, {}]
- [otlphttp, {traces_endpoint: "https://xray.eu-west-1.amazonaws.com/v1/traces"}, {service: xray, region: eu-west-1},
   xray:PutSpans * eu-west-1]
- [otlp_http, {logs_endpoint: "https://logs.us-east-1.amazonaws.com/v1/logs",
   headers: {x-aws-log-group: /app, X-Aws-Log-Stream: default}}, {service: logs},
   "logs:PutLogEvents LOGS/app:log-stream:default"]
- [otlphttp, {metrics_endpoint: "https://monitoring.us-east-1.amazonaws.com/v1/metrics"}, {},
   cloudwatch:PutMetricData * us-east-1]
- [otlphttp, {endpoint: "https://otlp.example.com"}, {service: execute-api}]
""")


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: f"{row[0]} {row[1]} {row[2]}")
def test_an_exporter_may_do_what_its_signature_is_for(row: list[Any]) -> None:
    name, settings, signer, *grants = row
    signed = settings | {"auth": {"authenticator": "sigv4auth/a"}}
    assert allowed(running(exporters={name: signed}, extensions={"sigv4auth/a": signer})) == expected(*grants)


def test_without_a_signature_nothing_is_allowed() -> None:
    assert exporter("prometheusremotewrite", {"endpoint": SHORT["AMP"]}) == set()
    bearer = {"endpoint": SHORT["AMP"], "auth": {"authenticator": "bearertokenauth"}}
    assert allowed(running(exporters={"prometheusremotewrite": bearer}, extensions={"bearertokenauth": {}})) == set()


# Components of AWS that call nothing with an identity of their own, or nothing that a collector on EKS could.
NOTHING = rows("""
aws_ecs_attributes, awsecsattributes, awsecscontainermetrics: they ask the metadata of a task of ECS
aws_lambda, awslambda: they run in functions of Lambda
aws_logs_encoding, awslogs_encoding, awscloudwatchmetricstreams_encoding: they decode
awsfirehose: it is called, and calls nobody
ecs_observer, ecs_task_observer: they look for tasks of ECS
sigv4auth: what it signs for is derived with the exporter that names it
awscloudwatchmetrics: it is in no build
aws_iam_dbauth: no receiver of a build reads a user and a database in a form of its own
""")


def test_every_component_of_aws_is_in_the_table_or_has_a_reason() -> None:
    names = {item["type"] for item in CATALOGUE.components if item["type"].startswith(("aws", "sigv4", "ecs"))}
    called, silent = {kind for _section, kind in GRANT_BY_COMPONENT}, set(", ".join(NOTHING).split(", "))
    assert names - called - silent == set()
    assert not silent & called


def test_a_statement_of_a_user_with_all_but_some_actions_stays_one() -> None:
    denies = {"Effect": "Deny", "NotAction": ["s3:*"], "Resource": ["*"]}
    allows = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}
    assert iam_policy.unite_statements([denies, allows]) == [allows, denies]
