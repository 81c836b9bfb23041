# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the objects of a bundle as they are in the cluster, before anything is written. Private.

A bundle is the list of all manifests of a run. `apply.py` and `kept_changes.py` call `read_live_bundle` once. What it
makes of the answer for one object:

| answer | what `objects` has |
|---|---|
| the object | the object |
| the object, which is being deleted | None, after the run has waited until it is gone |
| not found, or a kind that the bundle itself defines | None |
| a kind that nobody defines | nothing, since the run ends; None in check mode, which warns |
| a namespace of others that the account may not read | its manifest, as if it were there, to write into it |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..._kube.live.api_errors import explain, explain_other_server
from ..._kube.live.cluster import NOT_ALLOWED, NOT_FOUND, ApiError
from ..._kube.live.libraries import parse_foreign_yaml
from ..._kube.operator_status import COLLECTOR
from ..._kube.ownership import read_collector_name
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..collector_flows import EarlierConfig, Flow, find_earlier_flows
from ..config_versions import find_replaced_configs
from .deletion_wait import await_deletion, warn_of_wait
from .preflight import refuse_absent_kinds
from .session import Session, list_namespaces


@dataclass(frozen=True)
class LiveBundle:
    """The live objects of a bundle."""

    objects: dict[ObjectRef, Manifest | None]
    """The live objects of the bundle and its namespaces; None for an absent one. A write of this run puts the last
    state before it here, with what others have written since the objects were read."""
    replaced_configs: dict[ObjectRef, ObjectRef]
    """The live config that each new config of the bundle replaces."""
    missing_namespaces: set[str]
    """The namespaces that the bundle uses and the cluster does not have."""


def read_live_bundle(session: Session) -> LiveBundle:
    """Read all objects and namespaces at once. Raises Problem for kinds that the cluster does not serve."""
    manifests = session.options.manifests
    namespace_names = list_namespaces(manifests)
    own_namespaces = _list_own_namespaces(session)
    other_namespaces = [_build_namespace(name) for name in namespace_names if name not in own_namespaces]
    manifests_to_read = [*manifests, *other_namespaces]
    answers = session.cluster.call_in_parallel(lambda manifest: _read_live(session, manifest), manifests_to_read)
    answers_of_bundle = zip(manifests, answers[: len(manifests)], strict=True)
    refuse_absent_kinds(session, [manifest for manifest, answer in answers_of_bundle if not answer.is_served])
    live_objects = _await_leaving(session, [answer.live_object for answer in answers])
    objects = dict(zip(map(ref, manifests_to_read), live_objects, strict=True))
    missing_namespaces = {name for name in namespace_names if not objects[ObjectRef("Namespace", "", name)]}
    return LiveBundle(objects, find_replaced_configs(manifests, objects), missing_namespaces)


class _ReadAnswer(NamedTuple):
    """What the server has of a manifest, and whether it serves the kind."""

    live_object: Manifest | None
    is_served: bool = True


def _read_live(session: Session, manifest: Manifest) -> _ReadAnswer:
    """Return the live object of a manifest, and whether the cluster serves its kind."""
    action_text = f"Read {ref(manifest)}"
    path = session.build_path(manifest)
    # Whether the bundle itself defines the kind, so that the cluster will serve it.
    is_planned = session.resources.defines(manifest)
    if not path:
        return _ReadAnswer(None, is_served=is_planned)
    try:
        return _ReadAnswer(session.cluster.request("GET", path))
    except ApiError as error:
        if error.status == NOT_FOUND and not explain_other_server(error, action_text):
            return _ReadAnswer(None, is_served=is_planned or not error.is_kind_missing)
        if error.status == NOT_ALLOWED and manifest == _build_namespace(manifest["metadata"]["name"]):
            return _ReadAnswer(manifest)  # a user without read permission may still write into the namespace
        raise explain(error, action_text) from error


def _await_leaving(session: Session, live_objects: list[Manifest | None]) -> list[Manifest | None]:
    """Wait for the objects that are being deleted, and count them as absent; check mode only says so."""
    staying_objects: list[Manifest | None] = []
    leaving_objects = []
    for live_object in live_objects:
        if live_object and live_object["metadata"].get("deletionTimestamp"):
            leaving_objects.append(live_object)
            staying_objects.append(None)
        else:
            staying_objects.append(live_object)
    if leaving_objects and session.options.check:
        warn_of_wait(session, leaving_objects)
    elif leaving_objects:
        await_deletion(session, leaving_objects, session.cluster.clock())
    return staying_objects


def refuse_missing_namespaces(session: Session, live_bundle: LiveBundle) -> None:
    """Raise Problem for a namespace that neither exists nor comes with the bundle."""
    unknown_namespaces = sorted(live_bundle.missing_namespaces - _list_own_namespaces(session))
    if unknown_namespaces:
        fix = "Set create_namespace: true for the collector, or create the namespace first."
        raise Problem(f"the namespace '{unknown_namespaces[0]}' does not exist", asked="Apply the bundle", fix=fix)


def _list_own_namespaces(session: Session) -> set[str]:
    """Return the names of the namespaces that come with the bundle."""
    manifests = session.options.manifests
    return {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Namespace"}


def _build_namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


# ── The configs that new ones replace ──


def list_earlier_flows(session: Session, live_bundle: LiveBundle) -> list[Flow]:
    """Return which collectors of the bundle send to which by the configs that new ones replace."""
    manifests = session.options.manifests
    new_configs = [manifest for manifest in manifests if ref(manifest) in live_bundle.replaced_configs]
    old_configs = session.cluster.call_in_parallel(
        lambda manifest: read_replaced_config(session, live_bundle, manifest), new_configs
    )
    earlier_configs: list[EarlierConfig] = []
    for new_config, old_config in zip(new_configs, old_configs, strict=True):
        for config_text in mapping_at(old_config, "data").values():
            earlier_configs.append(EarlierConfig(read_collector_name(new_config), parse_foreign_yaml(config_text)))
    for manifest in manifests:
        if manifest["kind"] == COLLECTOR:
            live_config = mapping_at(live_bundle.objects[ref(manifest)], "spec", "config")
            earlier_configs.append(EarlierConfig(read_collector_name(manifest), live_config))
    return find_earlier_flows(manifests, earlier_configs)


def read_replaced_config(session: Session, live_bundle: LiveBundle, manifest: Manifest) -> Manifest | None:
    """Return the live config that a new one replaces, or None if it replaces none."""
    old_config = live_bundle.replaced_configs.get(ref(manifest))
    if old_config is None:
        return None
    return session.read_live({**manifest, "metadata": {"name": old_config.name, "namespace": old_config.namespace}})
