# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rule on what nobody filled in."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running


def exporter(**settings: Any) -> Json:
    return running(exporters={"otlp_http": settings})


CASES = [
    Case(
        "placeholder",
        "parts of an address",
        exporter(endpoint="http://<service>.<namespace>.svc:3100/otlp"),
        "exporters.otlp_http.endpoint",
        "`endpoint` has a placeholder in angle brackets Write what belongs there",
    ),
    Case("placeholder", "a region", exporter(region="<YOUR_REGION>"), "exporters.otlp_http.region", "`region`"),
    Case("placeholder", "a token", exporter(token="<TOKEN>"), "exporters.otlp_http.token", "`token`"),
    Case("placeholder", "a header", exporter(headers={"x-org": "<ORG>"}), "exporters.otlp_http.headers.x-org", "x-org"),
    Case("placeholder", "an address", exporter(endpoint="http://loki.logs.svc:3100/otlp", region="eu-west-1")),
    Case("placeholder", "a default", exporter(endpoint="${env:ENDPOINT:-<none>}")),
    Case("placeholder", "an expression", running(processors={"filter": {"traces": ["a < 1 and b > 2"], "x": "<a>"}})),
    Case("placeholder", "of what nothing starts", {**running(), "extensions": {"x": {"endpoint": "<HOST>:1"}}}),
]
