# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diagnosis says of certificates: where the config names them, how long they are valid, and for which hosts.

`live/dependency_certificates.py` reads the certificates and describes them by these functions; `host_files.py` judges
the dates of files of a host. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .._otelcol.config.paths import Path, iter_leaves
from .._otelcol.kube.pod_sources import PodSource
from .._telemetry.times import describe_duration, seconds_between

_DAY_SECONDS = 86400
# cert-manager renews a certificate of 90 days when 30 of them are left. So one with less than 14 days left was not
# renewed.
_SOON_DAYS = 14
_CERTIFICATE_FIELDS = ("cert_file", "ca_file", "client_ca_file")


class Certificate(NamedTuple):
    """What a certificate says."""

    subject: str
    issuer: str
    not_before: str
    """From when it is valid, such as `2026-03-01T10:00:00Z`."""
    not_after: str
    """Until when it is valid."""
    names: tuple[str, ...]
    """The host names and addresses that it is for."""
    is_ca: bool
    """Whether it may sign other certificates."""


class CertificateFile(NamedTuple):
    """A file from which a component reads certificates, and the key of a Secret or ConfigMap that is mounted there."""

    subject: str
    """The component, such as `exporters/otlp`; `in` for all receivers, since clients reach them alike."""
    role: str
    """The setting that names the file, such as `ca_file`."""
    kind: str
    """`Secret` or `ConfigMap`."""
    name: str
    key: str


def find_certificate_files(config: Any, sources: Sequence[PodSource]) -> list[CertificateFile]:
    """Return the certificate files of a config that lie in mounted Secrets and ConfigMaps."""
    files = []
    for path, value in iter_leaves(config):
        if not path or path[-1] not in _CERTIFICATE_FIELDS or not isinstance(value, str):
            continue
        for source in sources:
            key = source.find_key_at(value)
            if key:
                files.append(
                    CertificateFile(
                        subject=_name_component(path),
                        role=str(path[-1]),
                        kind=source.kind,
                        name=source.name,
                        key=key,
                    )
                )
    return files


def _name_component(path: Path) -> str:
    """Return what a path of a config is about: a component such as `exporters/otlp`, or `in` for a receiver."""
    if path[0] == "receivers":
        return "in"
    return "/".join(str(key) for key in path[:2])


def describe_certificate(certificate: Certificate, current_time: str) -> dict[str, Any]:
    """Return the row of a certificate: what it says, `left` and `state`.

    `left` is how long it is still valid, or how long ago it expired. `state` is what `judge_dates` returns.
    """
    seconds_left = seconds_between(current_time, certificate.not_after)
    return {
        **certificate._asdict(),
        "names": list(certificate.names),
        "left": describe_duration(abs(seconds_left)),
        "state": judge_dates(certificate.not_before, certificate.not_after, current_time),
    }


def judge_dates(not_before: str, not_after: str, current_time: str) -> str:
    """Return the state of a certificate by its dates: `expired`, `not_yet_valid`, `soon` or `valid`."""
    seconds_left = seconds_between(current_time, not_after)
    if seconds_left <= 0:
        return "expired"
    if seconds_between(not_before, current_time) < 0:
        return "not_yet_valid"
    return "soon" if seconds_left < _SOON_DAYS * _DAY_SECONDS else "valid"


def covers_host(names: Sequence[str], host: str) -> bool:
    """Return whether one of a certificate's names is this host. In `*.example.com`, the star stands for one label.

    Upper and lower case are the same in names of hosts. Source: RFC 4343.
    """
    lowered_host = host.lower()
    for name in map(str.lower, names):
        if name == lowered_host:
            return True
        # The same number of dots means that the star stands for one label: `*.example.com` is not for
        # `a.b.example.com`.
        if name.startswith("*.") and fnmatchcase(lowered_host, name) and host.count(".") == name.count("."):
            return True
    return False


def find_uncovered_services(certificate: Certificate, services: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the Services, such as `gateway.obs.svc`, none of whose usual names is in a server's certificate."""
    uncovered_services = []
    for service in services:
        name, namespace = str(service["name"]), str(service["namespace"])
        name_in_cluster = f"{name}.{namespace}.svc"
        usual_names = (name, f"{name}.{namespace}", name_in_cluster, f"{name_in_cluster}.cluster.local")
        if not any(covers_host(certificate.names, usual_name) for usual_name in usual_names):
            uncovered_services.append(name_in_cluster)
    return uncovered_services
