# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What components call at AWS: per component the actions that its settings really lead to, and on what.

Which calls a component makes is read from its sources in opentelemetry-collector-contrib 0.158; what an action can be
restricted to is in AWS's Service Authorization Reference. Each grant names its page. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..config.addresses import destination
from ..config.paths import at, items, section
from ..config.variable_references import without_references
from .aws_policy import ACCOUNT, PARTITION, REGION, Grant
from .component_row import Settings

Config = Mapping[str, Any]
Grants = tuple[Grant, ...]
Granting = Callable[[Settings, Config], Grants]

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/v0.158.0"
_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference"
_ASSUME = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_permissions-to-switch.html"
# `{ClusterName}` and the like are filled in from the telemetry; what is left of `${…}` is known at run time only.
_PLACEHOLDER = re.compile(r"\$?\{[^{}]*\}")
_XRAY_WRITE = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSXRayDaemonWriteAccess.html"
# What only applications ask for, through a collector that signs for them. Source: internal/aws/proxy, and AWS's policy.
SAMPLING = ("xray:GetSamplingRules", "xray:GetSamplingTargets")
XRAY = ("xray:PutTraceSegments", "xray:PutTelemetryRecords", *SAMPLING, "xray:GetSamplingStatisticSummaries")
_USER_GUIDE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
_ENDPOINTS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")
_WORKSPACE = re.compile(r"/workspaces/([^/]+)")
_HOST = re.compile(r"(?P<service>[a-z0-9-]+?)(?:-fips)?\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+)\.(?:amazonaws|api)\.")
# The first label of the host → the service of the signature, where the two are not the same.
_SIGNED_AS = {"aps-workspaces": "aps"}


def _pattern(name: Any, unset: str = "*") -> str:
    """Return a name as a pattern of IAM: what the telemetry fills in can be anything."""
    if not name:
        return unset
    return re.sub(r"\*+", "*", _PLACEHOLDER.sub("*", str(name)))


def _arn(service: str, region: str, resource: str) -> str:
    """Return an ARN in the partition and account of the cluster."""
    return f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{resource}"


def _region_of(settings: Any, key: str = "region") -> str:
    """Return the region; without one the SDK takes that of the pod's environment, which is the cluster's."""
    return _pattern(at(settings, (key,)), REGION)


def _through(role: Any, *direct: Grant) -> Grants:
    """Return the grants, or the right to assume the role that has them. EKS Pod Identity passes its tags on to it."""
    if not role:
        return direct
    return (Grant(("sts:AssumeRole", "sts:TagSession"), _ASSUME, (_pattern(role),)),)


def _xray_exporter(settings: Settings, _config: Config) -> Grants:
    return _through(settings.get("role_arn"), Grant(XRAY, _XRAY_WRITE, region=_region_of(settings)))


def _xray_receiver(settings: Settings, _config: Config) -> Grants:
    """The receiver always runs a proxy for the sampling requests of X-Ray's SDKs."""
    proxy = section(settings, "proxy_server")
    source = f"{_CONTRIB}/receiver/awsxrayreceiver"
    return _through(proxy.get("role_arn"), Grant(SAMPLING, source, region=_region_of(proxy)))


def _proxy_extension(settings: Settings, _config: Config) -> Grants:
    """The proxy forwards the requests of its clients; those to other services than X-Ray are not known."""
    if str(settings.get("service_name") or "xray") != "xray":
        return ()
    source = f"{_CONTRIB}/extension/awsproxy"
    return _through(settings.get("role_arn"), Grant(SAMPLING, source, region=_region_of(settings)))


def _logs_exporter(group: Any, settings: Settings) -> Grants:
    """Group and stream are made when the first event is refused; what they are made with is set only then.

    Source: internal/aws/cwlogs/cwlog_client.go. The ARN of a group ends in `:*`, except where tags are asked for.
    """
    source = f"{_REFERENCE}/list_amazoncloudwatchlogs.html"
    region = _region_of(settings)
    name = _arn("logs", region, f"log-group:{group}")
    stream = f"{name}:log-stream:{_pattern(settings.get('log_stream_name'))}"
    retention = ("logs:PutRetentionPolicy",) if settings.get("log_retention") else ()
    makes = Grant(("logs:CreateLogGroup", "logs:CreateLogStream", *retention), source, (f"{name}:*",))
    tags = (Grant(("logs:TagResource",), source, (name,)),) if settings.get("tags") else ()
    return _through(settings.get("role_arn"), makes, Grant(("logs:PutLogEvents",), source, (stream,)), *tags)


def _emf_exporter(settings: Settings, _config: Config) -> Grants:
    """Without a group it is named after the namespace, which without one of its own comes from the telemetry."""
    if settings.get("output_destination") == "stdout":
        return ()
    group = settings.get("log_group_name") or f"/metrics/{_pattern(settings.get('namespace'))}"
    return _logs_exporter(_pattern(group), settings)


def _cloudwatch_logs_exporter(settings: Settings, _config: Config) -> Grants:
    return _logs_exporter(_pattern(settings.get("log_group_name")), settings)


def _s3_exporter(settings: Settings, _config: Config) -> Grants:
    """Attributes of resources may name the bucket and the prefix, which can be anything then."""
    uploader = section(settings, "s3uploader")
    by_attributes = section(settings, "resource_attrs_to_s3")
    bucket = "*" if by_attributes.get("s3_bucket") else _pattern(uploader.get("s3_bucket"))
    prefix = "*" if by_attributes.get("s3_prefix") else _pattern(uploader.get("s3_prefix"), "")
    base = _pattern(uploader.get("s3_base_prefix"), "")
    folder = "/".join(part.strip("/") for part in (base, prefix) if part)
    objects = "*" if folder in ("", "*") else f"{folder}/*"
    actions = ("s3:PutObject", "s3:PutObjectAcl") if uploader.get("acl") else ("s3:PutObject",)
    where = f"arn:{PARTITION}:s3:::{bucket}/{objects}"
    return _through(uploader.get("role_arn"), Grant(actions, f"{_REFERENCE}/list_amazons3.html", (where,)))


def _s3_receiver(settings: Settings, _config: Config) -> Grants:
    """The receiver lists its bucket, or learns of new objects by a queue."""
    loader, queue = section(settings, "s3downloader"), section(settings, "sqs")
    bucket = f"arn:{PARTITION}:s3:::{_pattern(loader.get('s3_bucket'))}"
    source = f"{_REFERENCE}/list_amazons3.html"
    reads = Grant(("s3:GetObject",), source, (f"{bucket}/*",))
    if not queue:
        return (reads, Grant(("s3:ListBucket",), source, (bucket,)))
    before_name, _slash, name = str(queue.get("queue_url") or "").rpartition("/")
    account = before_name.rpartition("/")[2] or ACCOUNT
    where = f"arn:{PARTITION}:sqs:{_region_of(queue)}:{account}:{_pattern(name)}"
    deletes = () if queue.get("delete_messages") is False else ("sqs:DeleteMessage",)
    return (reads, Grant(("sqs:ReceiveMessage", *deletes), f"{_REFERENCE}/list_amazonsqs.html", (where,)))


def _kinesis_exporter(settings: Settings, _config: Config) -> Grants:
    """Defaults of stream and region: config.go and factory.go of the exporter."""
    aws = section(settings, "aws")
    region = _pattern(aws.get("region"), "us-west-2")
    stream = _arn("kinesis", region, f"stream/{_pattern(aws.get('stream_name'), 'test-stream')}")
    source = f"{_REFERENCE}/list_amazonkinesisdatastreams.html"
    return _through(aws.get("role"), Grant(("kinesis:PutRecords",), source, (stream,)))


def _cloudwatch_receiver(settings: Settings, _config: Config) -> Grants:
    source, region = f"{_CONTRIB}/receiver/awscloudwatchreceiver", _region_of(settings)
    named = section(settings, "logs", "groups", "named")
    groups = tuple(_arn("logs", region, f"log-group:{_pattern(name)}:*") for name in named)
    prefix = _pattern(at(settings, ("logs", "groups", "autodiscover", "prefix")), "")
    reads = Grant(("logs:FilterLogEvents",), source, groups or (_arn("logs", region, f"log-group:{prefix}*:*"),))
    finds = Grant(("logs:DescribeLogGroups",), source, (_arn("logs", region, "log-group:*"),))
    return (reads,) if groups else (reads, finds)


def _container_insights(_settings: Settings, _config: Config) -> Grants:
    """It looks for its volumes, and for its cluster and autoscaling group in the tags of its node."""
    source = f"{_CONTRIB}/receiver/awscontainerinsightreceiver"
    return (Grant(("ec2:DescribeTags", "ec2:DescribeVolumes"), source, region=REGION),)


def _detectors(settings: Settings, _config: Config) -> Grants:
    """The eks detector asks EC2 for the cluster's name, the ec2 detector for tags, unless the metadata has them."""
    source = f"{_CONTRIB}/processor/resourcedetectionprocessor#amazon-eks"
    detectors = {str(name) for name in items(settings, "detectors")}
    ec2 = section(settings, "ec2")
    actions = []
    if "eks" in detectors:
        actions.append("ec2:DescribeInstances")
    if "ec2" in detectors and ec2.get("tags") and not ec2.get("tags_from_imds"):
        actions.append("ec2:DescribeTags")
    return (Grant(tuple(actions), source, region=REGION),) if actions else ()


def _balancing_exporter(settings: Settings, _config: Config) -> Grants:
    if not section(settings, "resolver", "aws_cloud_map"):
        return ()
    return (Grant(("servicediscovery:DiscoverInstances",), f"{_REFERENCE}/list_awscloudmap.html", region=REGION),)


def _signed_exporter(settings: Settings, config: Config) -> Grants:
    """What an exporter over HTTP sends to AWS is known by its signature: the extension sigv4auth that it names."""
    name = str(at(settings, ("auth", "authenticator")) or "")
    signer = section(config, "extensions", name)
    is_signed = name.partition("/")[0] == "sigv4auth"
    if not is_signed or at(signer, ("assume_role", "web_identity_token_file")):
        return ()
    grants: list[Grant] = []
    for key in _ENDPOINTS:
        if settings.get(key):
            grants += _signed(str(settings[key]), settings, signer)
    return _through(at(signer, ("assume_role", "arn")), *grants) if grants else ()


def _signed(endpoint: str, settings: Settings, signer: Settings) -> Grants:
    """Return what signed requests to an endpoint are granted; nothing for a service that is not known."""
    host = destination(endpoint).host
    match = _HOST.match(host)
    service_of_host, region_of_host = match.group("service", "region") if match else ("", "")
    service = str(signer.get("service") or _SIGNED_AS.get(service_of_host, service_of_host))
    region = _pattern(signer.get("region") or region_of_host, REGION)
    granting = _SERVICES.get(service)
    return granting(endpoint, settings, region) if granting else ()


def _prometheus(endpoint: str, _settings: Settings, region: str) -> Grants:
    match = _WORKSPACE.search(endpoint)
    workspace = _pattern(match[1] if match else "")
    where = _arn("aps", region, f"workspace/{workspace}")
    return (Grant(("aps:RemoteWrite",), f"{_REFERENCE}/list_amazonmanagedserviceforprometheus.html", (where,)),)


def _spans(_endpoint: str, _settings: Settings, region: str) -> Grants:
    """PutSpans is the action of the endpoint for traces, which AWS names when it is missing."""
    return (Grant(("xray:PutSpans",), f"{_REFERENCE}/list_awsx-ray.html", region=region),)


def _log_records(_endpoint: str, settings: Settings, region: str) -> Grants:
    """Group and stream are in headers, and are there already: the endpoint makes none."""
    headers = {str(key).lower(): value for key, value in section(settings, "headers").items()}
    group, stream = (_pattern(headers.get(f"x-aws-log-{name}")) for name in ("group", "stream"))
    where = _arn("logs", region, f"log-group:{group}:log-stream:{stream}")
    return (Grant(("logs:PutLogEvents",), f"{_USER_GUIDE}/CloudWatch-OTLPEndpoint.html", (where,)),)


def _metric_data(_endpoint: str, _settings: Settings, region: str) -> Grants:
    return (Grant(("cloudwatch:PutMetricData",), f"{_USER_GUIDE}/metrics-otel-send.html", region=region),)


_SERVICES: dict[str, Callable[[str, Settings, str], Grants]] = {
    "aps": _prometheus,
    "xray": _spans,
    "logs": _log_records,
    "monitoring": _metric_data,
}


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
    ("exporters", "otlp_http"): _signed_exporter,
    ("exporters", "otlphttp"): _signed_exporter,
    ("exporters", "prometheus_remote_write"): _signed_exporter,
    ("exporters", "prometheusremotewrite"): _signed_exporter,
    ("extensions", "awsproxy"): _proxy_extension,
}
SIGNED = frozenset(kind for kind, granting in CALLS.items() if granting is _signed_exporter)


def grants_of(kind: tuple[str, str], settings: Settings, config: Config, environment: Mapping[str, str]) -> Grants:
    """Return what a component of this class and type is granted. In a pod at EKS, AWS_REGION is the cluster's."""
    if kind not in CALLS:
        return ()
    known = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **environment}
    signers = {}
    if kind in SIGNED:
        signers["extensions"] = without_references(section(config, "extensions"), known, "*")
    return CALLS[kind](without_references(settings, known, "*"), signers)
