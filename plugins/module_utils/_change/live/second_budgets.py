# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PodDisruptionBudget for pods that have one of another owner: Kubernetes evicts no pod that has two. Private.

Source: kubernetes.io, "Specifying a Disruption Budget for your Application".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..._kube.operator_children import budgets
from ..._kube.ownership import is_ours
from ..._otelcol.config.paths import at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.network_policies import selector_selects
from ..._otelcol.kube.objects import Manifest, Ref, ref
from .session import Session

_FIX_OF_BUNDLE = "Set `disruption_budget: {enabled: false}` for the collector, or delete the other one."
_FIX_OF_OPERATOR = (
    "Let the other one select other pods, or delete it. The operator makes a budget whatever `disruption_budget` says: "
    "`backend: kubernetes` with `disruption_budget: {enabled: false}` has none."
)
Labels = Mapping[str, str]


class NewBudget(NamedTuple):
    """A new PodDisruptionBudget: for which object of the bundle, the labels of its pods, and a way without it."""

    asked: Manifest
    namespace: str
    pods: Sequence[Labels]
    fix: str


def budgets_of_bundle(new_budgets: Iterable[Manifest], templates: Sequence[Labels]) -> Iterator[NewBudget]:
    """Yield the new budgets of a bundle, with the labels of the pod templates that each selects."""
    for budget in new_budgets:
        pods = [labels for labels in templates if selector_selects(budget["spec"]["selector"], labels)]
        yield NewBudget(budget, budget["metadata"]["namespace"], pods, _FIX_OF_BUNDLE)


def budgets_of_operator(resources: Iterable[Manifest], live: Mapping[Ref, Manifest]) -> Iterator[NewBudget]:
    """Yield the new budgets that the operator makes of custom resources."""
    for resource in resources:
        pods: list[Labels] = [labels for budget_name, labels in budgets(resource).items() if budget_name not in live]
        yield NewBudget(resource, resource["metadata"]["namespace"], pods, _FIX_OF_OPERATOR)


def refuse_second_budget(session: Session, new_budgets: Iterable[NewBudget], live_budgets: Iterable[Manifest]) -> None:
    """Raise Problem for a new budget whose pods have one of another owner."""
    manager = session.options.field_manager
    others = [budget for budget in live_budgets if not is_ours(budget, session.releases, manager)]
    for budget in new_budgets:
        for other in others:
            if other["metadata"]["namespace"] == budget.namespace and _selects_one(other, budget.pods):
                wrong = f"{ref(other)} of another owner selects the same pods, and Kubernetes evicts no pod with two"
                raise Problem(wrong, asked=f"Apply {ref(budget.asked)}", fix=budget.fix)


def _selects_one(budget: Manifest, pods: Iterable[Labels]) -> bool:
    """Return whether a budget selects one of some pods, given by their labels. Without a selector it selects none."""
    selector = at(budget, ("spec", "selector"))
    if selector is None:
        return False
    return any(selector_selects(selector, labels) for labels in pods)
