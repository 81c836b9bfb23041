# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules learn of a collector that systemd runs. Private.

The rules of _otelcol judge a config for its deployment: how many processes run it, and in which network.
`_host_build.py` of plugin_utils gives them that of a collector of a host: it runs once, in the network of the host,
with the memory of its option `memory_limit`.
"""

from __future__ import annotations

from .._collector.options import Collector
from .._otelcol.needs.quantities import MIB, parse_bytes
from .._otelcol.rules.subject import Deployment
from .host_credentials import SYSTEMD_VARIABLES
from .host_options import HOST_MODE


def describe_deployment(collector: Collector) -> Deployment:
    """Return the deployment of a collector of a host: it runs once, in the network of the host."""
    return Deployment(
        mode=HOST_MODE,
        replicas=1,
        memory_limit_mib=parse_bytes(collector.memory_limit) // MIB,
        uses_host_network=True,
        pod_logs=collector.logs,
    )


def list_host_variables(collector: Collector) -> frozenset[str]:
    """Return the variables of a collector of a host: from the user, and from systemd."""
    return frozenset(collector.env) | SYSTEMD_VARIABLES
