# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for the collector that a new one was before its name changed. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..._kube.live.kinds import PRUNED, ApiResource, version_for
from ..._kube.ownership import label_of, release_of
from ..._otelcol.kube.names import COLLECTOR_LABEL, selector
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..earlier_names import is_renamed, named_config, unlisted, warning
from ..workload_kinds import RUNS
from .session import Session, listed

_CONFIGS = ApiResource("v1", "ConfigMap", "configmaps", True)


def warn_of_earlier_names(session: Session, live: Mapping[Ref, Manifest | None]) -> None:
    """Warn of each collector that still runs under the name that a new one had. Without a new one, nothing is read."""
    for new in session.options.manifests:
        if new["kind"] in RUNS and label_of(new, COLLECTOR_LABEL) and not live[ref(new)]:
            session.report.warnings.extend(_earlier(session, new))


def _earlier(session: Session, new: Manifest) -> Iterator[str]:
    """Yield a warning for each collector that a new one may have been."""
    namespace = new["metadata"]["namespace"]
    resource = session.resources.find(version_for(new["kind"]), new["kind"])
    if resource is None:
        return
    running = listed(session, resource, namespace, {"labelSelector": COLLECTOR_LABEL}) or []
    others = unlisted(running, session.options.manifests, session.options.field_manager)
    if not others:
        return
    live_configs = listed(session, _CONFIGS, namespace, {"labelSelector": COLLECTOR_LABEL}) or []
    new_named = named_config(new, _configs_in(session.options.manifests, namespace))
    for old in others:
        if is_renamed(named_config(old, _by_name(live_configs)), new_named):
            yield warning(old, new, _plurals(session, old))


def _configs_in(manifests: Iterable[Manifest], namespace: str) -> dict[str, Manifest]:
    """Return the ConfigMaps of a bundle in a namespace, by name."""
    configs = [manifest for manifest in manifests if manifest["kind"] == "ConfigMap"]
    return _by_name(config for config in configs if config["metadata"]["namespace"] == namespace)


def _by_name(configs: Iterable[Manifest]) -> dict[str, Manifest]:
    return {config["metadata"]["name"]: config for config in configs}


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
