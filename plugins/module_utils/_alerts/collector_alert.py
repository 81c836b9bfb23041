# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert as Alertmanager sends it, checked: its texts come from the network. Private.

Source of the form: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, version 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .._otelcol.errors import Problem, cleaned, near
from .reactions import REACTIONS, Reaction

ASKED = "Read the alert"
FIRING = "firing"
# The label with the host of the inventory.
HOST = "otel_host"
# Names of collectors and namespaces. Source: RFC 1123, as Kubernetes takes it.
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z")
_SHOWN = 100


@dataclass(frozen=True)
class CollectorAlert:
    """An alert of one collector. `namespace` and `host` are empty if the alert has no such label.

    `began` is when the alert began to fire, in seconds of Unix.
    """

    name: str
    collector: str
    namespace: str
    host: str
    began: float

    @property
    def reaction(self) -> Reaction:
        return REACTIONS[self.name]

    @property
    def who(self) -> str:
        """The collector, as a diagnosis takes its name."""
        return f"{self.namespace}/{self.collector}" if self.namespace else self.collector

    @property
    def began_at(self) -> str:
        return moment(self.began)


def moment(seconds: float) -> str:
    """Return a time in seconds of Unix as people read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def alert_of(given: Any) -> CollectorAlert:
    """Return the alert of an event. Raises Problem for one that no rule of this collection has raised.

    Its host is compared with the inventory later.
    """
    labels = given.get("labels") if isinstance(given, Mapping) else None
    if not isinstance(labels, Mapping):
        fix = "Run this playbook by the rulebook o11y.opentelemetry.collector_alerts."
        raise Problem("there is no alert with labels", asked=ASKED, fix=fix)
    if given.get("status") != FIRING:
        raise Problem(f"its status is {_shown(given.get('status'))}, and not {FIRING}", asked=ASKED)
    return CollectorAlert(
        name=_alert_name(labels.get("alertname")),
        collector=_checked(labels, "collector"),
        namespace=_checked(labels, "namespace") if labels.get("namespace") else "",
        host=_text(labels, HOST) if labels.get(HOST) else "",
        began=_began(given.get("startsAt")),
    )


def _alert_name(given: Any) -> str:
    if isinstance(given, str) and given in REACTIONS:
        return given
    wrong = f"{_shown(given)} is no alert of this collection{near(str(given)[:_SHOWN], REACTIONS)}"
    raise Problem(wrong, asked=ASKED, where="labels.alertname", fix="docs/monitoring.md lists the alerts.")


def _checked(labels: Mapping[str, Any], label: str) -> str:
    value = _text(labels, label)
    if not _NAME.match(value):
        fix = "Names have up to 63 lower-case letters, digits and hyphens. Nothing was run."
        raise Problem(f"{_shown(value)} is no name", asked=ASKED, where=f"labels.{label}", fix=fix)
    return value


def _text(labels: Mapping[str, Any], label: str) -> str:
    value = labels.get(label)
    if not isinstance(value, str) or not value:
        raise Problem("it has no such label", asked=ASKED, where=f"labels.{label}", fix="Nothing was run.")
    return value


def _began(given: Any) -> float:
    """Return the seconds of a time as Go writes it: RFC 3339, with up to nine digits after the second."""
    try:
        found = datetime.fromisoformat(str(given))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        wrong = f"{_shown(given)} is no time with a zone"
        raise Problem(wrong, asked=ASKED, where="startsAt", fix="Use a time such as 2026-01-31T12:00:00Z.")
    return found.timestamp()


def _shown(value: Any) -> str:
    return f"'{cleaned(str(value), _SHOWN)}'"
