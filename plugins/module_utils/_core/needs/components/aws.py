# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What components call at AWS: per component the actions that its settings really lead to, and on what.

Which calls a component makes is read from its sources in opentelemetry-collector-contrib 0.158; what an action can be
restricted to is in AWS's Service Authorization Reference. Each grant names its page. Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...aws.policy import ACCOUNT, PARTITION, REGION, Grant
from ...config.paths import at, items, section, settled
from .aws_signed import CONTRIB, REFERENCE, Config, Granting, Grants, arn, pattern, region_of, signed_exporter, through
from .row import Settings

_XRAY_WRITE = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSXRayDaemonWriteAccess.html"
# What only applications ask for, through a collector that signs for them. Source: internal/aws/proxy, and AWS's policy.
SAMPLING = ("xray:GetSamplingRules", "xray:GetSamplingTargets")
XRAY = ("xray:PutTraceSegments", "xray:PutTelemetryRecords", *SAMPLING, "xray:GetSamplingStatisticSummaries")


def _xray_exporter(settings: Settings, _config: Config) -> Grants:
    return through(settings.get("role_arn"), Grant(XRAY, _XRAY_WRITE, region=region_of(settings)))


def _xray_receiver(settings: Settings, _config: Config) -> Grants:
    """The receiver always runs a proxy for the sampling requests of X-Ray's SDKs."""
    proxy = section(settings, "proxy_server")
    source = f"{CONTRIB}/receiver/awsxrayreceiver"
    return through(proxy.get("role_arn"), Grant(SAMPLING, source, region=region_of(proxy)))


def _proxy_extension(settings: Settings, _config: Config) -> Grants:
    """The proxy forwards the requests of its clients; those to other services than X-Ray are not known."""
    if str(settings.get("service_name") or "xray") != "xray":
        return ()
    source = f"{CONTRIB}/extension/awsproxy"
    return through(settings.get("role_arn"), Grant(SAMPLING, source, region=region_of(settings)))


def _logs_exporter(group: Any, settings: Settings) -> Grants:
    """Group and stream are made when the first event is refused; what they are made with is set only then.

    Source: internal/aws/cwlogs/cwlog_client.go. The ARN of a group ends in `:*`, except where tags are asked for.
    """
    source = f"{REFERENCE}/list_amazoncloudwatchlogs.html"
    region = region_of(settings)
    name = arn("logs", region, f"log-group:{group}")
    stream = f"{name}:log-stream:{pattern(settings.get('log_stream_name'))}"
    retention = ("logs:PutRetentionPolicy",) if settings.get("log_retention") else ()
    makes = Grant(("logs:CreateLogGroup", "logs:CreateLogStream", *retention), source, (f"{name}:*",))
    tags = (Grant(("logs:TagResource",), source, (name,)),) if settings.get("tags") else ()
    return through(settings.get("role_arn"), makes, Grant(("logs:PutLogEvents",), source, (stream,)), *tags)


def _emf_exporter(settings: Settings, _config: Config) -> Grants:
    """Without a group it is named after the namespace, which without one of its own comes from the telemetry."""
    if settings.get("output_destination") == "stdout":
        return ()
    group = settings.get("log_group_name") or f"/metrics/{pattern(settings.get('namespace'))}"
    return _logs_exporter(pattern(group), settings)


def _cloudwatch_logs_exporter(settings: Settings, _config: Config) -> Grants:
    return _logs_exporter(pattern(settings.get("log_group_name")), settings)


def _s3_exporter(settings: Settings, _config: Config) -> Grants:
    uploader = section(settings, "s3uploader")
    moving = section(settings, "resource_attrs_to_s3")
    bucket = "*" if moving.get("s3_bucket") else pattern(uploader.get("s3_bucket"))
    prefix = "*" if moving.get("s3_prefix") else pattern(uploader.get("s3_prefix"), "")
    key = "/".join(part.strip("/") for part in (pattern(uploader.get("s3_base_prefix"), ""), prefix) if part)
    where = f"arn:{PARTITION}:s3:::{bucket}/{f'{key}/*' if key and key != '*' else '*'}"
    actions = ("s3:PutObject", *(("s3:PutObjectAcl",) if uploader.get("acl") else ()))
    return through(uploader.get("role_arn"), Grant(actions, f"{REFERENCE}/list_amazons3.html", (where,)))


def _s3_receiver(settings: Settings, _config: Config) -> Grants:
    loader, queue = section(settings, "s3downloader"), section(settings, "sqs")
    bucket = f"arn:{PARTITION}:s3:::{pattern(loader.get('s3_bucket'))}"
    source = f"{REFERENCE}/list_amazons3.html"
    reads = Grant(("s3:GetObject",), source, (f"{bucket}/*",))
    if not queue:
        return (reads, Grant(("s3:ListBucket",), source, (bucket,)))
    account, _slash, name = str(queue.get("queue_url") or "").rpartition("/")
    where = f"arn:{PARTITION}:sqs:{region_of(queue)}:{account.rpartition('/')[2] or ACCOUNT}:{pattern(name)}"
    deletes = () if queue.get("delete_messages") is False else ("sqs:DeleteMessage",)
    return (reads, Grant(("sqs:ReceiveMessage", *deletes), f"{REFERENCE}/list_amazonsqs.html", (where,)))


def _kinesis_exporter(settings: Settings, _config: Config) -> Grants:
    """Defaults of stream and region: config.go and factory.go of the exporter."""
    aws = section(settings, "aws")
    stream = arn(
        "kinesis", pattern(aws.get("region"), "us-west-2"), f"stream/{pattern(aws.get('stream_name'), 'test-stream')}"
    )
    return through(
        aws.get("role"), Grant(("kinesis:PutRecords",), f"{REFERENCE}/list_amazonkinesisdatastreams.html", (stream,))
    )


def _cloudwatch_receiver(settings: Settings, _config: Config) -> Grants:
    source, region = f"{CONTRIB}/receiver/awscloudwatchreceiver", region_of(settings)
    named = section(settings, "logs", "groups", "named")
    groups = tuple(arn("logs", region, f"log-group:{pattern(name)}:*") for name in named)
    prefix = pattern(at(settings, ("logs", "groups", "autodiscover", "prefix")), "")
    reads = Grant(("logs:FilterLogEvents",), source, groups or (arn("logs", region, f"log-group:{prefix}*:*"),))
    finds = Grant(("logs:DescribeLogGroups",), source, (arn("logs", region, "log-group:*"),))
    return (reads,) if groups else (reads, finds)


def _container_insights(_settings: Settings, _config: Config) -> Grants:
    """It looks for its volumes, and for its cluster and autoscaling group in the tags of its node."""
    source = f"{CONTRIB}/receiver/awscontainerinsightreceiver"
    return (Grant(("ec2:DescribeTags", "ec2:DescribeVolumes"), source, region=REGION),)


def _detectors(settings: Settings, _config: Config) -> Grants:
    """The eks detector asks EC2 for the cluster's name, the ec2 detector for tags, unless the metadata has them."""
    source = f"{CONTRIB}/processor/resourcedetectionprocessor#amazon-eks"
    names, ec2 = set(map(str, items(settings, "detectors"))), section(settings, "ec2")
    eks = ("ec2:DescribeInstances",) if "eks" in names else ()
    tags = ("ec2:DescribeTags",) if "ec2" in names and ec2.get("tags") and not ec2.get("tags_from_imds") else ()
    return (Grant((*eks, *tags), source, region=REGION),) if eks or tags else ()


def _balancing_exporter(settings: Settings, _config: Config) -> Grants:
    if not section(settings, "resolver", "aws_cloud_map"):
        return ()
    return (Grant(("servicediscovery:DiscoverInstances",), f"{REFERENCE}/list_awscloudmap.html", region=REGION),)


# Class and type, with the names of older versions → what it is granted.
CALLS: dict[tuple[str, str], Granting] = {
    ("receivers", "awsxray"): _xray_receiver,
    ("receivers", "awss3"): _s3_receiver,
    ("receivers", "aws_cloudwatch"): _cloudwatch_receiver,
    ("receivers", "awscloudwatch"): _cloudwatch_receiver,
    ("receivers", "awscontainerinsightreceiver"): _container_insights,
    ("processors", "resource_detection"): _detectors,
    ("processors", "resourcedetection"): _detectors,
    ("exporters", "awsxray"): _xray_exporter,
    ("exporters", "awsemf"): _emf_exporter,
    ("exporters", "awscloudwatchlogs"): _cloudwatch_logs_exporter,
    ("exporters", "awss3"): _s3_exporter,
    ("exporters", "awskinesis"): _kinesis_exporter,
    ("exporters", "load_balancing"): _balancing_exporter,
    ("exporters", "loadbalancing"): _balancing_exporter,
    ("exporters", "otlp_http"): signed_exporter,
    ("exporters", "otlphttp"): signed_exporter,
    ("exporters", "prometheus_remote_write"): signed_exporter,
    ("exporters", "prometheusremotewrite"): signed_exporter,
    ("extensions", "awsproxy"): _proxy_extension,
}
SIGNED = frozenset(kind for kind, granting in CALLS.items() if granting is signed_exporter)


def grants_of(kind: tuple[str, str], settings: Settings, config: Config, environment: Mapping[str, str]) -> Grants:
    """Return what a component of this class and type is granted. In a pod at EKS, AWS_REGION is the cluster's."""
    if kind not in CALLS:
        return ()
    known = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **environment}
    signers = {"extensions": settled(section(config, "extensions"), known, "*")} if kind in SIGNED else {}
    return CALLS[kind](settled(settings, known, "*"), signers)
