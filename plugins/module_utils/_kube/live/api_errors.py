# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translate errors of the API server and of the network into Problems, which say what is wrong and what to do. Private.

Every task that asks a cluster calls `ask_server` or `explain`. The texts are in the tables of `api_error_rows`. An
explainer is a function that returns the Problem of one sort of error, and None for other errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from shlex import quote
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, join_at_most
from ..api_error_rows import ANSWER_ROWS, FIXES_BY_GROUP, OUTAGES
from .cluster import NOT_ALLOWED, NOT_FOUND, Answer, ApiError
from .outage import LostError

RUN_AGAIN = (
    "Check the health of the API server, and the network to it. Then run again: the next run completes what this one"
    " has begun."
)
# Such as `User "dev" cannot list resource "pods" in API group "" in the namespace "obs"`.
# Source: responsewriters/errors.go of k8s.io/apiserver.
FORBIDDEN_MESSAGE = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)
# Source: pkg/registry/core/pod/storage/eviction.go of Kubernetes.
_BUDGET_NAME = re.compile(r"The disruption budget (?P<name>\S+) ")
_EVICTION_PATH = "/eviction"
# The end of the path of an object, such as `/namespaces/obs/pods/agent-x7k2p`.
_OBJECT_PATH = re.compile(r"/namespaces/(?P<namespace>[a-z0-9-]+)/[a-z]+/(?P<name>[a-z0-9.-]+)\Z")
# How an API server answers to a path that it does not have, such as that of an API group.
_PLAIN_NOT_FOUND = "404 page not found"


def ask_server(task: str, call: Callable[[], Answer]) -> Answer:
    """Return the answer of a call. Raises Problem if the API server rejects it or cannot be reached."""
    try:
        return call()
    except ApiError as error:
        raise explain(error, task) from error


def list_if_allowed(plural: str, call: Callable[[], list[Any]]) -> list[Any] | None:
    """Return what a call lists: an empty list for a kind that the server does not have, None without the right."""
    try:
        return call()
    except ApiError as error:
        if error.status == NOT_ALLOWED:
            return None
        if error.status == NOT_FOUND:
            return []
        raise explain(error, f"List {plural}") from error


def explain(error: ApiError, task: str) -> Problem:
    """Return the problem of an error; `task` is what the run wanted of the server, such as `List pods`.

    The first explainer that knows the error decides. Those about a broken answer come first, since the others trust
    what it says. What none of them knows, the table explains.
    """
    special_explanations = (
        _explain_unreadable,
        explain_other_server,
        _explain_forbidden,
        _explain_conflict,
        _explain_budget,
        _explain_missing_kind,
    )
    for explain_special in special_explanations:
        problem = explain_special(error, task)
        if problem:
            return problem
    return _explain_by_table(error, task)


def as_problem(error: Problem | LostError) -> Problem:
    """Return a problem as it is, and that of an API server that does not answer."""
    return explain_outage(error) if isinstance(error, LostError) else error


def explain_outage(error: LostError) -> Problem:
    """Return the problem of an API server that does not answer."""
    text = OUTAGES[error.why]
    if not error.seconds:
        wrong = f"the Kubernetes API at {error.host} cannot be reached: {text.wrong}"
        return Problem(wrong, where=error.text, fix=text.fix)
    wrong = (
        f"the Kubernetes API at {error.host} has answered before, but not in the last {error.seconds:.0f} s:"
        f" {text.wrong}"
    )
    return Problem(wrong, where=error.text, fix=RUN_AGAIN)


# ── Special errors ──


def _explain_unreadable(error: ApiError, task: str) -> Problem | None:
    """Return the problem of an answer that was cut or replaced on its way; None for a whole one."""
    if not error.is_unreadable:
        return None
    fix = "Check the proxies and load balancers between this machine and the cluster, and run the task again."
    if error.method != "GET":
        fix = f"Outside of check mode, the server may have done this all the same. {fix}"
    wrong = f"the answer of the server is not the JSON of an object ({error.message})"
    return Problem(wrong, asked=task, where=f"{error.method} {error.path}", fix=fix)


def explain_other_server(error: ApiError, task: str) -> Problem | None:
    """Return the problem of a web server or proxy that answers 404 in place of an API server; None for other errors."""
    if error.status != NOT_FOUND or error.body.get("kind") == "Status" or error.message == _PLAIN_NOT_FOUND:
        return None
    fix = "Check the server's address in the kubeconfig, and proxies on the way."
    wrong = "the server is not a Kubernetes API server"
    return Problem(wrong, asked=task, where=f"{error.method} {error.path}", fix=fix)


class _DeniedRight(NamedTuple):
    """What a user may not do, as the API server says it."""

    user: str
    verb: str
    resource: str
    """The plural of a kind, perhaps with a subresource, such as `pods` or `pods/log`."""
    group: str
    """The API group; empty for the core."""
    namespace: str
    """The namespace; empty for the whole cluster."""

    @property
    def group_suffix(self) -> str:
        """How kubectl writes the API group behind a plural, such as `.apps`."""
        return f".{self.group}" if self.group else ""


def _explain_forbidden(error: ApiError, task: str) -> Problem | None:
    """Return the problem of a user who lacks a right, with the command that checks it; None for other errors."""
    match = FORBIDDEN_MESSAGE.search(error.message) if error.status == NOT_ALLOWED else None
    if not match:
        return None
    right = _DeniedRight(**match.groupdict(default=""))
    scope_text = f"in the namespace {right.namespace}" if right.namespace else "in the whole cluster"
    wrong = f"user {right.user} may not {right.verb} {right.resource}{right.group_suffix} {scope_text}"
    return Problem(wrong, asked=task, fix=f"Grant it; check with `{_build_can_i_command(right)}`.")


def _build_can_i_command(right: _DeniedRight) -> str:
    """Return the command that asks the server whether a user has a right."""
    plural, _slash, subresource = right.resource.partition("/")
    command = f"kubectl auth can-i {right.verb} {plural}{right.group_suffix}"
    if subresource:
        command += f" --subresource={subresource}"
    if right.namespace:
        command += f" --namespace {right.namespace}"
    return f"{command} --as {quote(right.user)}"


def _explain_conflict(error: ApiError, task: str) -> Problem | None:
    """Return the problem of fields that other field managers own, with at most five of them; None for other errors."""
    conflicts = [cause for cause in error.causes if cause.get("reason") == "FieldManagerConflict"]
    if not conflicts:
        return None
    conflicts_text = join_at_most(5, (f"{cause.get('field')}: {cause.get('message')}" for cause in conflicts), "; ")
    fix = "Set force_conflicts to take over these fields, or remove them from the manifest."
    return Problem(f"other field managers own some of its fields ({conflicts_text})", asked=task, fix=fix)


class _BudgetRefusal(NamedTuple):
    """The PodDisruptionBudget that an eviction was refused for, and what the server says of it."""

    budget: str
    message: str


def find_budget_name(error: ApiError) -> str:
    """Return the name of the PodDisruptionBudget that an eviction was refused for, or an empty string."""
    refusal = _read_budget_refusal(error)
    return refusal.budget if refusal else ""


def _explain_budget(error: ApiError, task: str) -> Problem | None:
    """Return the problem of an eviction that a PodDisruptionBudget does not allow; None for other errors."""
    refusal = _read_budget_refusal(error)
    if not refusal:
        return None
    fix = (
        f"See `kubectl -n NAMESPACE describe poddisruptionbudget {refusal.budget}`. Start the pods that it misses, or"
        " let its owner allow one pod to go. `strategy: rolling` replaces pods without asking budgets."
    )
    wrong = f"PodDisruptionBudget {refusal.budget} keeps the pod: {refusal.message}"
    return Problem(wrong, asked=task, fix=_fill_command(fix, error))


def _read_budget_refusal(error: ApiError) -> _BudgetRefusal | None:
    """Return the budget that refused an eviction; None if the error has another cause."""
    messages = [str(cause.get("message")) for cause in error.causes if cause.get("reason") == "DisruptionBudget"]
    for message in messages:
        match = _BUDGET_NAME.search(message)
        if match:
            return _BudgetRefusal(match["name"], messages[0])
    return None


def _explain_missing_kind(error: ApiError, task: str) -> Problem | None:
    """Return the problem of a kind that the server does not have; None for other errors."""
    if not error.is_kind_missing:
        return None
    return build_missing_kind_problem(task, f"{error.method} {error.path}")


def build_missing_kind_problem(task: str, place: str = "") -> Problem:
    """Return the problem of a kind that the cluster does not serve; the API group in `place` decides the fix."""
    group_fixes = (fix for group, fix in FIXES_BY_GROUP.items() if group in place)
    fix = next(group_fixes, "Install its CustomResourceDefinition first.")
    return Problem("the cluster does not serve this kind in this version", asked=task, where=place, fix=fix)


# ── Other errors, by the table ──


def _explain_by_table(error: ApiError, task: str) -> Problem:
    """Return the problem that the first fitting row of the table tells, or the answer as it is."""
    searched_text = f"{error.reason} {error.message}"
    for row in ANSWER_ROWS:
        if row.status in (None, error.status) and row.message_words in searched_text and row.path_part in error.path:
            wrong = row.wrong.format(message=error.message)
            return Problem(wrong, asked=task, where=_join_fields(error), fix=_fill_command(row.fix, error))
    fix = "Run the task again. If the error persists, check the API server's log."
    request_text = f"{error.method} {error.path}"
    return Problem(f"the server answers {error.status} ({error.message})", asked=task, where=request_text, fix=fix)


def _fill_command(fix: str, error: ApiError) -> str:
    """Return a fix whose command has the namespace and the name of the object that was asked for.

    They take the place of the words NAMESPACE and NAME. NAMESPACE goes first, since NAME is a part of it.
    """
    match = _OBJECT_PATH.search(error.path.removesuffix(_EVICTION_PATH))
    if not match:
        return fix
    return fix.replace("NAMESPACE", match["namespace"]).replace("NAME", match["name"])


def _join_fields(error: ApiError) -> str:
    """Return the fields that the server complains of, such as `spec.replicas, spec.template`."""
    return ", ".join(str(cause["field"]) for cause in error.causes if cause.get("field"))
