# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others own, and a bundle, or the operator for it, would overwrite: found before anything is written. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import starmap
from typing import NamedTuple

from ..._kube.live.cluster import JSON, METADATA_LIST
from ..._kube.live.kinds import ApiResource, ApiResources, version_for
from ..._kube.operator_children import BUDGET, budgets, made, made_for
from ..._kube.operator_status import COLLECTOR
from ..._kube.ownership import is_ours, owner, release_of
from ..._otelcol.config.paths import at, section
from ..._otelcol.errors import Problem, at_most
from ..._otelcol.kube.keepers import HELM_NAME
from ..._otelcol.kube.network_policies import selector_selects
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..applied_state import is_applied
from ..ownership_marks import helm_release, lacking, marks
from .session import Session, listed

SHOWN = 5
# A namespace or a Helm release. A text of others that is none may be another selector, option or command.
_NAME = re.compile("[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
Pairs = list[tuple[Manifest, "Manifest | None"]]


class _Budget(NamedTuple):
    """A new PodDisruptionBudget: for which object of the bundle, the labels of its pods, and a way without it."""

    asked: Manifest
    namespace: str
    pods: list[dict[str, str]]
    fix: str


_UNASKED = (
    "Let the other one select other pods, or delete it. The operator makes a budget whatever `disruption_budget` says: "
    "`backend: kubernetes` with `disruption_budget: {enabled: false}` has none."
)


def compared(manifests: Iterable[Manifest]) -> set[Ref]:
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
    places = {(name.kind, name.namespace) for name in compared([*resources, *new_budgets])}
    live_objects = {ref(manifest): manifest for manifest in _listed(session, places)}
    refuse_foreign(session, [*pairs, *_overwritten(resources, live_objects)])
    warn_of_rendered(session, pairs)
    warn_of_earlier(session, pairs)
    warn_of_helm(session, pairs)
    templates = [section(manifest, "spec", "template", "metadata", "labels") for manifest, _live in pairs]
    wanted_budgets = [*_of_bundle(new_budgets, templates), *_of_operator(resources, live_objects)]
    live_budgets = [manifest for manifest in live_objects.values() if manifest["kind"] == BUDGET]
    _refuse_second_budget(session, wanted_budgets, live_budgets)


def _overwritten(resources: list[Manifest], live: Mapping[Ref, Manifest]) -> Pairs:
    """Return the objects that the operator would make of custom resources, and that it has not made."""
    children = {child: resource for resource in resources for child in made(resource)}
    overwritten: Pairs = []
    for child, resource in children.items():
        if child in live and not made_for(resource, live[child]):
            overwritten.append((resource, live[child]))
    return overwritten


def warn_of_earlier(session: Session, pairs: Pairs) -> None:
    """Name the objects of an earlier version, which this run takes over."""
    converted = [str(ref(live)) for manifest, live in pairs if live and session.converts(manifest, live)]
    if not converted:
        return
    run = "Without check mode, this run" if session.options.check else "This run"
    named = at_most(SHOWN, converted, last=", ")
    session.report.warnings.append(f"{run} takes over objects of an earlier version of this collection: {named}.")


def warn_of_rendered(session: Session, pairs: Pairs) -> None:
    """Name the objects of these releases that another tool applies, which check mode compares."""
    owned = []
    for manifest, live in pairs:
        if live and session.only_compares(manifest, live) and not session.may_adopt(manifest, live):
            owned.append(f"{ref(live)} is managed by {owner(live)}")
    if owned:
        session.report.warnings.append(
            f"Another tool applies objects of this inventory: {at_most(SHOWN, owned, last=', ')}. Check mode compares "
            "them with the inventory. A run without check mode is refused; to let it manage them, set adopt: true."
        )


def warn_of_helm(session: Session, pairs: Pairs) -> None:
    """Name the Helm releases from which this run adopts objects: Helm's record still names these."""
    adopted: dict[tuple[str, str], list[Ref]] = {}
    for manifest, live in pairs:
        if live is None or release_of(manifest) not in session.options.adopt:
            continue
        if session.may_write(manifest, live) and _has_mark_of_helm(session, live):
            adopted.setdefault(helm_release(live), []).append(ref(live))
    session.report.warnings.extend(starmap(_still_of_helm, sorted(adopted.items())))


def _has_mark_of_helm(session: Session, live: Manifest) -> bool:
    return any(mark == HELM_NAME for _part, mark in marks(live, session.options.field_manager))


def _still_of_helm(release: tuple[str, str], refs: list[Ref]) -> str:
    """Return the warning. The annotations, which others wrote, are part of a command only as names of this place."""
    namespace, name = release
    namespaces = {adopted.namespace for adopted in refs if adopted.namespace}
    if all(map(_NAME.fullmatch, release)) and namespaces == {namespace}:
        which = f"the Helm release {namespace}/{name}"
        command = f"kubectl delete secret --namespace {namespace} --selector owner=helm,name={name}"
        fix = f"delete the record: `{command}`"
    else:
        which = "a Helm release, which the annotations do not name"
        fix = (
            "find the release with `helm list --all-namespaces`. Its record is Secrets with the labels `owner: helm` "
            "and `name` with the name of the release: delete these."
        )
    return (
        f"Adopted from {which}: {at_most(SHOWN, refs, last=', ')}. Their marks of Helm go, "
        "but `helm upgrade` and `helm uninstall` still change and delete what Helm's record names. If nothing else of "
        f"this release is in use, {fix}"
    )


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


def refuse_foreign(session: Session, pairs: Pairs) -> None:
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
    named = at_most(SHOWN, starmap(_foreign, foreign), "; ", ", ")
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


def _of_bundle(new_budgets: list[Manifest], templates: list[dict[str, str]]) -> Iterator[_Budget]:
    """Yield the new budgets of a bundle, with the labels of the pod templates that each selects."""
    fix = "Set `disruption_budget: {enabled: false}` for the collector, or delete the other one."
    for budget in new_budgets:
        pods = [labels for labels in templates if selector_selects(budget["spec"]["selector"], labels)]
        yield _Budget(budget, budget["metadata"]["namespace"], pods, fix)


def _of_operator(resources: list[Manifest], live: Mapping[Ref, Manifest]) -> Iterator[_Budget]:
    """Yield the new budgets that the operator makes of custom resources."""
    for resource in resources:
        pods = [labels for budget_name, labels in budgets(resource).items() if budget_name not in live]
        yield _Budget(resource, resource["metadata"]["namespace"], pods, _UNASKED)


def _refuse_second_budget(session: Session, new_budgets: Iterable[_Budget], live_budgets: list[Manifest]) -> None:
    """Refuse a new budget for pods that have one of another owner: Kubernetes evicts no pod that has two.

    Source: kubernetes.io, "Specifying a Disruption Budget for your Application".
    """
    manager = session.options.field_manager
    others = [budget for budget in live_budgets if not is_ours(budget, session.releases, manager)]
    for budget in new_budgets:
        for other in others:
            if other["metadata"]["namespace"] == budget.namespace and _selects(other, budget.pods):
                wrong = f"{ref(other)} of another owner selects the same pods, and Kubernetes evicts no pod with two"
                raise Problem(wrong, asked=f"Apply {ref(budget.asked)}", fix=budget.fix)


def _selects(budget: Manifest, pods: Iterable[Mapping[str, str]]) -> bool:
    """Return whether a budget selects one of some pods, given by their labels. Without a selector it selects none."""
    selector = at(budget, ("spec", "selector"))
    if selector is None:
        return False
    return any(selector_selects(selector, labels) for labels in pods)
