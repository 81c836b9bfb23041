# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PodDisruptionBudget for pods that have one of another owner: Kubernetes evicts no pod that has two. Private.

A new budget of the bundle, or one that the operator makes of a custom resource, is compared with the budgets in the
same namespace that are not ours. If both select pods with the same labels, the run is refused before its first write:

    PodDisruptionBudget obs/theirs of another owner selects the same pods, and Kubernetes evicts no pod with two

Source: kubernetes.io, "Specifying a Disruption Budget for your Application".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..._kube.operator_children import map_budget_labels
from ..._kube.ownership import is_own_object
from ..._otelcol.config.paths import value_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.network_policies import selects_labels
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from .session import Session

_FIX_OF_BUNDLE = "Set `disruption_budget: {enabled: false}` for the collector, or delete the other one."
_FIX_OF_OPERATOR = (
    "Let the other one select other pods, or delete it. The operator makes a budget whatever `disruption_budget` says: "
    "`backend: kubernetes` with `disruption_budget: {enabled: false}` has none."
)
Labels = Mapping[str, str]


class NewBudget(NamedTuple):
    """The new PodDisruptionBudgets that come from one object of the bundle."""

    bundle_object: Manifest
    """The budget itself, or the custom resource for which the operator makes budgets."""
    namespace: str
    pod_labels: Sequence[Labels]
    """The labels of each kind of pods that they select."""
    fix: str
    """What the user can do if these pods have a budget already."""


def find_bundle_budgets(new_budgets: Iterable[Manifest], templates: Sequence[Labels]) -> Iterator[NewBudget]:
    """Yield the new budgets of a bundle, with the labels of the pod templates that each selects."""
    for budget in new_budgets:
        selected_labels = [labels for labels in templates if selects_labels(budget["spec"]["selector"], labels)]
        yield NewBudget(budget, budget["metadata"]["namespace"], selected_labels, _FIX_OF_BUNDLE)


def find_operator_budgets(
    custom_resources: Iterable[Manifest], live_objects: Mapping[ObjectRef, Manifest]
) -> Iterator[NewBudget]:
    """Yield the new budgets that the operator makes of custom resources."""
    for custom_resource in custom_resources:
        labels_by_budget = map_budget_labels(custom_resource)
        selected_labels: list[Labels] = [
            labels for budget_ref, labels in labels_by_budget.items() if budget_ref not in live_objects
        ]
        yield NewBudget(custom_resource, custom_resource["metadata"]["namespace"], selected_labels, _FIX_OF_OPERATOR)


def refuse_second_budget(session: Session, new_budgets: Iterable[NewBudget], live_budgets: Iterable[Manifest]) -> None:
    """Raise Problem for a new budget whose pods have one of another owner."""
    manager = session.options.field_manager
    foreign_budgets = [budget for budget in live_budgets if not is_own_object(budget, session.releases, manager)]
    for new_budget in new_budgets:
        for foreign_budget in foreign_budgets:
            if foreign_budget["metadata"]["namespace"] == new_budget.namespace and _selects_any_pod(
                foreign_budget, new_budget.pod_labels
            ):
                wrong = (
                    f"{ref(foreign_budget)} of another owner selects the same pods, and Kubernetes evicts no pod"
                    " with two"
                )
                raise Problem(wrong, asked=f"Apply {ref(new_budget.bundle_object)}", fix=new_budget.fix)


def _selects_any_pod(budget: Manifest, pod_labels: Iterable[Labels]) -> bool:
    """Return whether a budget selects one of some pods, given by their labels. Without a selector it selects none."""
    selector = value_at(budget, ("spec", "selector"))
    if selector is None:
        return False
    return any(selects_labels(selector, labels) for labels in pod_labels)
