# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the API server may come to trust the certificate of a webhook by itself. Private.

A run waits for a webhook that does not answer, but not for one whose trust is lost: its configuration has another CA,
and nobody will write the right one. webhooks.py explains CA and injector.
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
# A new certificate reaches the files of a pod within so many seconds, and the API server has its CA by then.
TRUST_DELAY_SECONDS = 90


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def is_trust_lost(cluster: Cluster, error: ApiError, clock: Callable[[], datetime.datetime] = utc_now) -> bool:
    """Return whether a webhook stays without trust: no injector keeps its CA, and nobody has just written it.

    `error` is the answer of the API server. Return False for an error of another cause, or if nothing can be read.
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
    """Return the configurations that have a webhook of this name."""
    configurations: list[Object] = []
    for kind in CONFIGURATION_KINDS:
        for configuration in cluster.items(ApiResources.build_path(kind, "", "")):
            if any(webhook.get("name") == webhook_name for webhook in list_at(configuration, "webhooks")):
                configurations.append(configuration)
    return configurations


def _last_write_time(configuration: Object) -> str:
    """Return when an object was last written. Times of Kubernetes are in UTC, and sort as text."""
    metadata = configuration["metadata"]
    times = [str(entry.get("time") or "") for entry in metadata.get("managedFields") or []]
    return max([str(metadata.get("creationTimestamp") or ""), *times])
