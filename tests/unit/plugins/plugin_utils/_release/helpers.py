# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What release_info finds of the OpenTelemetry operator in a cluster."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import own_release

EMPTY: dict[str, Any] = {
    **own_release._NOTHING_INSTALLED,
    **{"version": "", "namespace": "", "installer": {"by": "", "name": ""}, "kubernetes": "v1.34.1"},
    **{"objects": [], "denied": [], "workloads": [], "webhooks": []},
}


def there(version: str, workload: dict[str, str], installer: dict[str, str]) -> dict[str, Any]:
    """Return a release of one workload."""
    space = workload["namespace"]
    found = {"installed": True, "version": version, "namespace": space, "namespaces": [space], "installer": installer}
    return {**EMPTY, **found, "workloads": [workload], "webhooks": [{"kind": "W", "name": "hooks"}]}


def namespace(name: str) -> dict[str, Any]:
    return {"api_version": "v1", "kind": "Namespace", "namespace": "", "name": name}


def definition(kind: str, version: str, installer: dict[str, str]) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    told: dict[str, Any] = {"name": f"{plural}.opentelemetry.io", "group": "opentelemetry.io", "kind": kind}
    told |= {"plural": plural, "scope": "Namespaced", "storage_version": version, "ours": False}
    return {**told, "served_versions": [version], "stored_versions": [version], "installer": installer}


def collector(name: str, *, ours: bool) -> dict[str, Any]:
    told = {"kind": "OpenTelemetryCollector", "api_version": "opentelemetry.io/v1beta1", "namespace": "a", "name": name}
    return told | {"ours": ours, "release": False, "finalizers": [], "image": "", "version": "", "automatic": False}
