# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.service_names import headless_address

from ...helpers import cases


@cases(
    "address, found",
    ("gateway:4317", "dns:///gateway-headless:4317"),
    ("gateway.shop:4317", "dns:///gateway-headless.shop:4317"),
    ("gateway.gateway.svc.cluster.local:4317", "dns:///gateway-headless.gateway.svc.cluster.local:4317"),
    ("gateway.shop.svc", "dns:///gateway-headless.shop.svc"),
    ("gateway-headless.shop.svc:4317", "dns:///gateway-headless.shop.svc:4317"),
    ("gateway-0.gateway.shop.svc:4317", "dns:///gateway-0.gateway.shop.svc:4317"),
    ("otlp.example.com:4317", "dns:///otlp.example.com:4317"),
    ("10.0.0.1:4317", "dns:///10.0.0.1:4317"),
    ("dns:///gateway-headless.shop.svc:4317", "dns:///gateway-headless.shop.svc:4317"),
    ("${env:GATEWAY}", "dns:///${env:GATEWAY}"),
)
def test_clients_ask_for_the_pods_behind_a_service(address: str, found: str) -> None:
    assert headless_address(address, "telemetry") == found
