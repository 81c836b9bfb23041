# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_instrumentation/requirements.py: what Instrumentations need of the cluster."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.requirements import (
    list_export_targets,
    list_needed_files,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.sdk_languages import (
    GRPC,
    HTTP,
)

from .helpers import instrumentation


def test_services_are_asked_once_for_all_that_will_be_sent_as_each_protocol_does_it() -> None:
    found = list_export_targets([instrumentation("java", "go", "nginx"), instrumentation("go", name="second")])
    common = {"namespace": "telemetry", "service": "gateway", "scheme": "http", "path": ""}
    http = {"port": 4318, "protocol": HTTP, "signals": ["traces", "metrics", "logs"], "languages": ["go", "java"]}
    grpc = {"port": 4317, "protocol": GRPC, "signals": ["traces"], "languages": ["nginx"]}
    assert found == [common | http, common | grpc]


def test_a_bare_name_is_a_service_and_certificates_are_files_of_each_annotated_namespace() -> None:
    options: dict[str, Any] = {"collector": {}, "endpoint": "http://agent:4318"}
    for given, names in (({}, ["telemetry"]), ({"namespaces": ["b", {"name": "a"}]}, ["a", "b"])):
        made = instrumentation("python", **given, **options)
        assert [item["namespace"] for item in list_export_targets([made])] == names
    tls = {"secret_name": "client", "config_map_name": "ca", "ca_file": "ca.crt", "cert_file": "c", "key_file": "k"}
    both = [instrumentation("python", name=name, tls=tls, namespaces=["shop"]) for name in ("a", "b")]
    files = [{"kind": "Secret", "name": "client"}, {"kind": "ConfigMap", "name": "ca"}]
    assert list_needed_files(both) == [{**file, "namespace": "shop"} for file in files]
    assert list_needed_files([instrumentation()]) == []
