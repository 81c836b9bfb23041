# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert as Alertmanager sends it, checked: its texts come from the network. Private.

`_alert_plan.py` of plugin_utils reads the event of a rulebook with `read_alert`. For example, the event

    {"status": "firing", "startsAt": "2026-01-31T12:00:00Z",
     "labels": {"alertname": "OtelCollectorDown", "collector": "gateway", "namespace": "obs"}}

gives `CollectorAlert("OtelCollectorDown", "gateway", "obs", host="", begin_time=1769860800.0)`.

Source of the form: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, version 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .._otelcol.errors import Problem, clean_text, suggest_word
from .reactions import REACTIONS, Reaction

# What is done, for messages.
ASKED = "Read the alert"
# The status of an alert that has not ended.
FIRING = "firing"
# The label with the host of the inventory.
HOST_LABEL = "otel_host"
# Names of collectors and namespaces. Source: RFC 1123, as Kubernetes takes it.
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z")
# How many characters of a text a message shows.
_SHOWN_LENGTH = 100
# At the edges of what Python knows, a time with a zone is none in UTC.
_KNOWN_YEARS = range(1970, 9999)


@dataclass(frozen=True)
class CollectorAlert:
    """An alert of one collector."""

    name: str
    """Such as `OtelCollectorDown`."""
    collector: str
    namespace: str
    """Empty if the alert has no such label."""
    host: str
    """The host of the inventory; empty if the alert has no such label."""
    begin_time: float
    """When the alert began to fire, in seconds of Unix."""

    @property
    def reaction(self) -> Reaction:
        """What the alert does beside the diagnosis."""
        return REACTIONS[self.name]

    @property
    def qualified_name(self) -> str:
        """The collector, as a diagnosis takes its name: NAMESPACE/NAME, or NAME on a host."""
        return f"{self.namespace}/{self.collector}" if self.namespace else self.collector

    @property
    def began_at(self) -> str:
        return format_moment(self.begin_time)


def format_moment(seconds: float) -> str:
    """Return a time in seconds of Unix as people read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def read_alert(raw_alert: Any) -> CollectorAlert:
    """Return the alert of an event. Raises Problem for one that no rule of this collection has raised.

    Its host is compared with the inventory later.
    """
    labels = raw_alert.get("labels") if isinstance(raw_alert, Mapping) else None
    if not isinstance(labels, Mapping):
        fix = "Run this playbook by the rulebook o11y.opentelemetry.collector_alerts."
        raise Problem("there is no alert with labels", asked=ASKED, fix=fix)
    if raw_alert.get("status") != FIRING:
        raise Problem(f"its status is {_quote_cleaned(raw_alert.get('status'))}, and not {FIRING}", asked=ASKED)
    return CollectorAlert(
        name=_check_alert_name(labels.get("alertname")),
        collector=_read_name_label(labels, "collector"),
        namespace=_read_name_label(labels, "namespace") if labels.get("namespace") else "",
        host=_read_label(labels, HOST_LABEL) if labels.get(HOST_LABEL) else "",
        begin_time=_parse_start_time(raw_alert.get("startsAt")),
    )


def _check_alert_name(raw_name: Any) -> str:
    """Return the name of an alert. Raises Problem for one that this collection does not have."""
    if isinstance(raw_name, str) and raw_name in REACTIONS:
        return raw_name
    wrong = (
        f"{_quote_cleaned(raw_name)} is no alert of this"
        f" collection{suggest_word(str(raw_name)[:_SHOWN_LENGTH], REACTIONS)}"
    )
    raise Problem(wrong, asked=ASKED, where="labels.alertname", fix="docs/monitoring.md lists the alerts.")


def _read_name_label(labels: Mapping[str, Any], label: str) -> str:
    """Return a label that names a collector or a namespace. Raises Problem if it is missing, or is no such name."""
    value = _read_label(labels, label)
    if not _DNS_LABEL.match(value):
        fix = "Names have up to 63 lower-case letters, digits and hyphens. Nothing was run."
        raise Problem(f"{_quote_cleaned(value)} is no name", asked=ASKED, where=f"labels.{label}", fix=fix)
    return value


def _read_label(labels: Mapping[str, Any], label: str) -> str:
    """Return a label. Raises Problem if it is missing."""
    value = labels.get(label)
    if not isinstance(value, str) or not value:
        raise Problem("it has no such label", asked=ASKED, where=f"labels.{label}", fix="Nothing was run.")
    return value


def _parse_start_time(raw_time: Any) -> float:
    """Return the seconds of a time as Go writes it: RFC 3339, with up to nine digits after the second."""
    try:
        start_time = datetime.fromisoformat(str(raw_time))
    except ValueError:
        start_time = None
    if start_time is None or start_time.tzinfo is None or start_time.year not in _KNOWN_YEARS:
        wrong = f"{_quote_cleaned(raw_time)} is no time of these years with a zone"
        raise Problem(wrong, asked=ASKED, where="startsAt", fix="Use a time such as 2026-01-31T12:00:00Z.")
    return start_time.timestamp()


def _quote_cleaned(value: Any) -> str:
    return f"'{clean_text(str(value), _SHOWN_LENGTH)}'"
