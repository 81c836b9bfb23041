# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the server whether it lets pods be evicted, and evict them. Private.

The controller of a held DaemonSet does not replace its pods, so `first_pods.py` lets some be evicted: a deletion that a
PodDisruptionBudget, here called a budget, may refuse. It may keep a pod for a while: then the run waits. If it keeps
the pod always, as `maxUnavailable: 0` does, the run ends before its first write. `require_allowed` only asks, by dry
runs, and `evict_pods` evicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..._diagnose.live.reader import object_path
from ..._kube.live.api_errors import explain, find_budget_name
from ..._kube.live.cluster import CONFLICT, NOT_FOUND, ApiError
from ..._kube.live.kinds import ApiResources
from ..._kube.operator_children import BUDGET
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..canary.evictions import build_eviction, never_allows_eviction
from .bundle_run import BundleRun

# The pod is gone, or another pod has its name.
_REPLACED_STATUSES = (NOT_FOUND, CONFLICT)


class EvictionRefusal(NamedTuple):
    """Why the server would not evict a pod now: what it answered, and what the user reads."""

    api_error: ApiError
    problem: Problem


class PodEvictions:
    """Evictions of pods of one workload. `title` is the name of the collector in lines of progress."""

    def __init__(self, run: BundleRun, workload: Manifest, title: str) -> None:
        self._run = run
        self._cluster = run.cluster
        self._workload = workload
        self._title = title

    def require_allowed(self, pods: Sequence[Manifest]) -> None:
        """Wait until the server would evict each of some pods. Evicts none.

        Raises Problem if it never would, or not in time. Check mode asks once, and warns.
        """
        refusal = self._wait_out_refusal(pods)
        if refusal is None:
            return
        if not self._run.check:
            raise refusal.problem from refusal.api_error
        self._run.warn(f"{refusal.problem.wrong}. Without check mode, the run waits for it")

    def evict_pods(self, pods: Iterable[Manifest]) -> Problem | None:
        """Evict pods. Return why a budget keeps one of them for now; None if no budget keeps any.

        A pod that is gone or replaced counts as evicted. Raises Problem for any other refusal.
        """
        kept_because: Problem | None = None
        for pod in pods:
            refusal_error = self._request_eviction(pod, dry_run=False)
            if refusal_error is None:
                continue
            problem = explain(refusal_error, f"Evict pod {pod['metadata']['namespace']}/{pod['metadata']['name']}")
            if not refusal_error.is_budget_error:
                raise problem from refusal_error
            kept_because = problem
        return kept_because

    def _wait_out_refusal(self, pods: Sequence[Manifest]) -> EvictionRefusal | None:
        """Return the refusal that is left when the time is over; None as soon as there is none.

        Raises Problem at once if waiting is in vain.
        """
        refusal: EvictionRefusal | None = None
        for _poll in self._cluster.iter_polls(0 if self._run.check else self._run.wait_seconds):
            refusal = self._find_first_refusal(pods)
            if refusal is None:
                return None
            if not self._may_pass(refusal.api_error):
                raise refusal.problem from refusal.api_error
            self._cluster.progress(self._title, f"waiting: {refusal.problem.wrong}")
        return refusal

    def _find_first_refusal(self, pods: Iterable[Manifest]) -> EvictionRefusal | None:
        """Return why the server would not evict one of some pods now; None if it would evict each."""
        for pod in pods:
            refusal_error = self._request_eviction(pod, dry_run=True)
            if refusal_error:
                return EvictionRefusal(
                    refusal_error, explain(refusal_error, f"Change {ref(self._workload)} with `strategy: canary`")
                )
        return None

    def _request_eviction(self, pod: Manifest, *, dry_run: bool) -> ApiError | None:
        """Evict a pod, or with `dry_run` only ask. Return the refusal; None if there is none.

        A pod that is gone or replaced has no refusal either.
        """
        path = f"{object_path('pods', pod['metadata']['namespace'], pod['metadata']['name'])}/eviction"
        try:
            self._cluster.request("POST", path, body=build_eviction(pod, dry_run=dry_run))
        except ApiError as error:
            return None if error.status in _REPLACED_STATUSES else error
        return None

    def _may_pass(self, refusal_error: ApiError) -> bool:
        """Return whether a refusal may pass: a budget refuses, but does not always.

        A budget that this account may not read may pass.
        """
        if not refusal_error.is_budget_error:
            return False
        budget_name = find_budget_name(refusal_error)
        if not budget_name:
            return False  # the pod has several budgets, and Kubernetes never evicts such a pod
        path = ApiResources.build_path(BUDGET, self._workload["metadata"]["namespace"], "")
        try:
            budgets = list(self._cluster.items(path))
        except ApiError:
            return True
        return not any(never_allows_eviction(budget) for budget in budgets if budget["metadata"]["name"] == budget_name)
