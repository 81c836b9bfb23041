# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instrumentations for tests, each as small as it can be."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation import (
    instrumentation as made,
)

OPTIONS: dict[str, Any] = {
    **{"name": "default", "namespace": "telemetry", "endpoint": "", "sampler": {}, "propagators": [], "env": {}},
    **{"collector": {"name": "gateway", "namespace": "", "http_port": 4318, "grpc_port": 4317}},
    **{"labels": {}, "annotations": {}, "resource_attributes": {}, "tls": None, "namespaces": [], "adopt": False},
    **{"kubernetes_uids": False, "labels_as_attributes": False},
    **{"image_registry": "", "image_pull_policy": None, "init_container_security_context": {}},
}
LANGUAGE = {"image": "", "protocol": "", "endpoint": "", "env": {}, "resources": {}, "volume_claim_template": {}}


def instrumentation(*languages: str, **options: Any) -> made.Instrumentation:
    """Return an Instrumentation of some languages; an option named as one of them has its options."""
    chosen = {name: {**LANGUAGE, **options.pop(name, {})} for name in languages or ("python",)}
    return made.Instrumentation.from_options({**OPTIONS, "languages": chosen, **options})
