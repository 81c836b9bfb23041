# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the API server may come to trust the certificate of a webhook by itself. Private.

A run waits for a webhook that does not answer, since its pod may be starting. It does not wait for a webhook whose
trust is lost: its configuration has another CA than its certificate, and nobody will write the right one. `Cluster` of
cluster.py asks `is_trust_lost` before a long wait, with the error of the API server. For example:

    failed calling webhook "m.example.com": … x509: certificate signed by unknown authority

The answer is True if all configurations with a webhook `m.example.com` were written more than 90 s ago, and none has
the annotation of an injector. An injector is a controller that writes the CA, such as cert-manager's: webhooks.py.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.kinds import ApiResources
from ..._otelcol.config.paths import list_at
from ..failures import Object
from ..webhook_causes import find_distrusted_webhook
from ..webhooks import find_injection_request

CONFIGURATION_KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
# So many seconds after a configuration was written, the API server has its CA, and the pods of the webhook have the
# certificate in their files. Until then the error says nothing.
TRUST_DELAY_SECONDS = 90


def utc_now() -> datetime.datetime:
    """Return the current time. Tests have a clock of their own."""
    return datetime.datetime.now(datetime.UTC)


def is_trust_lost(cluster: Cluster, error: ApiError, clock: Callable[[], datetime.datetime] = utc_now) -> bool:
    """Return whether a webhook stays without trust: no injector writes its CA, and nobody has just written it.

    `error` is what the API server says of a request that needs the webhook. The answer is False for another error, and
    if the configurations cannot be read or found.
    """
    webhook_name = find_distrusted_webhook(error.message)
    if not webhook_name:
        return False
    try:
        configurations = _list_configurations(cluster, webhook_name)
    except ApiError:  # this user may not read them
        return False
    cutoff_time = (clock() - datetime.timedelta(seconds=TRUST_DELAY_SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for configuration in configurations:
        if find_injection_request(configuration) or _last_write_time(configuration) > cutoff_time:
            return False
    return bool(configurations)


def _list_configurations(cluster: Cluster, webhook_name: str) -> list[Object]:
    """Return the configurations of both kinds that have a webhook of this name. Raises ApiError."""
    configurations: list[Object] = []
    for kind in CONFIGURATION_KINDS:
        for configuration in cluster.items(ApiResources.build_path(kind, "", "")):
            if any(webhook.get("name") == webhook_name for webhook in list_at(configuration, "webhooks")):
                configurations.append(configuration)
    return configurations


def _last_write_time(configuration: Object) -> str:
    """Return when an object was last written, such as `2026-01-31T12:00:00Z`. Such times sort as text."""
    metadata = configuration["metadata"]
    times = [str(entry.get("time") or "") for entry in metadata.get("managedFields") or []]
    return max([str(metadata.get("creationTimestamp") or ""), *times])
