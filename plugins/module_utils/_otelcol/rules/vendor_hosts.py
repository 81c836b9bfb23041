# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service of AWS or Datadog a host is. Private.

xray.eu-west-1.amazonaws.com               AwsService("xray", "eu-west-1"), which takes traces by OTLP
aps-workspaces.us-east-1.amazonaws.com     AwsService("aps-workspaces", "us-east-1"), which takes remote write
otlp.datadoghq.eu                          an intake of Datadog for OTLP
"""

from __future__ import annotations

import re
from typing import NamedTuple

# `xray.eu-west-1.amazonaws.com`. Groups: the service, the region.
_AWS_HOST = re.compile(r"(aps-workspaces|xray|logs|monitoring)\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\Z")
# `otlp.datadoghq.eu` or, with the name of a site, `otlp.us3.datadoghq.com`.
_DATADOG_HOST = re.compile(r"otlp\.(?:[a-z0-9]+\.)?(?:datadoghq\.(?:com|eu)|ddog-gov\.com)\Z")
_PROMETHEUS_LABEL = "aps-workspaces"
# First label of the host → the signal that the service takes by OTLP.
_SIGNALS_BY_LABEL = {"xray": "traces", "logs": "logs", "monitoring": "metrics"}
# First label of the host → the name of the service in signatures, where that is another one.
_SIGNING_NAMES_BY_LABEL = {_PROMETHEUS_LABEL: "aps"}


class AwsService(NamedTuple):
    """A service of AWS that takes telemetry: the first label of its hosts, and the region."""

    host_label: str
    region: str

    @property
    def otlp_signal(self) -> str:
        """The signal that the service takes by OTLP; empty if it takes none."""
        return _SIGNALS_BY_LABEL.get(self.host_label, "")

    @property
    def signing_name(self) -> str:
        """The name of the service in signatures."""
        return _SIGNING_NAMES_BY_LABEL.get(self.host_label, self.host_label)

    @property
    def takes_remote_write(self) -> bool:
        """Whether it is Amazon Managed Service for Prometheus."""
        return self.host_label == _PROMETHEUS_LABEL


def find_aws_service(host: str) -> AwsService | None:
    """Return the service of AWS that has a host, which is in small letters."""
    host_match = _AWS_HOST.match(host)
    return AwsService(host_match[1], host_match[2]) if host_match else None


def is_datadog_host(host: str) -> bool:
    """Whether a host, which is in small letters, is an intake of Datadog for OTLP."""
    return bool(_DATADOG_HOST.match(host))
