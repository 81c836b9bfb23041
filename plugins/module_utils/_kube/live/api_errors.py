# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translate errors of the API server and the network into Problems that say what is wrong and what to do.

Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from shlex import quote
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, join_at_most
from .cluster import NOT_ALLOWED, NOT_FOUND, Answer, ApiError
from .outage import LostError

OUTAGES = {
    "dns": (
        "the host name cannot be resolved",
        "Check the server's name in the kubeconfig and the DNS of this machine.",
    ),
    "refused": ("nothing listens there", "Check the server's address in the kubeconfig, and that the cluster runs."),
    "timeout": (
        "it does not answer",
        "Check the network, VPN, proxy and firewall between this machine and the cluster.",
    ),
    "tls": (
        "the TLS connection is not trusted",
        "Check https and the port, and give the cluster's CA with ca_cert or in the kubeconfig.",
    ),
    "expired": (
        "the certificate of the API server has expired",
        "Compare the clock of this machine with that of the cluster (`date -u`). If it is right, renew the certificate"
        " of the API server, or of the proxy before it, such as with `kubeadm certs renew all`.",
    ),
    "early": (
        "the certificate of the API server is not yet valid",
        "Correct the clock of this machine (`date -u`), or of the machine that issued the certificate.",
    ),
    "own_expired": (
        "the server finds the client's certificate expired",
        "Renew client_cert and client_key, or those of the kubeconfig, and compare the clocks (`date -u`).",
    ),
    "other_name": (
        "the certificate of the API server is for another name",
        "Use a name or an address of the certificate as server, or set `tls-server-name` in the kubeconfig.",
    ),
    "certificate": ("the client's certificate or key cannot be read", "Check client_cert and client_key."),
    "reset": (
        "the connection breaks",
        "Check proxies and load balancers on the way, and the health of the API server.",
    ),
}

RUN_AGAIN = (
    "Check the health of the API server, and the network to it. Then run again: the next run completes what this one"
    " has begun."
)

FORBIDDEN_MESSAGE = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)

# Source: pkg/registry/core/pod/storage/eviction.go of Kubernetes.
_BUDGET_NAME = re.compile(r"The disruption budget (?P<name>\S+) ")
_EVICTION_PATH = "/eviction"
_OBJECT_PATH = re.compile(r"/namespaces/(?P<namespace>[a-z0-9-]+)/[a-z]+/(?P<name>[a-z0-9.-]+)\Z")


class AnswerRow(NamedTuple):
    """An answer of the API server that has these words in its message or reason, and what it means.

    `status` is None for any. {message} in `wrong` is the server's own, NAMESPACE and NAME in `fix` are the object's.
    """

    status: int | None
    message_words: str
    wrong: str
    fix: str
    path_part: str = ""
    """A part of the path that was asked for, as of one kind; empty for all paths."""


_UNCHANGEABLE_FAULT = "a field cannot be changed in place ({message})"
_DELETE_FIRST_FIX = "Delete the object first, or rename the new one."
_CLAIM_FAULT = "a claim cannot be changed so ({message})"
_CLAIM_FIX = (
    "A claim can only grow, and only if its StorageClass has `allowVolumeExpansion: true`. For all else, make a claim"
    " of another name: what is deleted takes its data along."
)
# A StatefulSet refuses changes of its claims, its Service and its selector. Kubernetes up to 1.36 has words of its own
# for that, and from 1.37 on those that it has for all kinds.
_STATEFUL_SET_FAULT = "such a field of a StatefulSet cannot be changed in place ({message})"
_ORPHAN_FIX = (
    "Delete the StatefulSet without its pods and claims (`kubectl -n NAMESPACE delete statefulset NAME"
    " --cascade=orphan`), then run again. The size of a claim that exists stays: change the claim."
)

# Tried from the top: the first row that fits applies, so what is said of one kind comes before what is said of all.
# tests/unit/plugins/module_utils/_kube/live/api_messages.yml has the messages of every supported Kubernetes.
ANSWER_ROWS = (
    AnswerRow(
        401,
        "",
        "the server does not accept the credentials ({message})",
        "Renew the token or certificate. Check it with `kubectl auth whoami`.",
    ),
    AnswerRow(
        None,
        "failed calling webhook",
        "an admission webhook does not answer ({message})",
        "Check that the pods of that webhook run.",
    ),
    AnswerRow(
        None, "denied the request", "an admission webhook denied it ({message})", "Change the object or the policy."
    ),
    AnswerRow(None, "AdmissionPolicy", "an admission policy denied it ({message})", "Change the object or the policy."),
    AnswerRow(
        403, "exceeded quota", "a quota is used up ({message})", "Raise the ResourceQuota, or lower the requests."
    ),
    AnswerRow(
        403,
        "violates PodSecurity",
        "the namespace's pod security forbids it ({message})",
        "Change the namespace's pod-security label or the pod.",
    ),
    AnswerRow(
        403,
        "being terminated",
        "the namespace is being deleted ({message})",
        "Wait until the namespace is gone, or check its finalizers.",
    ),
    AnswerRow(403, "", "not allowed ({message})", "Ask an administrator for the permission."),
    AnswerRow(None, "typed patch object", "a field has the wrong type or name ({message})", "Correct the field."),
    AnswerRow(
        None,
        "illegal base64",
        "a value is not base64 ({message})",
        "Encode the values of `data`, or write them as text below `stringData`.",
    ),
    AnswerRow(
        None, "unable to convert unstructured object to ", "a value is not valid ({message})", "Correct the value."
    ),
    AnswerRow(422, "updates to statefulset spec", _STATEFUL_SET_FAULT, _ORPHAN_FIX),
    AnswerRow(422, "field is immutable", _STATEFUL_SET_FAULT, _ORPHAN_FIX, path_part="/statefulsets/"),
    AnswerRow(422, "field is immutable", _UNCHANGEABLE_FAULT, _DELETE_FIRST_FIX),
    AnswerRow(422, "", _CLAIM_FAULT, _CLAIM_FIX, path_part="/persistentvolumeclaims/"),
    AnswerRow(422, "is immutable after creation", _UNCHANGEABLE_FAULT, _DELETE_FIRST_FIX),
    AnswerRow(422, "may not change once set", _UNCHANGEABLE_FAULT, _DELETE_FIRST_FIX),
    AnswerRow(422, "cannot change roleRef", _UNCHANGEABLE_FAULT, _DELETE_FIRST_FIX),
    AnswerRow(422, "updates to ", _UNCHANGEABLE_FAULT, _DELETE_FIRST_FIX),
    AnswerRow(None, "Invalid", "the object is not valid ({message})", "Correct the field."),
    AnswerRow(400, "", "the server does not understand the object ({message})", "Correct the field."),
    AnswerRow(
        404,
        "namespaces ",
        "the namespace does not exist ({message})",
        "Set create_namespace: true for the collector, or create the namespace first.",
    ),
    AnswerRow(
        None,
        "more than one PodDisruptionBudget",
        "several PodDisruptionBudgets select the pod ({message})",
        "Let one of them select it alone (`kubectl -n NAMESPACE get poddisruptionbudgets`).",
    ),
    AnswerRow(429, "", "the server is overloaded ({message})", "Run the task again."),
)

# The fix for an API group that the cluster does not serve.
FIXES_BY_GROUP = {
    "cert-manager.io": "Install or upgrade cert-manager, for example with `cert_manager_provider: manifest`, "
    "or replace `certificates` by a Secret that holds the certificate.",
    "gateway.networking.k8s.io": "Install the CRDs of the Gateway API and a controller for them, "
    "or use `ingress` instead of `routes`.",
    "monitoring.coreos.com": "Install the Prometheus operator with its CRDs, or set `monitoring: {scrape: annotations, "
    "alerts: config_map}` and `service_monitor: {enabled: false}`.",
    "opentelemetry.io": "Install or upgrade the OpenTelemetry operator, for example with "
    "`otel_operator_provider: manifest`, or use `backend: kubernetes` for collectors.",
    "security.openshift.io": "This cluster is not OpenShift: set `platform` to the platform of this cluster.",
    "route.openshift.io": "This cluster is not OpenShift: use `ingress` or `routes` instead of `openshift_route`.",
}


def explain_outage(error: LostError) -> Problem:
    """Return the problem of an API server that does not answer."""
    wrong, fix = OUTAGES[error.why]
    if error.seconds:
        outage_text = f"has answered before, but not in the last {error.seconds:.0f} s"
        return Problem(f"the Kubernetes API at {error.host} {outage_text}: {wrong}", where=error.text, fix=RUN_AGAIN)
    return Problem(f"the Kubernetes API at {error.host} cannot be reached: {wrong}", where=error.text, fix=fix)


def explain(error: ApiError, task: str) -> Problem:
    """Return the problem, with a next step."""
    explanations = (_explain_unreadable, explain_other_server, _explain_forbidden, _explain_conflict, _explain_budget)
    special_problem = next(filter(None, (explain_special(error, task) for explain_special in explanations)), None)
    return special_problem or _explain_missing_kind(error, task) or _explain_by_table(error, task)


def _explain_unreadable(error: ApiError, task: str) -> Problem | None:
    """Return the problem of an answer that was cut or replaced on its way."""
    if not error.is_unreadable:
        return None
    fix = "Check the proxies and load balancers between this machine and the cluster, and run the task again."
    fix = fix if error.method == "GET" else f"Outside of check mode, the server may have done this all the same. {fix}"
    wrong = f"the answer of the server is not the JSON of an object ({error.message})"
    return Problem(wrong, asked=task, where=f"{error.method} {error.path}", fix=fix)


def explain_other_server(error: ApiError, task: str) -> Problem | None:
    """Return the problem of a web server or proxy that answers 404 in place of an API server."""
    if error.status != NOT_FOUND or error.body.get("kind") == "Status" or error.message == "404 page not found":
        return None
    fix = "Check the server's address in the kubeconfig, and proxies on the way."
    wrong = "the server is not a Kubernetes API server"
    return Problem(wrong, asked=task, where=f"{error.method} {error.path}", fix=fix)


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
    """Return a fix whose command has the namespace and the name of the object that was asked for."""
    match = _OBJECT_PATH.search(error.path.removesuffix(_EVICTION_PATH))
    return fix.replace("NAMESPACE", match["namespace"]).replace("NAME", match["name"]) if match else fix


def _join_fields(error: ApiError) -> str:
    """Return the fields that the server complains of, such as `spec.replicas, spec.template`."""
    return ", ".join(str(cause["field"]) for cause in error.causes if cause.get("field"))


def _explain_forbidden(error: ApiError, task: str) -> Problem | None:
    """Return the problem of a user who lacks a right, with the command that checks it."""
    match = FORBIDDEN_MESSAGE.search(error.message) if error.status == NOT_ALLOWED else None
    if not match:
        return None
    denied_right: dict[str, Any] = match.groupdict()
    plural, _slash, subresource = denied_right["resource"].partition("/")
    group = f".{denied_right['group']}" if denied_right["group"] else ""
    resource_argument = f"{plural}{group} --subresource={subresource}" if subresource else f"{plural}{group}"
    namespace_option = f" --namespace {denied_right['namespace']}" if denied_right["namespace"] else ""
    scope_text = (
        f"in the namespace {denied_right['namespace']}" if denied_right["namespace"] else "in the whole cluster"
    )
    fix = (
        f"Grant it; check with `kubectl auth can-i {denied_right['verb']} {resource_argument}{namespace_option} --as"
        f" {quote(denied_right['user'])}`."
    )
    wrong = f"user {denied_right['user']} may not {denied_right['verb']} {denied_right['resource']}{group} {scope_text}"
    return Problem(wrong, asked=task, fix=fix)


def _explain_conflict(error: ApiError, task: str) -> Problem | None:
    """Return the problem of fields that other field managers own, with at most five of them."""
    conflicts = [cause for cause in error.causes if cause.get("reason") == "FieldManagerConflict"]
    if not conflicts:
        return None
    conflicts_text = join_at_most(5, (f"{cause.get('field')}: {cause.get('message')}" for cause in conflicts), "; ")
    fix = "Set force_conflicts to take over these fields, or remove them from the manifest."
    return Problem(f"other field managers own some of its fields ({conflicts_text})", asked=task, fix=fix)


class BudgetRefusal(NamedTuple):
    """The PodDisruptionBudget that an eviction was refused for, and what the server says of it."""

    budget: str
    message: str


def _read_budget_refusal(error: ApiError) -> BudgetRefusal | None:
    """Return the budget that refused an eviction; None if the error has another cause."""
    messages = [str(cause.get("message")) for cause in error.causes if cause.get("reason") == "DisruptionBudget"]
    for message in messages:
        match = _BUDGET_NAME.search(message)
        if match:
            return BudgetRefusal(match["name"], messages[0])
    return None


def find_budget_name(error: ApiError) -> str:
    """Return the name of the PodDisruptionBudget that an eviction was refused for, or an empty string."""
    refusal = _read_budget_refusal(error)
    return refusal.budget if refusal else ""


def _explain_budget(error: ApiError, task: str) -> Problem | None:
    """Return the problem of an eviction that a PodDisruptionBudget does not allow, with the budget's name."""
    refusal = _read_budget_refusal(error)
    if not refusal:
        return None
    fix = (
        f"See `kubectl -n NAMESPACE describe poddisruptionbudget {refusal.budget}`. Start the pods that it misses, or"
        " let its owner allow one pod to go. `strategy: rolling` replaces pods without asking budgets."
    )
    wrong = f"PodDisruptionBudget {refusal.budget} keeps the pod: {refusal.message}"
    return Problem(wrong, asked=task, fix=_fill_command(fix, error))


def _explain_missing_kind(error: ApiError, task: str) -> Problem | None:
    return build_missing_kind_problem(task, f"{error.method} {error.path}") if error.is_kind_missing else None


def build_missing_kind_problem(task: str, place: str = "") -> Problem:
    """Return the problem of a kind that the cluster does not serve; the API group in `place` decides the fix."""
    group_fixes = (fix for group, fix in FIXES_BY_GROUP.items() if group in place)
    fix = next(group_fixes, "Install its CustomResourceDefinition first.")
    return Problem("the cluster does not serve this kind in this version", asked=task, where=place, fix=fix)


def ask_server(task: str, call: Callable[[], Answer]) -> Answer:
    """Return the answer of a call. Raises Problem if the API server rejects it or cannot be reached."""
    try:
        return call()
    except ApiError as error:
        raise explain(error, task) from error


def list_if_allowed(plural: str, call: Callable[[], list[Any]]) -> list[Any] | None:
    """Return a list: empty if the kind is not served, None if the user lacks permission to list it."""
    try:
        return call()
    except ApiError as error:
        if error.status in (NOT_ALLOWED, NOT_FOUND):
            return None if error.status == NOT_ALLOWED else []
        raise explain(error, f"List {plural}") from error
