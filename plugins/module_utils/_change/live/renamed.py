# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for the collector that a new one was before its name changed. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..._kube.live.kinds import PRUNED, ApiResource, version_for
from ..._kube.ownership import label_of, release_of
from ..._otelcol.kube.names import COLLECTOR_LABEL, selector
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..earlier_names import config_text, is_renamed, unlisted, warning
from ..replacement_order import RUNS
from .session import Session, listed

_CONFIGS = ApiResource("v1", "ConfigMap", "configmaps", True)


def warn_of_earlier_names(session: Session, live: Mapping[Ref, Manifest | None]) -> None:
    """Warn of each collector that still runs under the name that a new one had. Without a new one, nothing is read."""
    for new in session.options.manifests:
        if new["kind"] in RUNS and label_of(new, COLLECTOR_LABEL) and not live[ref(new)]:
            session.report.warnings.extend(_earlier(session, new))


def _earlier(session: Session, new: Manifest) -> Iterator[str]:
    namespace, name = new["metadata"]["namespace"], label_of(new, COLLECTOR_LABEL)
    manifests, manager = session.options.manifests, session.options.field_manager
    resource = session.resources.find(version_for(new["kind"]), new["kind"])
    running = resource and listed(session, resource, namespace, {"labelSelector": COLLECTOR_LABEL})
    others = unlisted(running or [], manifests, manager)
    configs = listed(session, _CONFIGS, namespace, {"labelSelector": COLLECTOR_LABEL}) if others else None
    before = {item["metadata"]["name"]: item for item in configs or []}
    after = {
        item["metadata"]["name"]: item
        for item in manifests
        if item["kind"] == "ConfigMap" and item["metadata"]["namespace"] == namespace
    }
    text = config_text(new, after)
    for old in others:
        if is_renamed((label_of(old, COLLECTOR_LABEL), config_text(old, before)), (name, text)):
            yield warning(old, new, _plurals(session, old))


def _plurals(session: Session, old: Manifest) -> list[str]:
    """Return of which kinds an earlier collector has objects, as far as this user may list them."""
    query = {"labelSelector": selector([release_of(old)])}
    plurals = []
    for kind in PRUNED:
        resource = session.resources.find(version_for(kind), kind)
        if resource is None:
            continue
        namespace = old["metadata"]["namespace"] if resource.namespaced else ""
        if listed(session, resource, namespace, query):
            plurals.append(resource.plural)
    return plurals
