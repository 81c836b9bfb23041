# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others own, and a bundle, or the operator for it, would overwrite: found before anything is written. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import starmap

from ..._kube.live.cluster import JSON, METADATA_LIST
from ..._kube.live.kinds import ApiResource, ApiResources, version_for
from ..._kube.operator_children import BUDGET, made, made_for
from ..._kube.operator_status import COLLECTOR
from ..._kube.ownership import owner, release_of
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem, at_most
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..applied_state import is_applied
from ..ownership_marks import lacking
from .second_budgets import budgets_of_bundle, budgets_of_operator, refuse_second_budget
from .session import Session, listed
from .takeover_warnings import Pairs, warn_of_earlier, warn_of_helm, warn_of_rendered

_SHOWN = 5


def compared_names(manifests: Iterable[Manifest]) -> set[Ref]:
    """Return what a run looks for among the objects of others: budgets, and what the operator makes of collectors."""
    names: set[Ref] = set()
    for manifest in manifests:
        if manifest["kind"] == COLLECTOR:
            names.update(made(manifest))
        elif manifest["kind"] == BUDGET:
            names.add(ref(manifest))
    return names


def refuse_others(session: Session, pairs: Pairs) -> None:
    """Refuse to write what others own, and a second budget for the same pods. Lists only for what is to change."""
    resources: list[Manifest] = []
    new_budgets: list[Manifest] = []
    for manifest, live in pairs:
        if manifest["kind"] == COLLECTOR and not _is_applied(session, manifest, live):
            resources.append(manifest)
        if manifest["kind"] == BUDGET and not live:
            new_budgets.append(manifest)
    places = {(name.kind, name.namespace) for name in compared_names([*resources, *new_budgets])}
    live_objects = {ref(manifest): manifest for manifest in _listed(session, places)}
    _refuse_foreign(session, [*pairs, *_overwritten(resources, live_objects)])
    warn_of_rendered(session, pairs)
    warn_of_earlier(session, pairs)
    warn_of_helm(session, pairs)
    templates = [section(manifest, "spec", "template", "metadata", "labels") for manifest, _live in pairs]
    wanted_budgets = [*budgets_of_bundle(new_budgets, templates), *budgets_of_operator(resources, live_objects)]
    live_budgets = [manifest for manifest in live_objects.values() if manifest["kind"] == BUDGET]
    refuse_second_budget(session, wanted_budgets, live_budgets)


def _overwritten(resources: list[Manifest], live: Mapping[Ref, Manifest]) -> Pairs:
    """Return the objects that the operator would make of custom resources, and that it has not made."""
    children = {child: resource for resource in resources for child in made(resource)}
    overwritten: Pairs = []
    for child, resource in children.items():
        if child in live and not made_for(resource, live[child]):
            overwritten.append((resource, live[child]))
    return overwritten


def _is_applied(session: Session, manifest: Manifest, live: Manifest | None) -> bool:
    return live is not None and is_applied(manifest, live, session.options.field_manager)


def _listed(session: Session, places: set[tuple[str, str]]) -> list[Manifest]:
    """Return the objects of some kinds in some namespaces, budgets with their content."""
    known: list[tuple[ApiResource, str]] = []
    for kind, namespace in sorted(places):
        resource = ApiResources.known(version_for(kind), kind)
        if resource:
            known.append((resource, namespace))
    lists = session.cluster.parallel(lambda place: _list(session, *place), known)
    denied: set[str] = set()
    live: list[Manifest] = []
    for (resource, _namespace), objects in zip(known, lists, strict=True):
        if objects is None:
            denied.add(resource.plural)
        else:
            live += objects
    if denied:
        named = ", ".join(sorted(denied))
        session.report.warnings.append(f"Not compared with those of others, since this user may not list them: {named}")
    return live


def _list(session: Session, resource: ApiResource, namespace: str) -> list[Manifest] | None:
    return listed(session, resource, namespace, {}, JSON if resource.kind == BUDGET else METADATA_LIST)


def _refuse_foreign(session: Session, pairs: Pairs) -> None:
    """Refuse to write what others own, before anything is written. A namespace of others is used as it is."""
    accounts = []
    foreign = []
    for manifest, live in pairs:
        if live is None or session.may_write(manifest, live):
            continue
        if session.may_exist(manifest):
            accounts.append((manifest, live))
        elif manifest["kind"] != "Namespace":
            foreign.append((manifest, live))
    _refuse_poor_accounts(accounts)
    if not foreign:
        return
    named = at_most(_SHOWN, starmap(_foreign, foreign), "; ", ", ")
    releases = ", ".join(sorted({release_of(manifest) or "none" for manifest, _live in foreign}))
    wrong = f"objects of these names exist and are managed by others: {named}"
    fix = (
        "Choose another name or namespace for yours, or end what else manages them and take them over: set adopt: true "
        "for a collector or an Instrumentation, `cert_manager_foreign: takeover` or "
        "`otel_operator_foreign: takeover` for a product, `adopt: [RELEASE]` for bundle_apply."
    )
    raise Problem(wrong, asked="Apply the bundle", where=f"release {releases}", fix=fix)


def _foreign(manifest: Manifest, live: Manifest) -> str:
    by_operator = "" if ref(manifest) == ref(live) else " (the operator would overwrite it)"
    return f"{ref(live)} is managed by {owner(live)}{by_operator}"


def _refuse_poor_accounts(pairs: list[tuple[Manifest, Manifest]]) -> None:
    """Refuse ServiceAccounts of others without what the collectors need of them."""
    for manifest, live in pairs:
        missing = lacking(live, manifest)
        if missing:
            wrong = f"{ref(live)} lacks {', '.join(missing)}, and belongs to {owner(live)}"
            fix = "Have its owner add what is missing, or leave service_account_name out, which makes an account."
            raise Problem(wrong, asked="Use an existing ServiceAccount", where="service_account_name", fix=fix)
