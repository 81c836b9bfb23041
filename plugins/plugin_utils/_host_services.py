# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a Linux host that send to its collectors: the rows of option `otel_host_sdks`. Private.

Each row names a service of systemd whose SDK of OpenTelemetry gets the address of a collector, see docs/hosts_sdks.md.
For example, `{services: [shop.service], collector: agent}` gives shop.service a drop-in with
`OTEL_EXPORTER_OTLP_ENDPOINT`. `_host_render.py` calls `add_services`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from ..module_utils._host.host_build import HostBuild
from ..module_utils._host.host_sdks import HostSdk
from ..module_utils._host.sdk_receivers import SdkReceiver, list_sdk_receivers, list_sdk_services
from ..module_utils._otelcol.errors import Problem, prefix_problems
from . import _arguments, _role_options
from ._decrypted_texts import find_decrypted_texts
from ._host_secrets import find_first_secret
from ._inventory_hosts import PREFIX


def add_services(builds: Sequence[HostBuild], sdks: Sequence[Mapping[str, Any]]) -> list[HostBuild]:
    """Return the collectors with the services of the host that send to them. Raises Problem for an invalid row."""
    with prefix_problems(f"`{PREFIX}sdks`"):
        collector_names: list[str] = []
        receivers: list[SdkReceiver] = []
        for build in builds:
            collector_names.append(build.collector.name)
            receivers += list_sdk_receivers(build.collector.name, build.listeners)
        services = list_sdk_services([_read_sdk_row(row) for row in sdks], collector_names, receivers)
    return [replace(build, sending_services=tuple(services[build.collector.name])) for build in builds]


def _read_sdk_row(row: Mapping[str, Any]) -> HostSdk:
    """Return a row of services. Raises Problem for one with a secret: every user of the host can read a unit."""
    options = _arguments.validate_values(row, _documented_sdk_options(), f"a row of {PREFIX}sdks")
    secret_name = find_first_secret(options["env"])
    # A decrypted text may be in any option of the row, and in a variable whose name does not look like a secret.
    has_decrypted_text = bool(find_decrypted_texts(row))
    if secret_name is not None or has_decrypted_text:
        problem = f"`env.{secret_name}` looks like a secret" if secret_name else "a text is one that Ansible decrypted"
        fix = "Give secrets to the collector, as credentials. Its services need none."
        raise Problem(f"{problem}, and every user of the host can read the environment of a unit", fix=fix)
    return HostSdk.from_options(options)


@cache
def _documented_sdk_options() -> _arguments.DocumentedOptions:
    """Return what a row of services may have, by the documentation of role otel_host."""
    return _arguments.DocumentedOptions(_role_options.read_role_options(PREFIX, ["sdks"])["sdks"]["options"])
