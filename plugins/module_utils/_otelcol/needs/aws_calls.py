# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What components call at AWS: per component the actions that its settings really lead to, and on what.

Which calls a component makes is read from its sources in opentelemetry-collector-contrib 0.158; what an action can be
restricted to is in AWS's Service Authorization Reference. Each grant names its page:

    exporters: {awscloudwatchlogs: {log_group_name: shop, log_stream_name: orders, region: eu-west-1}}

    logs:CreateLogGroup, logs:CreateLogStream    on arn:<partition>:logs:eu-west-1:<account>:log-group:shop:*
    logs:PutLogEvents                            on …:log-group:shop:log-stream:orders

`GRANT_BY_COMPONENT` at the end has the function of each component. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..config.addresses import parse_destination
from ..config.paths import list_at, mapping_at, value_at
from ..config.variable_references import replace_references
from .aws_grants import ACCOUNT, PARTITION, REGION, AwsGrant
from .component_needs import Settings

Config = Mapping[str, Any]
Grants = tuple[AwsGrant, ...]
Granter = Callable[[Settings, Config], Grants]
"""Returns the grants of a component with these settings; the config has the extensions that it may name."""

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/v0.158.0"
_REFERENCE_PAGES = "https://docs.aws.amazon.com/service-authorization/latest/reference"
_ASSUME_ROLE_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_permissions-to-switch.html"
# `{ClusterName}` and the like are filled in from the telemetry; what is left of `${…}` is known at run time only.
_PLACEHOLDER = re.compile(r"\$?\{[^{}]*\}")
_XRAY_WRITE = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSXRayDaemonWriteAccess.html"
# What only applications ask for, through a collector that signs for them. Source: internal/aws/proxy, and AWS's policy.
SAMPLING_ACTIONS = ("xray:GetSamplingRules", "xray:GetSamplingTargets")
XRAY_ACTIONS = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    *SAMPLING_ACTIONS,
    "xray:GetSamplingStatisticSummaries",
)
_USER_GUIDE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
_ENDPOINT_KEYS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")
_WORKSPACE = re.compile(r"/workspaces/([^/]+)")
# `logs.eu-west-1.amazonaws.com` or `logs-fips.us-east-1.api.aws`.
_HOST = re.compile(r"(?P<service>[a-z0-9-]+?)(?:-fips)?\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+)\.(?:amazonaws|api)\.")
# The first label of the host → the service of the signature, where the two are not the same.
_SIGNING_NAMES = {"aps-workspaces": "aps"}


def _iam_pattern(name: Any, pattern_if_unset: str = "*") -> str:
    """Return a name as a pattern of IAM. What telemetry fills in can be anything: `/eks/{ClusterName}` → `/eks/*`."""
    if not name:
        return pattern_if_unset
    return re.sub(r"\*+", "*", _PLACEHOLDER.sub("*", str(name)))


def _build_arn(service: str, region: str, resource: str) -> str:
    """Return an ARN in the partition and account of the cluster."""
    return f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{resource}"


def _find_region(settings: Any, key: str = "region") -> str:
    """Return the region; without one the SDK takes that of the pod's environment, which is the cluster's."""
    return _iam_pattern(value_at(settings, (key,)), REGION)


def _grant_through_role(role_arn: Any, *direct_grants: AwsGrant) -> Grants:
    """Return the direct grants, or the right to assume the role that has them, if the settings name one.

    EKS Pod Identity passes its tags on to the role, so the account must be allowed to tag the session.
    """
    if not role_arn:
        return direct_grants
    return (AwsGrant(("sts:AssumeRole", "sts:TagSession"), _ASSUME_ROLE_PAGE, (_iam_pattern(role_arn),)),)


def _grant_xray_exporter(settings: Settings, _config: Config) -> Grants:
    return _grant_through_role(
        settings.get("role_arn"), AwsGrant(XRAY_ACTIONS, _XRAY_WRITE, region=_find_region(settings))
    )


def _grant_xray_receiver(settings: Settings, _config: Config) -> Grants:
    """The receiver always runs a proxy for the sampling requests of X-Ray's SDKs."""
    proxy = mapping_at(settings, "proxy_server")
    source = f"{_CONTRIB}/receiver/awsxrayreceiver"
    return _grant_through_role(proxy.get("role_arn"), AwsGrant(SAMPLING_ACTIONS, source, region=_find_region(proxy)))


def _grant_proxy_extension(settings: Settings, _config: Config) -> Grants:
    """The proxy forwards the requests of its clients; those to other services than X-Ray are not known."""
    if str(settings.get("service_name") or "xray") != "xray":
        return ()
    source = f"{_CONTRIB}/extension/awsproxy"
    return _grant_through_role(
        settings.get("role_arn"), AwsGrant(SAMPLING_ACTIONS, source, region=_find_region(settings))
    )


def _grant_log_events(group: Any, settings: Settings) -> Grants:
    """Group and stream are made when the first event is refused; what they are made with is set only then.

    Source: internal/aws/cwlogs/cwlog_client.go. The ARN of a group ends in `:*`, except where tags are asked for.
    """
    source = f"{_REFERENCE_PAGES}/list_amazoncloudwatchlogs.html"
    region = _find_region(settings)
    group_arn = _build_arn("logs", region, f"log-group:{group}")
    stream_arn = f"{group_arn}:log-stream:{_iam_pattern(settings.get('log_stream_name'))}"
    retention_actions = ("logs:PutRetentionPolicy",) if settings.get("log_retention") else ()
    create_grant = AwsGrant(
        ("logs:CreateLogGroup", "logs:CreateLogStream", *retention_actions), source, (f"{group_arn}:*",)
    )
    tag_grants = (AwsGrant(("logs:TagResource",), source, (group_arn,)),) if settings.get("tags") else ()
    return _grant_through_role(
        settings.get("role_arn"), create_grant, AwsGrant(("logs:PutLogEvents",), source, (stream_arn,)), *tag_grants
    )


def _grant_emf_exporter(settings: Settings, _config: Config) -> Grants:
    """Without a group it is named after the namespace, which without one of its own comes from the telemetry."""
    if settings.get("output_destination") == "stdout":
        return ()
    group = settings.get("log_group_name") or f"/metrics/{_iam_pattern(settings.get('namespace'))}"
    return _grant_log_events(_iam_pattern(group), settings)


def _grant_cloudwatch_logs(settings: Settings, _config: Config) -> Grants:
    return _grant_log_events(_iam_pattern(settings.get("log_group_name")), settings)


def _grant_s3_exporter(settings: Settings, _config: Config) -> Grants:
    """Attributes of resources may name the bucket and the prefix, which can be anything then."""
    uploader = mapping_at(settings, "s3uploader")
    attribute_settings = mapping_at(settings, "resource_attrs_to_s3")
    bucket = "*" if attribute_settings.get("s3_bucket") else _iam_pattern(uploader.get("s3_bucket"))
    prefix = "*" if attribute_settings.get("s3_prefix") else _iam_pattern(uploader.get("s3_prefix"), "")
    base_prefix = _iam_pattern(uploader.get("s3_base_prefix"), "")
    folder = "/".join(part.strip("/") for part in (base_prefix, prefix) if part)
    object_pattern = "*" if folder in ("", "*") else f"{folder}/*"
    actions = ("s3:PutObject", "s3:PutObjectAcl") if uploader.get("acl") else ("s3:PutObject",)
    objects_arn = f"arn:{PARTITION}:s3:::{bucket}/{object_pattern}"
    return _grant_through_role(
        uploader.get("role_arn"), AwsGrant(actions, f"{_REFERENCE_PAGES}/list_amazons3.html", (objects_arn,))
    )


def _grant_s3_receiver(settings: Settings, _config: Config) -> Grants:
    """The receiver lists its bucket, or learns of new objects by a queue."""
    downloader, queue = mapping_at(settings, "s3downloader"), mapping_at(settings, "sqs")
    bucket_arn = f"arn:{PARTITION}:s3:::{_iam_pattern(downloader.get('s3_bucket'))}"
    source = f"{_REFERENCE_PAGES}/list_amazons3.html"
    read_grant = AwsGrant(("s3:GetObject",), source, (f"{bucket_arn}/*",))
    if not queue:
        return (read_grant, AwsGrant(("s3:ListBucket",), source, (bucket_arn,)))
    url_before_name, _slash, name = str(queue.get("queue_url") or "").rpartition("/")
    account = url_before_name.rpartition("/")[2] or ACCOUNT
    queue_arn = f"arn:{PARTITION}:sqs:{_find_region(queue)}:{account}:{_iam_pattern(name)}"
    delete_actions = () if queue.get("delete_messages") is False else ("sqs:DeleteMessage",)
    return (
        read_grant,
        AwsGrant(("sqs:ReceiveMessage", *delete_actions), f"{_REFERENCE_PAGES}/list_amazonsqs.html", (queue_arn,)),
    )


def _grant_kinesis_exporter(settings: Settings, _config: Config) -> Grants:
    """Defaults of stream and region: config.go and factory.go of the exporter."""
    aws = mapping_at(settings, "aws")
    region = _iam_pattern(aws.get("region"), "us-west-2")
    stream_arn = _build_arn("kinesis", region, f"stream/{_iam_pattern(aws.get('stream_name'), 'test-stream')}")
    source = f"{_REFERENCE_PAGES}/list_amazonkinesisdatastreams.html"
    return _grant_through_role(aws.get("role"), AwsGrant(("kinesis:PutRecords",), source, (stream_arn,)))


def _grant_cloudwatch_receiver(settings: Settings, _config: Config) -> Grants:
    source, region = f"{_CONTRIB}/receiver/awscloudwatchreceiver", _find_region(settings)
    named_groups = mapping_at(settings, "logs", "groups", "named")
    group_arns = tuple(_build_arn("logs", region, f"log-group:{_iam_pattern(name)}:*") for name in named_groups)
    prefix = _iam_pattern(value_at(settings, ("logs", "groups", "autodiscover", "prefix")), "")
    read_grant = AwsGrant(
        ("logs:FilterLogEvents",), source, group_arns or (_build_arn("logs", region, f"log-group:{prefix}*:*"),)
    )
    find_grant = AwsGrant(("logs:DescribeLogGroups",), source, (_build_arn("logs", region, "log-group:*"),))
    return (read_grant,) if group_arns else (read_grant, find_grant)


def _grant_container_insights(_settings: Settings, _config: Config) -> Grants:
    """It looks for its volumes, and for its cluster and autoscaling group in the tags of its node."""
    source = f"{_CONTRIB}/receiver/awscontainerinsightreceiver"
    return (AwsGrant(("ec2:DescribeTags", "ec2:DescribeVolumes"), source, region=REGION),)


def _grant_detectors(settings: Settings, _config: Config) -> Grants:
    """The eks detector asks EC2 for the cluster's name, the ec2 detector for tags, unless the metadata has them."""
    source = f"{_CONTRIB}/processor/resourcedetectionprocessor#amazon-eks"
    detectors = {str(name) for name in list_at(settings, "detectors")}
    ec2 = mapping_at(settings, "ec2")
    actions = []
    if "eks" in detectors:
        actions.append("ec2:DescribeInstances")
    if "ec2" in detectors and ec2.get("tags") and not ec2.get("tags_from_imds"):
        actions.append("ec2:DescribeTags")
    return (AwsGrant(tuple(actions), source, region=REGION),) if actions else ()


def _grant_balancing_exporter(settings: Settings, _config: Config) -> Grants:
    if not mapping_at(settings, "resolver", "aws_cloud_map"):
        return ()
    return (
        AwsGrant(("servicediscovery:DiscoverInstances",), f"{_REFERENCE_PAGES}/list_awscloudmap.html", region=REGION),
    )


def _grant_signed_exporter(settings: Settings, config: Config) -> Grants:
    """What an exporter over HTTP sends to AWS is known by its signature: the extension sigv4auth that it names."""
    extension_id = str(value_at(settings, ("auth", "authenticator")) or "")
    signer = mapping_at(config, "extensions", extension_id)
    is_signed = extension_id.partition("/")[0] == "sigv4auth"
    if not is_signed or value_at(signer, ("assume_role", "web_identity_token_file")):
        return ()
    grants: list[AwsGrant] = []
    for key in _ENDPOINT_KEYS:
        if settings.get(key):
            grants += _grant_signed_requests(str(settings[key]), settings, signer)
    return _grant_through_role(value_at(signer, ("assume_role", "arn")), *grants) if grants else ()


def _grant_signed_requests(endpoint: str, settings: Settings, signer: Settings) -> Grants:
    """Return what signed requests to an endpoint are granted; nothing for a service that is not known."""
    host = parse_destination(endpoint).host
    host_match = _HOST.match(host)
    service_of_host, region_of_host = host_match.group("service", "region") if host_match else ("", "")
    service = str(signer.get("service") or _SIGNING_NAMES.get(service_of_host, service_of_host))
    region = _iam_pattern(signer.get("region") or region_of_host, REGION)
    list_service_grants = _GRANT_BY_SERVICE.get(service)
    return list_service_grants(endpoint, settings, region) if list_service_grants else ()


def _grant_prometheus_write(endpoint: str, _settings: Settings, region: str) -> Grants:
    match = _WORKSPACE.search(endpoint)
    workspace = _iam_pattern(match[1] if match else "")
    workspace_arn = _build_arn("aps", region, f"workspace/{workspace}")
    return (
        AwsGrant(
            ("aps:RemoteWrite",), f"{_REFERENCE_PAGES}/list_amazonmanagedserviceforprometheus.html", (workspace_arn,)
        ),
    )


def _grant_spans(_endpoint: str, _settings: Settings, region: str) -> Grants:
    """PutSpans is the action of the endpoint for traces, which AWS names when it is missing."""
    return (AwsGrant(("xray:PutSpans",), f"{_REFERENCE_PAGES}/list_awsx-ray.html", region=region),)


def _grant_log_records(_endpoint: str, settings: Settings, region: str) -> Grants:
    """Group and stream are in headers, and are there already: the endpoint makes none."""
    headers = {str(key).lower(): value for key, value in mapping_at(settings, "headers").items()}
    group, stream = (_iam_pattern(headers.get(f"x-aws-log-{name}")) for name in ("group", "stream"))
    stream_arn = _build_arn("logs", region, f"log-group:{group}:log-stream:{stream}")
    return (AwsGrant(("logs:PutLogEvents",), f"{_USER_GUIDE}/CloudWatch-OTLPEndpoint.html", (stream_arn,)),)


def _grant_metric_data(_endpoint: str, _settings: Settings, region: str) -> Grants:
    return (AwsGrant(("cloudwatch:PutMetricData",), f"{_USER_GUIDE}/metrics-otel-send.html", region=region),)


_GRANT_BY_SERVICE: dict[str, Callable[[str, Settings, str], Grants]] = {
    "aps": _grant_prometheus_write,
    "xray": _grant_spans,
    "logs": _grant_log_records,
    "monitoring": _grant_metric_data,
}


# Class and type, with the names of older versions → what it is granted.
GRANT_BY_COMPONENT: dict[tuple[str, str], Granter] = {
    ("receivers", "awsxray"): _grant_xray_receiver,
    ("receivers", "awss3"): _grant_s3_receiver,
    ("receivers", "aws_cloudwatch"): _grant_cloudwatch_receiver,
    ("receivers", "awscloudwatch"): _grant_cloudwatch_receiver,
    ("receivers", "awscontainerinsightreceiver"): _grant_container_insights,
    ("processors", "resource_detection"): _grant_detectors,
    ("processors", "resourcedetection"): _grant_detectors,
    ("exporters", "awsxray"): _grant_xray_exporter,
    ("exporters", "awsemf"): _grant_emf_exporter,
    ("exporters", "awscloudwatchlogs"): _grant_cloudwatch_logs,
    ("exporters", "awss3"): _grant_s3_exporter,
    ("exporters", "awskinesis"): _grant_kinesis_exporter,
    ("exporters", "load_balancing"): _grant_balancing_exporter,
    ("exporters", "loadbalancing"): _grant_balancing_exporter,
    ("exporters", "otlp_http"): _grant_signed_exporter,
    ("exporters", "otlphttp"): _grant_signed_exporter,
    ("exporters", "prometheus_remote_write"): _grant_signed_exporter,
    ("exporters", "prometheusremotewrite"): _grant_signed_exporter,
    ("extensions", "awsproxy"): _grant_proxy_extension,
}
SIGNED_EXPORTERS = frozenset(
    kind for kind, granting in GRANT_BY_COMPONENT.items() if granting is _grant_signed_exporter
)


def list_grants(
    component_kind: tuple[str, str], settings: Settings, config: Config, environment: Mapping[str, str]
) -> Grants:
    """Return what a component of this class and type is granted. In a pod at EKS, AWS_REGION is the cluster's."""
    if component_kind not in GRANT_BY_COMPONENT:
        return ()
    variables = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **environment}
    signer_config = {}
    if component_kind in SIGNED_EXPORTERS:
        signer_config["extensions"] = replace_references(mapping_at(config, "extensions"), variables, "*")
    return GRANT_BY_COMPONENT[component_kind](replace_references(settings, variables, "*"), signer_config)
