# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a collector, a backend or a network fails, by what they say: a table, whose first match counts. Private.

logs.py looks here for the cause of each failure in a log, other rooms for the cause of an answer of a server. The order
of CAUSES, at the end, is that in which they are tried: a cause with special words comes before one with common words,
such as `timeout`. Tests have a message for each cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Cause(NamedTuple):
    """What is wrong if a message matches a pattern; `text` has {groups} of the pattern."""

    id: str
    pattern: str
    """A regular expression, which is searched for without regard to case."""
    text: str
    """What is wrong, as a clause."""
    fix: str
    """What to do, as sentences."""


def find_causes(message: str, causes: Iterable[Cause], **fields: str) -> Iterator[Cause]:
    """Yield the causes whose patterns match a message, in order, with their texts filled in.

    `fields` has values for further {fields} of the texts, such as `service` of webhook_causes.py in _rollout.
    """
    for cause in causes:
        match = re.search(cause.pattern, message, re.IGNORECASE)
        if match:
            # A group of another alternative of the pattern has no value. If it ends the text, a colon is left there.
            group_texts = {name: value or "" for name, value in match.groupdict().items()}
            yield cause._replace(text=cause.text.format(**fields, **group_texts).rstrip(": "))


def _build_status_pattern(code: int, reason: str) -> str:
    """Return the pattern of a status of HTTP, up to its number: a number alone may be a count, a time or a port.

    It stands behind a word for it, or before its reason. Sources: RFC 9110, 15, for the reasons; for the words, what
    otlp_http, elasticsearch (`flush failed (401)`) and splunk_hec (`HTTP 403 "Forbidden"`) print, clients of AWS
    (`StatusCode: 403`, `status code: 403`) and Google (`googleapi: Error 403`), and grpc-go (`from server: 401`).
    """
    words_before = (
        r"(?:status|status[ _]?code|\bcode|http(?:/[\d.]+| error| response)?|googleapi: error|from server|flush failed)"
    )
    return rf"(?:{words_before}\W{{1,4}}{code}\b|\b{code}(?=\W{{1,3}}{reason}\b))"


# How a database of SQL refuses what a user may not do. Of a file, the words stand alone.
_DENIED_SQL_OBJECT = r"permission denied for (?:table|relation|schema|database)"

# Sources of their texts: grpc-go's rpc_util.go and stream.go of the versions in Collectors 0.93 to 0.165, Go's
# net/http, exporterhelper's internal/queuebatch and internal/queue, Kafka's error codes, sarama, franz-go, Loki's and
# Mimir's distributors, and the API references of CloudWatch Logs and X-Ray. These answers use codes that mean other
# things too, such as ResourceExhausted, so they are tried before those.
SIZE_CAUSES = (
    Cause(
        "record_too_large",
        r"one (?:log record|span|datapoint|sample) size is greater than max size|kafka record exceeds max message size|"
        r"max entry size '?\d+'? (?:bytes )?exceeded|line too long|exceeds the maximum (?:event|segment) size",
        "a single record is larger than a request may be, and is dropped with the rest of its request",
        "Shorten the record where it is made, for example with `max_log_size` of file_log, or raise the limit: "
        "`sending_queue.batch.max_size` here and the limit of the other side.",
    ),
    Cause(
        "queue_too_small",
        r"element size too large",
        "a request is larger than the whole sending queue",
        "Raise `sending_queue.queue_size`, or let senders make smaller requests.",
    ),
    Cause(
        "too_large",
        r"message (?:after decompression )?larger than (?:max|configured)|message[ _](?:was |is |size )?too[ _]large|"
        r"(?:request )?(?:body|entity|payload|content) (?:is )?too (?:large|long)|(?:upload|segment) (?:is )?too large|"
        r"(?:status|code|server)[^,;\d]{0,20}\b413\b|\b413 (?:Request|Payload|Content)|"
        r"is larger than the allowed limit|exceeds (?:the )?(?:limit|maximum) of \d+ bytes|"
        r"exceeds limit of \d+",
        "its requests are larger than the other side takes, so their records are dropped",
        "Give the exporter batches by bytes below that limit, such as `sending_queue: {batch: {sizer: bytes, "
        "max_size: 3000000}}`, or raise `max_recv_msg_size_mib` (gRPC) or `max_request_body_size` (HTTP) of the "
        "receiver. docs/request_sizes.md lists the limits.",
    ),
)

# What is wrong with a config, in the words of mapstructure, of the Collector's otelcol and of pkg/ottl. They are tried
# before the words of TLS, since a place such as `tls:` stands in them.
CONFIG_CAUSES = (
    Cause(
        "unknown_component",
        r'unknown type: \\?"(?P<type>[^"\\]+)',
        "this build of the Collector has no component of the type {type}",
        "Correct the type, or run a build that has it; `validate` with its distribution and version says which.",
    ),
    Cause(
        "unknown_key",
        r"has invalid keys: (?P<keys>[\w.-]+(?:, [\w.-]+)*)",
        "this version of the Collector does not know the setting {keys}",
        "Correct or remove it; `validate` names its place and a near name.",
    ),
    Cause(
        "not_configured",
        r'references (?P<role>\w+) \\?"(?P<id>[^"\\]+)\\?" which (?:is not configured|does not exist)',
        "the config names the {role} {id}, and does not configure it",
        "Add it to its section of the config, or remove it from the pipeline or from service.extensions.",
    ),
    Cause(
        "ottl",
        r"unable to parse OTTL|has invalid syntax",
        "a statement or a condition of OTTL is wrong",
        "Correct it; `validate` names its place.",
    ),
    Cause(
        "config",
        r"cannot unmarshal the configuration|TLS configuration must include",
        "the config has a value that the Collector does not take",
        "Run `validate`, which names its place and what is valid there.",
    ),
)

# Sources of the texts from here on: the errors of Go's net, net/http, crypto/tls and x509 packages, of grpc-go, of
# client-go, of the AWS SDKs of both generations, of Prometheus, Mimir and Loki, and of the Collector's exporterhelper
# and memory limiter.
# A full disk makes all else fail.
_DISK_CAUSES = (
    Cause(
        "disk", r"no space left on device|disk quota exceeded", "the disk is full", "Free space, or enlarge the volume."
    ),
)

# What the API server of Kubernetes refuses.
_CLUSTER_CAUSES = (
    # The operator's internal/operatornetworkpolicy: since 0.158 the gate is on, and it writes /32 behind each address.
    Cause(
        "ipv4_prefix",
        r"ipBlock\.cidr: Invalid value: \W*[0-9a-f]*:[0-9a-f:]*/32",
        "the operator restricts itself to the API server's IPv6 addresses as if they were IPv4",
        "Set `otel_operator_feature_gates: [-operator.networkpolicy, -operand.networkpolicy]`; see docs/ipv6.md.",
    ),
    Cause(
        "forbidden",
        r'User \\?"(?P<account>[^"\\]+)\\?" cannot (?P<verb>\w+) resource \\?"(?P<resource>[^"\\]+)\\?" in API group '
        r'\\?"(?P<group>[^"\\]*)\\?"',
        "{account} may not {verb} {resource} of API group '{group}'",
        "Run `site`, which grants what the config needs; for a collector of others, grant it by a ClusterRole and a"
        " ClusterRoleBinding.",
    ),
)

# An error about a proxy that is away also has the words of one about a server that is away, so it comes before those.
_PROXY_CAUSES = (
    Cause(
        "proxy",
        r"proxyconnect tcp|failed to do connect handshake|Proxy Authentication Required|unknown proxy scheme|"
        r"invalid proxy (?:URL|address)",
        "the requests go to a proxy, and it does not pass them on",
        "Correct HTTPS_PROXY or HTTP_PROXY in `env`, or name the host in NO_PROXY; see docs/proxies.md.",
    ),
)

# Credentials of AWS. An error about them also has the words of one about a server that is away or refuses, since a
# client asks servers for them.
_AWS_CAUSES = (
    Cause(
        "pod_identity",
        r"169\.254\.170\.23|\[fd00:ec2::23\]",
        "the EKS Pod Identity agent gives no credentials",
        "Install the add-on eks-pod-identity-agent, and associate a role with the ServiceAccount; see"
        " docs/identity.md.",
    ),
    Cause(
        "role_trust",
        r"AssumeRole.{0,200}(?:AccessDenied|not authorized to perform)|"
        r"not authorized to perform: sts:AssumeRole",
        "AWS does not let its identity assume the role",
        "Let the trust policy of the role name this ServiceAccount; see docs/identity.md.",
    ),
    Cause(
        "no_credentials",
        r"NoCredentialProviders|no EC2 IMDS role found|EC2 IMDS|169\.254\.169\.254|static credentials are empty|"
        r"no valid (?:credential )?(?:sources|providers)|a credentials provider is not set",
        "the pod has no AWS credentials",
        "Set `otel_identity_provider` and run `site`, or give the ServiceAccount a role in another way; see"
        " docs/identity.md.",
    ),
    Cause(
        "old_signature",
        r"Signature (?:expired|not yet current)|RequestTimeTooSkewed|RequestExpired",
        "AWS finds the time of the requests wrong",
        "Correct the clock of the node.",
    ),
    Cause(
        "bad_credentials",
        r"ExpiredToken|security token included in the request is (?:expired|invalid)|UnrecognizedClient|"
        r"InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature|InvalidIdentityToken",
        "AWS does not accept the credentials",
        "Renew the keys, or let the pod have a role in their place; see docs/identity.md.",
    ),
)

# For a certificate that is not yet valid, Go also has the words of one that has expired: it comes first. The last row
# has all other errors of TLS.
_TLS_CAUSES = (
    Cause(
        "not_yet_valid",
        r"is not yet valid: current time \S+ is before|certificate is not yet valid",
        "the certificate of the other side is not yet valid",
        "Compare the clock of this node with that of the issuer (`date -u`), or reissue the certificate.",
    ),
    Cause(
        "own_expired",
        r"remote error: tls: (?:expired certificate|certificate expired)",
        "the other side finds the collector's own certificate expired",
        "Renew the certificate in `tls.cert_file`, check the clocks of both, and set `tls.reload_interval` so that the"
        " collector reads the new file.",
    ),
    Cause(
        "expired",
        r"certificate has expired",
        "the certificate of the other side has expired",
        "Renew the certificate of the server, or of the client if a receiver says so, restart what does not load the"
        " new file, and check the clock of this node.",
    ),
    Cause(
        "unknown_authority",
        r"x509: certificate signed by unknown authority|unknown certificate authority",
        "the certificate is signed by an unknown authority",
        "Give the CA that signed it as `tls.ca_file`.",
    ),
    Cause(
        "wrong_name",
        r"x509: (?:certificate is (?:valid for|not valid for)|cannot validate certificate for)[^;\"]*",
        "the certificate is for another name",
        "Use a name of the certificate as endpoint, or reissue it.",
    ),
    Cause(
        "client_certificate",
        r"tls: (?:certificate required|bad certificate|client didn't provide a certificate)",
        "the other side does not accept the client's certificate",
        "Give `tls.cert_file` and `tls.key_file` of a certificate that the server's `client_ca_file` signed.",
    ),
    Cause(
        "plain_text",
        r"first record does not look like a TLS handshake|http: server gave HTTP response to HTTPS",
        "one side speaks TLS and the other clear text",
        "Set `tls.insecure` as the server needs it.",
    ),
    Cause(
        "tls",
        r"x509:|tls: |authentication handshake failed",
        "no TLS connection comes about",
        "Compare the TLS settings of both sides.",
    ),
)

# An endpoint or a port that is wrong. What a server of HTTP says to a client of gRPC has a status too, which would
# match a row of a refusal.
_ADDRESS_CAUSES = (
    Cause(
        "wrong_protocol",
        r"error reading server preface|frame too large|malformed HTTP (?:response|version)|"
        r"unexpected HTTP status code received from server: (?!401|403|407|413|429)4\d\d|http2: (?:failed|frame)",
        "the port speaks another protocol",
        "Use 4317 for gRPC and 4318 for HTTP, and TLS on both sides or on none.",
    ),
    Cause(
        "no_scheme",
        r"unsupported protocol scheme|missing protocol scheme|first path segment in URL cannot contain colon",
        "the endpoint has no http:// or https://",
        "Write `http://` or `https://` before the host of the endpoint.",
    ),
    Cause(
        "no_brackets",
        r"too many colons in address|missing port in address",
        "an address has no port, or is an IPv6 address without brackets",
        "Write `HOST:PORT`, and an IPv6 address as `[ADDRESS]:PORT`.",
    ),
    Cause(
        "port_taken",
        r"address already in use",
        "another component, or another process of the pod or of the node, listens on the port",
        "Give one of them another port.",
    ),
    Cause(
        "low_port",
        r"listen \w+ \S+: bind: permission denied",
        "the collector's user may not listen on a port below 1024",
        "Use a port from 1024 on; the Service may keep the other number.",
    ),
)

# Nothing answers at the address.
_NETWORK_CAUSES = (
    Cause(
        "no_such_host",
        r"no such host|server misbehaving|name resolution|lookup \S+ on \S+:53|"
        r"produced zero addresses|no children to pick from",
        "the host name cannot be resolved",
        "Correct the endpoint's host name.",
    ),
    Cause("refused", r"connection refused", "connection refused", "Start what listens there, or correct the port."),
    Cause(
        "no_route",
        r"no route to host|network is unreachable",
        "no route to it",
        "Look for the pods behind its Service, and for NetworkPolicies.",
    ),
)

# The collector takes no more. Its words come before those of the server that it waits for.
_LIMIT_CAUSES = (
    Cause(
        "queue_full",
        r"sending queue is full",
        "its sending queue is full",
        "See why it sends slowly or not at all, then enlarge `sending_queue`.",
    ),
    Cause(
        "memory",
        r"data refused due to high memory usage|memory usage is above",
        "the memory limiter refuses data",
        "Raise the memory limit, add replicas, or see which exporter does not keep up.",
    ),
)

# The other side answers, and does not take the data. What Mimir and Loki say of the data comes before `too_many` and
# `rejected`, since their answers have the statuses of these rows.
_REFUSAL_CAUSES = (
    Cause(
        "unauthenticated",
        rf"Unauthenticated|{_build_status_pattern(401, 'Unauthorized')}",
        "the credentials are not accepted",
        "Check the token, user or header that it sends, and the Secret that they come from.",
    ),
    Cause(
        "denied",
        rf"PermissionDenied|AccessDenied|{_build_status_pattern(403, 'Forbidden')}|{_DENIED_SQL_OBJECT}",
        "it is not allowed to",
        "Grant the right to the identity that it uses.",
    ),
    Cause(
        "no_service",
        rf"code = Unimplemented|unknown service|{_build_status_pattern(404, 'Not Found')}",
        "the other side does not take this signal",
        "Check the path and the pipelines of the receiving side.",
    ),
    Cause(
        "out_of_order",
        r"out[- ]of[- ]order|out of bounds|too far behind|"
        r"(?:sample|timestamp|entry)[- ](?:is )?(?:too[- ]old|too[- ]new)|"
        r"duplicate (?:sample|timestamp)|sample-duplicate-timestamp|too far in (?:the )?(?:future|past)",
        "the backend has newer data of the same series or stream, and refuses older data",
        "Give each replica labels of its own (`external_labels` or a resource attribute), let one collector alone send"
        " a series, and check the clocks of the senders; or let the backend accept data out of order.",
    ),
    Cause(
        "series_limit",
        r"per-(?:user|metric|tenant) series limit|max-(?:global-)?series-per|active series limit|"
        r"limit of \d+ active series",
        "the backend's limit of active series is reached",
        "Drop attributes with many values before the exporter, or raise the limit of the backend.",
    ),
    Cause(
        "too_many",
        rf"ResourceExhausted|{_build_status_pattern(429, 'Too Many Requests')}|Too Many Requests|Throttl|Rate exceeded|"
        r"RequestLimitExceeded|SlowDown|"
        r"ProvisionedThroughputExceeded|TooManyRequestsException|(?:ingestion|request) rate limit",
        "the other side is overloaded or limits the rate",
        "Send less, or raise the limit there.",
    ),
)

# Words that stand beside many of the others, so they come last.
_LAST_CAUSES = (
    Cause(
        "timeout",
        r"DeadlineExceeded|deadline exceeded|i/o timeout|Client\.Timeout",
        "it does not answer in time",
        "Look for NetworkPolicies and firewalls on the way, then for load on the other side.",
    ),
    Cause(
        "file",
        r"permission denied(?! for )|no such file or directory",
        "a file cannot be opened",
        "Mount it, or let the collector's user read it.",
    ),
    Cause(
        "rejected",
        rf"code = InvalidArgument(?: desc = (?P<answer>.*))?|{_build_status_pattern(400, 'Bad Request')}(?P<told>.*)|"
        rf"{_build_status_pattern(422, 'Unprocessable')}|Permanent error",
        "the other side refuses the data for good, and the collector drops it: {answer}{told}",
        "Correct the data, the headers or the endpoint by that answer.",
    ),
    Cause(
        "broken",
        r"connection reset|broken pipe|\bEOF\b|code = Unavailable",
        "the connection breaks",
        "Look at the health of the other side, and at proxies on the way.",
    ),
)

# Tried from the top: what is said of one thing alone comes before what is said of many.
CAUSES: tuple[Cause, ...] = (
    *_DISK_CAUSES,
    *SIZE_CAUSES,
    *CONFIG_CAUSES,
    *_CLUSTER_CAUSES,
    *_PROXY_CAUSES,
    *_AWS_CAUSES,
    *_TLS_CAUSES,
    *_ADDRESS_CAUSES,
    *_NETWORK_CAUSES,
    *_LIMIT_CAUSES,
    *_REFUSAL_CAUSES,
    *_LAST_CAUSES,
)
