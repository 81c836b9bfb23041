# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What still has to happen before a webhook lets an object pass: the steps that a wait reports. Private.

`live/webhook_wait.py` waits until no step is pending, and `live/webhook_reasons.py` explains those that stay. Each
function here builds one sort of step. For example, a CustomResourceDefinition that is not applied yet:

    PendingStep("missing", ObjectRef("CustomResourceDefinition", "", "things.example.com"),
                "it does not exist", "Apply it; no controller creates it.")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .._kube.namespaced_name import NamespacedName
from .._otelcol.kube.objects import ObjectRef
from .webhook_causes import CAUSES_WITH_PORT, WEBHOOK_CAUSES, find_unreachable_service, find_webhook_cause

Object = dict[str, Any]

_FIXES_OF_CAUSES = {cause.id: cause.fix for cause in WEBHOOK_CAUSES}
# For a cause with the port of pods, if the webhook has a URL in place of a Service: its pods are not known then.
_URL_FIX = "Let the control plane reach the URL of the webhook, and look at the log of what listens there."


class PendingStep(NamedTuple):
    """A step that has not happened yet."""

    id: str
    """`missing`, `kind_missing`, `server`, `ca`, or the id of a row of WEBHOOK_CAUSES."""
    subject: ObjectRef
    """The object that has to pass, or the configuration of the webhook."""
    wrong: str
    """What is wrong, in words, with the answer of the API server if there is one."""
    fix: str
    """What to do; {port} in it stands for the port of the webhook's pods. Empty for `ca`, see live/missing_ca.py."""
    needed_services: tuple[NamespacedName, ...] = ()
    """The Services whose pods must answer; empty if none is known, such as for a webhook with a URL."""
    configuration: Object | None = None
    """The webhook configuration that has no CA, for the step `ca`; None for any other step."""


def build_missing_step(subject: ObjectRef) -> PendingStep:
    """Return the step of a webhook configuration that is not there."""
    return PendingStep("missing", subject, wrong="it does not exist", fix="Apply it; no controller creates it.")


def build_unserved_kind_step(subject: ObjectRef) -> PendingStep:
    """Return the step of an object whose kind the API server does not have yet."""
    fix = "Install its CustomResourceDefinition, and look at its conditions."
    return PendingStep("kind_missing", subject, wrong="its kind is not served yet", fix=fix)


def build_server_step(subject: ObjectRef, answer_text: str) -> PendingStep:
    """Return the step of an object that the API server cannot take now; `answer_text` is such as `503 (no leader)`."""
    wrong = f"the server answers {answer_text}"
    return PendingStep("server", subject, wrong=wrong, fix="Look at the API server's log.")


def build_missing_ca_step(
    subject: ObjectRef, configuration: Object, webhook_names: Sequence[str], services: Sequence[NamespacedName]
) -> PendingStep:
    """Return the step of a configuration with webhooks that have no CA. `services` are the Services of all webhooks."""
    wrong = f"no CA is injected into {', '.join(webhook_names)}"
    return PendingStep("ca", subject, wrong=wrong, fix="", needed_services=tuple(services), configuration=configuration)


def build_unserved_service_step(subject: ObjectRef, services: Sequence[NamespacedName]) -> PendingStep:
    """Return the step of a configuration with Services that have no ready pod."""
    wrong = f"no pod is ready behind {', '.join(map(str, services))}"
    fix = _FIXES_OF_CAUSES["no_endpoints"]
    return PendingStep("no_endpoints", subject, wrong=wrong, fix=fix, needed_services=tuple(services))


def build_silent_webhook_step(subject: ObjectRef, message: str) -> PendingStep:
    """Return the step of an object whose webhook does not answer, by the message of the API server."""
    cause = find_webhook_cause(message)
    wrong = f"{cause.text} ({message})"
    service = find_unreachable_service(message)
    if service:
        return PendingStep(cause.id, subject, wrong=wrong, fix=cause.fix, needed_services=(service,))
    needs_port_of_pods = cause.id in CAUSES_WITH_PORT
    return PendingStep(cause.id, subject, wrong=wrong, fix=_URL_FIX if needs_port_of_pods else cause.fix)
