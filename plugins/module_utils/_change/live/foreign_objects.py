# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse to overwrite objects of other owners, before anything is written. Private.

`preflight.py` calls `refuse_foreign_objects`. A bundle (all manifests of a run) could overwrite such an object itself,
or by the operator, which makes objects for a custom resource of it. For example, a collector `gateway` of the operator,
where somebody has a Service of the name that the operator would give:

    objects of these names exist and are managed by others: Service obs/gateway-collector is managed by kubectl
    (the operator would overwrite it)

An object is foreign if no release of the bundle owns it, and the run does not take it over (`may_write` of session.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import starmap
from typing import NamedTuple

from ..._kube.operator_children import BUDGET, is_made_for, list_made_objects
from ..._kube.operator_status import COLLECTOR
from ..._kube.owner_words import describe_owner
from ..._kube.ownership import read_release_label
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..applied_state import is_applied
from ..missing_parts import list_missing_account_parts
from .compared_objects import list_compared_objects, list_compared_refs
from .second_budgets import find_bundle_budgets, find_operator_budgets, refuse_second_budget
from .session import ObjectPair, Pairs, Session
from .takeover_warnings import warn_of_earlier_versions, warn_of_helm, warn_of_other_tools

_MOST_SHOWN = 5


class _Candidates(NamedTuple):
    """What a run is about to write, and what could replace or hinder objects of other names than its own."""

    custom_resources: list[Manifest]
    """The collectors of the operator that change."""
    new_budgets: list[Manifest]
    """The PodDisruptionBudgets that are not there yet."""


class _LivePair(NamedTuple):
    """A manifest of the bundle, and the live object that it would overwrite."""

    manifest: Manifest
    live: Manifest


def refuse_foreign_objects(session: Session, pairs: Pairs) -> None:
    """Raise Problem if others own an object that the run would write, or have a budget for the same pods.

    The run writes the objects of the bundle, and the operator writes the objects that it makes of them. Live objects
    that the run takes over are no fault, but it warns of them.
    """
    candidates = _select_candidates(session, pairs)
    compared_refs = list_compared_refs([*candidates.custom_resources, *candidates.new_budgets])
    live_objects = list_compared_objects(session, compared_refs)
    operator_pairs = _find_overwritten(candidates.custom_resources, live_objects)
    _refuse_foreign_pairs(session, [*pairs, *operator_pairs])
    warn_of_other_tools(session, pairs)
    warn_of_earlier_versions(session, pairs)
    warn_of_helm(session, pairs)
    _refuse_second_budgets(session, pairs, candidates, live_objects)


def _select_candidates(session: Session, pairs: Pairs) -> _Candidates:
    """Return what changes of a bundle, of the kinds for which objects must be listed."""
    custom_resources = []
    for manifest, live in pairs:
        if manifest["kind"] == COLLECTOR and not _is_applied(session, manifest, live):
            custom_resources.append(manifest)
    new_budgets = [manifest for manifest, live in pairs if manifest["kind"] == BUDGET and not live]
    return _Candidates(custom_resources, new_budgets)


def _is_applied(session: Session, manifest: Manifest, live: Manifest | None) -> bool:
    return live is not None and is_applied(manifest, live, session.options.field_manager)


def _find_overwritten(custom_resources: list[Manifest], live_objects: Mapping[ObjectRef, Manifest]) -> Pairs:
    """Return the live objects that the operator would overwrite, each in a pair with the custom resource.

    They have the names of objects that the operator makes for the custom resource, but it did not make them.
    """
    resource_by_child: dict[ObjectRef, Manifest] = {}
    for resource in custom_resources:
        for child in list_made_objects(resource):
            resource_by_child[child] = resource
    overwritten_pairs: Pairs = []
    for child, resource in resource_by_child.items():
        live_child = live_objects.get(child)
        if live_child and not is_made_for(resource, live_child):
            overwritten_pairs.append(ObjectPair(resource, live_child))
    return overwritten_pairs


# ── Objects of others ──


def _refuse_foreign_pairs(session: Session, pairs: Pairs) -> None:
    """Raise Problem if others own one of the live objects. A namespace of others is used as it is."""
    foreign_pairs: list[_LivePair] = []
    for manifest, live in pairs:
        if live is not None and not session.may_write(manifest, live):
            foreign_pairs.append(_LivePair(manifest, live))
    # An account may be shared on purpose: it only must have what the collectors need.
    account_pairs = [pair for pair in foreign_pairs if session.is_existing_account(pair.manifest)]
    _refuse_lacking_accounts(account_pairs)
    _refuse_overwrites([pair for pair in foreign_pairs if not _may_stay(session, pair)])


def _may_stay(session: Session, pair: _LivePair) -> bool:
    """Return whether the run uses an object of others as it is."""
    return session.is_existing_account(pair.manifest) or pair.manifest["kind"] == "Namespace"


def _refuse_lacking_accounts(pairs: Sequence[_LivePair]) -> None:
    """Raise Problem if a ServiceAccount of others lacks what the collectors need of it."""
    for manifest, live in pairs:
        missing_parts = list_missing_account_parts(live, manifest)
        if missing_parts:
            wrong = f"{ref(live)} lacks {', '.join(missing_parts)}, and belongs to {describe_owner(live)}"
            fix = "Have its owner add what is missing, or leave service_account_name out, which makes an account."
            raise Problem(wrong, asked="Use an existing ServiceAccount", where="service_account_name", fix=fix)


def _refuse_overwrites(foreign_pairs: Sequence[_LivePair]) -> None:
    """Raise Problem if there are objects of others that the run would overwrite."""
    if not foreign_pairs:
        return
    foreign_text = join_at_most(_MOST_SHOWN, starmap(_describe_foreign, foreign_pairs), between="; ", last=", ")
    releases = ", ".join(sorted({read_release_label(manifest) or "none" for manifest, _live in foreign_pairs}))
    wrong = f"objects of these names exist and are managed by others: {foreign_text}"
    fix = (
        "Choose another name or namespace for yours, or end what else manages them and take them over: set adopt: true "
        "for a collector or an Instrumentation, `cert_manager_foreign: takeover` or "
        "`otel_operator_foreign: takeover` for a product, `adopt: [RELEASE]` for bundle_apply."
    )
    raise Problem(wrong, asked="Apply the bundle", where=f"release {releases}", fix=fix)


def _describe_foreign(manifest: Manifest, live: Manifest) -> str:
    """Return a live object with its owner: `Service obs/gateway-collector is managed by kubectl`."""
    operator_clause = "" if ref(manifest) == ref(live) else " (the operator would overwrite it)"
    return f"{ref(live)} is managed by {describe_owner(live)}{operator_clause}"


# ── Budgets of others ──


def _refuse_second_budgets(
    session: Session, pairs: Pairs, candidates: _Candidates, live_objects: Mapping[ObjectRef, Manifest]
) -> None:
    """Raise Problem if pods would have two budgets: of two for the same pods, Kubernetes allows no eviction."""
    pod_labels = [mapping_at(manifest, "spec", "template", "metadata", "labels") for manifest, _live in pairs]
    wanted_budgets = [
        *find_bundle_budgets(candidates.new_budgets, pod_labels),
        *find_operator_budgets(candidates.custom_resources, live_objects),
    ]
    live_budgets = [manifest for manifest in live_objects.values() if manifest["kind"] == BUDGET]
    refuse_second_budget(session, wanted_budgets, live_budgets)
