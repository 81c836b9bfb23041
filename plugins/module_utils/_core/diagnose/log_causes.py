# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what a log can name as the cause of trouble. Private."""

from __future__ import annotations

import re
from typing import NamedTuple


class LogCause(NamedTuple):
    """One way in which a log names what is wrong."""

    id: str
    pattern: re.Pattern[str]
    text: str
    fix: str


def _cause(name: str, pattern: str, text: str, fix: str) -> LogCause:
    return LogCause(name, re.compile(pattern, re.IGNORECASE), text, fix)


# Tried from the top. Sources: the errors of Go's net, crypto/tls and x509 packages, of grpc-go, of client-go, and of
# the Collector's exporterhelper and memory limiter.
CAUSES = (
    _cause(
        "forbidden",
        r'User \\?"(?P<account>[^"\\]+)\\?" cannot (?P<verb>\w+) resource \\?"(?P<resource>[^"\\]+)\\?" in API group '
        r'\\?"(?P<group>[^"\\]*)\\?"',
        "{account} may not {verb} {resource} of API group '{group}'",
        "Grant it to the ServiceAccount by a ClusterRole and a ClusterRoleBinding.",
    ),
    _cause(
        "not_yet_valid",
        r"is not yet valid: current time \S+ is before|certificate is not yet valid",
        "the certificate is not yet valid",
        "Check the clocks, or reissue it.",
    ),
    _cause(
        "expired",
        r"certificate has expired",
        "the certificate has expired",
        "Renew the certificate.",
    ),
    _cause(
        "unknown_authority",
        r"x509: certificate signed by unknown authority|unknown certificate authority",
        "the certificate is signed by an unknown authority",
        "Give the CA that signed it as `tls.ca_file`.",
    ),
    _cause(
        "wrong_name",
        r"x509: (?:certificate is (?:valid for|not valid for)|cannot validate certificate for)[^;\"]*",
        "the certificate is for another name",
        "Use a name of the certificate as endpoint, or reissue it.",
    ),
    _cause(
        "client_certificate",
        r"tls: (?:certificate required|bad certificate|client didn't provide a certificate)",
        "the other side does not accept the client's certificate",
        "Give `tls.cert_file` and `tls.key_file` of a certificate that the server's `client_ca_file` signed.",
    ),
    _cause(
        "plain_text",
        r"first record does not look like a TLS handshake|http: server gave HTTP response to HTTPS",
        "one side speaks TLS and the other clear text",
        "Set `tls.insecure` as the server needs it.",
    ),
    _cause(
        "tls",
        r"x509:|tls: |authentication handshake failed",
        "no TLS connection comes about",
        "Compare the TLS settings of both sides.",
    ),
    _cause(
        "wrong_protocol",
        r"error reading server preface|frame too large|malformed HTTP (?:response|version)|"
        r"unexpected HTTP status code received from server: 4\d\d|http2: (?:failed|frame)",
        "the port speaks another protocol",
        "Use 4317 for gRPC and 4318 for HTTP, and TLS on both sides or on none.",
    ),
    _cause(
        "no_such_host",
        r"no such host|server misbehaving|name resolution|lookup \S+ on \S+:53|"
        r"produced zero addresses",
        "the host name cannot be resolved",
        "Correct the endpoint's host name.",
    ),
    _cause("refused", r"connection refused", "connection refused", "Start what listens there, or correct the port."),
    _cause(
        "no_route",
        r"no route to host|network is unreachable",
        "no route to it",
        "Look for the pods behind its Service, and for NetworkPolicies.",
    ),
    _cause(
        "queue_full",
        r"sending queue is full",
        "its sending queue is full",
        "See why it sends slowly or not at all, then enlarge `sending_queue`.",
    ),
    _cause(
        "memory",
        r"data refused due to high memory usage|memory usage is above",
        "the memory limiter refuses data",
        "Raise the memory limit, add replicas, or see which exporter does not keep up.",
    ),
    _cause(
        "unauthenticated",
        r"Unauthenticated|\b401\b",
        "the credentials are not accepted",
        "Check the token, user or header that it sends, and the Secret that they come from.",
    ),
    _cause(
        "denied",
        r"PermissionDenied|AccessDenied|\b403\b",
        "it is not allowed to",
        "Grant the right to the identity that it uses.",
    ),
    _cause(
        "no_service",
        r"code = Unimplemented|unknown service|\b404\b",
        "the other side does not take this signal",
        "Check the path and the pipelines of the receiving side.",
    ),
    _cause(
        "too_many",
        r"ResourceExhausted|\b429\b|Too Many Requests",
        "the other side is overloaded or limits the rate",
        "Send less, or raise the limit there.",
    ),
    _cause(
        "too_large",
        r"message larger than max|\b413\b",
        "the requests are too large",
        "Lower `send_batch_max_size`, or raise the receiver's limit.",
    ),
    _cause(
        "timeout",
        r"DeadlineExceeded|deadline exceeded|i/o timeout|Client\.Timeout",
        "it does not answer in time",
        "Look for NetworkPolicies and firewalls on the way, then for load on the other side.",
    ),
    _cause("disk", r"no space left on device", "the disk is full", "Free space, or enlarge the volume."),
    _cause(
        "file",
        r"permission denied|no such file or directory",
        "a file cannot be opened",
        "Mount it, or let the collector's user read it.",
    ),
    _cause(
        "broken",
        r"connection reset|broken pipe|\bEOF\b|code = Unavailable",
        "the connection breaks",
        "Look at the health of the other side, and at proxies on the way.",
    ),
)
