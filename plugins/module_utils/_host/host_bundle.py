# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the bundle of a collector of a host: all that the host gets for it, as one value. Private.

`_host_render.py` of plugin_utils calls `build_host_bundle`, and module host_apply reads the bundle on the host
(bundle_form.py has its keys). For example:

    {"name": "agent", "files": [{"path": "config.yaml", "content": "receivers: …", "mode": "0644"}, …],
     "program": {"path": "/usr/bin/otelcol"}, "ports": [{"number": 4317, "protocol": "tcp", "address": "127.0.0.1"}],
     "metrics": "http://127.0.0.1:8888/metrics", …}

A bundle of a cluster is something else: a list of manifests.
"""

from __future__ import annotations

from collections.abc import Iterator

from .._host_change.bundle_form import CONFIG, HOSTS, UNIT, BundleFile, BundlePort, BundleService, HostBundle
from .._host_change.service_environment import ServiceEnvironment
from .._otelcol.needs.listeners import Listener
from .host_build import HostBuild, bracket_host

# The modes of the files of a bundle.
_CONFIG_MODE = "0644"
_UNIT_MODE = "0644"
_HEALTH_TYPE = "healthcheck"


def build_host_bundle(build: HostBuild) -> HostBundle:
    """Return the bundle of a collector."""
    collector = build.collector
    bundle: HostBundle = {
        "name": collector.name,
        "files": _build_files(build),
        "program": build.program.as_dict(),
        "credentials": [credential.as_dict() for credential in build.environment.credentials],
        "ports": [_build_port(listener) for listener in build.listeners],
        "metrics": _find_metrics_url(build),
        "health": _find_health_url(build),
        "state": collector.state_directory,
        "watch_seconds": collector.watch_seconds,
        "ready_seconds": collector.ready_seconds,
        "keep": collector.keep,
    }
    if build.sending_services:
        bundle["services"] = [_build_service(service) for service in build.sending_services]
    return bundle


def _build_files(build: HostBuild) -> list[BundleFile]:
    """Return the config, the unit, and the file with the names of gateways if there are any."""
    config: BundleFile = {"path": CONFIG, "content": build.config_text, "mode": _CONFIG_MODE}
    if build.shown_text != build.config_text:
        config["shown"] = build.shown_text
    files: list[BundleFile] = [config, {"path": UNIT, "content": build.render_unit(), "mode": _UNIT_MODE}]
    if build.host_name_lines:
        names_text = "".join(f"{line}\n" for line in build.host_name_lines)
        files.append({"path": HOSTS, "content": names_text, "mode": _CONFIG_MODE})
    return files


def list_drop_in_files(build: HostBuild) -> Iterator[BundleFile]:
    """Yield the drop-ins of the services that send to the collector, as files that people read."""
    for service in build.sending_services:
        drop_in_text = service.render_drop_in(build.collector.name)
        yield {"path": f"{service.unit}.conf", "content": drop_in_text, "mode": _UNIT_MODE}


def _build_port(listener: Listener) -> BundlePort:
    return {"number": listener.port, "protocol": listener.protocol.lower(), "address": listener.host}


def _build_service(service: ServiceEnvironment) -> BundleService:
    return {"unit": service.unit, "variables": dict(service.variables), "restart": service.may_restart}


def _find_metrics_url(build: HostBuild) -> str:
    """Return the URL of the collector's own metrics; empty without them.

    The service itself serves them, so their listener belongs to no component: its `part` is None.
    """
    for listener in build.listeners:
        if listener.part is None:
            return _build_url(listener, "/metrics")
    return ""


def _find_health_url(build: HostBuild) -> str:
    """Return the URL of the extension health_check; empty without it."""
    for listener in build.listeners:
        if listener.part is not None and listener.part.kind == _HEALTH_TYPE:
            return _build_url(listener, build.needs.probe_path)
    return ""


def _build_url(listener: Listener, path: str) -> str:
    return f"http://{bracket_host(listener.host)}:{listener.port}{path}"
