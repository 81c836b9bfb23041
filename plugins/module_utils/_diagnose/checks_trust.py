# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of rights and certificates, and the dates and names of certificates. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .._otelcol.config.paths import Path, format_path, iter_leaves
from .._otelcol.kube.pod_references import Source
from .._telemetry.times import describe_duration, seconds_between
from .diagnose_checks import Check

TRUST_CHECKS = (
    Check(
        id="right_missing",
        find_expression="rights[?state=='none']",
        message_template="ServiceAccount {namespace}/{account} may not {missing}",
        fix_template=(
            "Run `site`, which grants what the config needs; for a collector of others, grant it by a ClusterRole and a"
            " ClusterRoleBinding."
        ),
        stage="rights",
    ),
    Check(
        id="right_in_namespace",
        find_expression="rights[?state=='namespace']",
        message_template="ServiceAccount {namespace}/{account} may {missing} in its own namespace only",
        fix_template="Grant it for the cluster, or limit {id} to that namespace.",
        stage="rights",
        severity="info",
    ),
    Check(
        id="right_denied",
        find_expression=(
            "!(rights[?state=='none']) && logs[?cause=='forbidden' && current]"
            ".{about: about || 'rights', text: text, fix: fix}"
        ),
        message_template="{text}",
        fix_template="{fix}",
        stage="rights",
    ),
    Check(
        id="certificate_expired",
        find_expression="certificates[?state=='expired']",
        message_template=(
            "the certificate of {subject} in {kind} {namespace}/{name} ({key}) expired {left} ago, at {not_after}"
        ),
        fix_template="Renew it.",
        stage="certificates",
    ),
    Check(
        id="certificate_early",
        find_expression="certificates[?state=='not_yet_valid']",
        message_template=(
            "the certificate of {subject} in {kind} {namespace}/{name} ({key}) is valid only from {not_before}"
        ),
        fix_template="Reissue it, or check the clock of its issuer.",
        stage="certificates",
    ),
    Check(
        id="certificate_soon",
        find_expression=(
            "certificates[?state=='soon'].{subject: subject, kind: kind, namespace: namespace, name: name, left: left}"
        ),
        message_template="the certificate of {subject} in {kind} {namespace}/{name} expires in {left}",
        fix_template="Renew it.",
        stage="certificates",
        severity="warning",
    ),
    Check(
        id="certificate_names",
        find_expression=(
            "certificates[?uncovered].{about: about, subject: subject, name: name, namespace: namespace,"
            " hosts: join(', ', uncovered), names: join(', ', names) || 'no host name'}"
        ),
        message_template="the certificate in Secret {namespace}/{name} is for {names}, and clients use {hosts}",
        fix_template="Reissue it with the names that clients use.",
        stage="certificates",
        severity="warning",
    ),
    Check(
        id="certificate_untrusted",
        find_expression="trust[?state=='untrusted']",
        message_template="the CA in {ca} has not signed the server's certificate in Secret {server} (issuer {issuer})",
        fix_template="Put the CA {issuer} in {ca}, or give the server a certificate of that CA.",
        stage="certificates",
    ),
    Check(
        id="certificate_other_name",
        find_expression="trust[?state=='other_name']",
        message_template="the server's certificate in Secret {server} is for {names}, and the client uses {host}",
        fix_template="Use one of its names as endpoint or `server_name_override`, or reissue it.",
        stage="certificates",
    ),
)


DAY_SECONDS = 86400
# The usual time before the end at which cert-manager renews a certificate of 90 days is 30; less is late.
SOON_DAYS = 14
_CERTIFICATE_FIELDS = ("cert_file", "ca_file", "client_ca_file")


class Certificate(NamedTuple):
    """What the certificate of a PEM text says; `keys` are the issuers of this text that signed it."""

    subject: str
    issuer: str
    not_before: str
    not_after: str
    names: tuple[str, ...]
    is_ca: bool


class CertificateFile(NamedTuple):
    """A file that a component reads certificates from, and the object that holds it."""

    subject: str
    path: str
    role: str
    setting_path: str
    kind: str
    name: str
    key: str


def find_certificate_files(config: Any, sources: Sequence[Source]) -> list[CertificateFile]:
    """Return the certificate files of a config that lie in mounted Secrets and ConfigMaps."""
    files = []
    for path, value in iter_leaves(config):
        if path and path[-1] in _CERTIFICATE_FIELDS and isinstance(value, str):
            for source in sources:
                key = source.find_key_at(value)
                if key:
                    about, field = _name_component(path), str(path[-1])
                    files.append(CertificateFile(about, format_path(path), field, value, source.kind, source.name, key))
    return files


def _name_component(path: Path) -> str:
    """Return the component or end that a path of a config is about, in the words of `Check`."""
    if path[0] == "receivers":
        return "in"
    return "/".join(str(key) for key in path[:2])


def describe_certificate(certificate: Certificate, current_time: str) -> dict[str, Any]:
    """Return what a certificate says, how long it is valid, and its state by that."""
    seconds_left = seconds_between(current_time, certificate.not_after)
    facts = certificate._asdict() | {"names": list(certificate.names)}
    return facts | {
        "left": describe_duration(abs(seconds_left)),
        "state": judge_dates(certificate.not_before, certificate.not_after, current_time),
    }


def judge_dates(not_before: str, not_after: str, current_time: str) -> str:
    """Return whether a certificate of these dates is valid, and for long enough."""
    seconds_left = seconds_between(current_time, not_after)
    if seconds_left <= 0:
        return "expired"
    if seconds_between(not_before, current_time) < 0:
        return "not_yet_valid"
    return "soon" if seconds_left < SOON_DAYS * DAY_SECONDS else "valid"


def covers_host(names: Sequence[str], host: str) -> bool:
    """Return whether one of a certificate's names is this host; a star stands for one label.

    Names of hosts have no case. Source: RFC 4343.
    """
    lowered_host = host.lower()
    for name in map(str.lower, names):
        if name == lowered_host:
            return True
        if name.startswith("*.") and fnmatchcase(lowered_host, name) and host.count(".") == name.count("."):
            return True
    return False


def find_uncovered_services(certificate: Certificate, services: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the Services whose usual names a server's certificate does not have."""
    uncovered_hosts = []
    for service in services:
        name, namespace = str(service["name"]), str(service["namespace"])
        hosts = (name, f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.cluster.local")
        if not any(covers_host(certificate.names, host) for host in hosts):
            uncovered_hosts.append(hosts[2])
    return uncovered_hosts
