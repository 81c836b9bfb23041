# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translate errors of the API server and the network into Problems, and hide secrets. The first row that fits applies.

Private.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from shlex import quote
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, at_most
from ..._otelcol.yaml.yaml_documents import data_of
from .cluster import NOT_ALLOWED, NOT_FOUND, Answer, ApiError
from .libraries import unusable
from .outage import LostError

LOST = {
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

AGAIN = (
    "Check the health of the API server, and the network to it. Then run again: the next run completes what this one"
    " has begun."
)

FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)

# Source: pkg/registry/core/pod/storage/eviction.go of Kubernetes.
_BUDGET = re.compile(r"The disruption budget (?P<name>\S+) ")
_EVICTED = "/eviction"
_OBJECT = re.compile(r"/namespaces/(?P<namespace>[a-z0-9-]+)/[a-z]+/(?P<name>[a-z0-9.-]+)\Z")


class AnswerRow(NamedTuple):
    """An answer of the API server that has these words in its message or reason, and what it means.

    `status` is None for any, `of` is a part of the path that was asked for. {message} is the server's own.
    """

    status: int | None
    words: str
    wrong: str
    fix: str
    of: str = ""


_UNCHANGEABLE = "a field cannot be changed in place ({message})"
_ANEW = "Delete the object first, or rename the new one."
_CLAIM = "a claim cannot be changed so ({message})"
_GROW = (
    "A claim can only grow, and only if its StorageClass has `allowVolumeExpansion: true`. For all else, make a claim"
    " of another name: what is deleted takes its data along."
)
# A StatefulSet refuses changes of its claims, its Service and its selector. Kubernetes up to 1.36 has words of its own
# for that, and from 1.37 on those that it has for all kinds.
_FIXED = "such a field of a StatefulSet cannot be changed in place ({message})"
_ORPHAN = (
    "Delete the StatefulSet without its pods and claims (`kubectl -n NAMESPACE delete statefulset NAME"
    " --cascade=orphan`), then run again. The size of a claim that exists stays: change the claim."
)

# Tried from the top: the first row that fits applies, so what is said of one kind comes before what is said of all.
# tests/unit/plugins/module_utils/_kube/live/api_messages.yml has the messages of every supported Kubernetes.
ANSWERS = (
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
    AnswerRow(422, "updates to statefulset spec", _FIXED, _ORPHAN),
    AnswerRow(422, "field is immutable", _FIXED, _ORPHAN, of="/statefulsets/"),
    AnswerRow(422, "field is immutable", _UNCHANGEABLE, _ANEW),
    AnswerRow(422, "", _CLAIM, _GROW, of="/persistentvolumeclaims/"),
    AnswerRow(422, "is immutable after creation", _UNCHANGEABLE, _ANEW),
    AnswerRow(422, "may not change once set", _UNCHANGEABLE, _ANEW),
    AnswerRow(422, "cannot change roleRef", _UNCHANGEABLE, _ANEW),
    AnswerRow(422, "updates to ", _UNCHANGEABLE, _ANEW),
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
ABSENT = {
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


def lost(error: LostError) -> Problem:
    """Return the problem of an API server that does not answer."""
    wrong, fix = LOST[error.why]
    if error.seconds:
        since = f"has answered before, but not in the last {error.seconds:.0f} s"
        return Problem(f"the Kubernetes API at {error.host} {since}: {wrong}", where=error.text, fix=AGAIN)
    return Problem(f"the Kubernetes API at {error.host} cannot be reached: {wrong}", where=error.text, fix=fix)


def explain(error: ApiError, asked: str) -> Problem:
    """Return the problem, with a next step."""
    by_answer = (_unreadable, other_server, _forbidden, _conflict, _budgeted)
    special = next(filter(None, (told(error, asked) for told in by_answer)), None)
    return special or _kind_missing(error, asked) or _from_table(error, asked)


def _unreadable(error: ApiError, asked: str) -> Problem | None:
    """Return the problem of an answer that was cut or replaced on its way."""
    if not error.unreadable:
        return None
    fix = "Check the proxies and load balancers between this machine and the cluster, and run the task again."
    fix = fix if error.method == "GET" else f"Outside of check mode, the server may have done this all the same. {fix}"
    wrong = f"the answer of the server is not the JSON of an object ({error.message})"
    return Problem(wrong, asked=asked, where=f"{error.method} {error.path}", fix=fix)


def other_server(error: ApiError, asked: str) -> Problem | None:
    """Return the problem of a web server or proxy that answers 404 in place of an API server."""
    if error.status != NOT_FOUND or error.body.get("kind") == "Status" or error.message == "404 page not found":
        return None
    fix = "Check the server's address in the kubeconfig, and proxies on the way."
    wrong = "the server is not a Kubernetes API server"
    return Problem(wrong, asked=asked, where=f"{error.method} {error.path}", fix=fix)


def _from_table(error: ApiError, asked: str) -> Problem:
    haystack = f"{error.reason} {error.message}"
    for row in ANSWERS:
        if row.status in (None, error.status) and row.words in haystack and row.of in error.path:
            wrong = row.wrong.format(message=error.message)
            return Problem(wrong, asked=asked, where=_fields(error), fix=_filled(row.fix, error))
    fix = "Run the task again. If the error persists, check the API server's log."
    where = f"{error.method} {error.path}"
    return Problem(f"the server answers {error.status} ({error.message})", asked=asked, where=where, fix=fix)


def _filled(fix: str, error: ApiError) -> str:
    """Return a fix whose command has the namespace and the name of the object that was asked for."""
    match = _OBJECT.search(error.path.removesuffix(_EVICTED))
    return fix.replace("NAMESPACE", match["namespace"]).replace("NAME", match["name"]) if match else fix


def _fields(error: ApiError) -> str:
    return ", ".join(str(cause["field"]) for cause in error.causes if cause.get("field"))


def _forbidden(error: ApiError, asked: str) -> Problem | None:
    match = FORBIDDEN.search(error.message) if error.status == NOT_ALLOWED else None
    if not match:
        return None
    right: dict[str, Any] = match.groupdict()
    name, _slash, part = right["resource"].partition("/")
    group = f".{right['group']}" if right["group"] else ""
    asked_for = f"{name}{group} --subresource={part}" if part else f"{name}{group}"
    scope = f" --namespace {right['namespace']}" if right["namespace"] else ""
    within = f"in the namespace {right['namespace']}" if right["namespace"] else "in the whole cluster"
    fix = f"Grant it; check with `kubectl auth can-i {right['verb']} {asked_for}{scope} --as {quote(right['user'])}`."
    wrong = f"user {right['user']} may not {right['verb']} {right['resource']}{group} {within}"
    return Problem(wrong, asked=asked, fix=fix)


def _conflict(error: ApiError, asked: str) -> Problem | None:
    fields = [cause for cause in error.causes if cause.get("reason") == "FieldManagerConflict"]
    if not fields:
        return None
    said = at_most(5, (f"{cause.get('field')}: {cause.get('message')}" for cause in fields), "; ")
    fix = "Set force_conflicts to take over these fields, or remove them from the manifest."
    return Problem(f"other field managers own some of its fields ({said})", asked=asked, fix=fix)


def budget_of(error: ApiError) -> str:
    """Return the name of the PodDisruptionBudget that an eviction was refused for, or an empty string."""
    said = (str(cause.get("message")) for cause in error.causes if cause.get("reason") == "DisruptionBudget")
    return next((match["name"] for match in map(_BUDGET.search, said) if match), "")


def _budgeted(error: ApiError, asked: str) -> Problem | None:
    """Return the problem of an eviction that a PodDisruptionBudget does not allow, with the budget's name."""
    name = budget_of(error)
    if not name:
        return None
    fix = (
        f"See `kubectl -n NAMESPACE describe poddisruptionbudget {name}`. Start the pods that it misses, or let its"
        " owner allow one pod to go. `strategy: rolling` replaces pods without asking budgets."
    )
    said = next(str(cause.get("message")) for cause in error.causes if cause.get("reason") == "DisruptionBudget")
    return Problem(f"PodDisruptionBudget {name} keeps the pod: {said}", asked=asked, fix=_filled(fix, error))


def _kind_missing(error: ApiError, asked: str) -> Problem | None:
    return kind_missing(asked, f"{error.method} {error.path}") if error.kind_missing else None


def kind_missing(asked: str, where: str = "") -> Problem:
    own = (fix for group, fix in ABSENT.items() if group in where)
    fix = next(own, "Install its CustomResourceDefinition first.")
    return Problem("the cluster does not serve this kind in this version", asked=asked, where=where, fix=fix)


def asking(what: str, call: Callable[[], Answer]) -> Answer:
    """Return the answer of a call. Raises Problem if the API server rejects it or cannot be reached."""
    try:
        return call()
    except ApiError as error:
        raise explain(error, what) from error


def listing(what: str, call: Callable[[], list[Any]]) -> list[Any] | None:
    """Return a list: empty if the kind is not served, None if the user lacks permission to list it."""
    try:
        return call()
    except ApiError as error:
        if error.status in (NOT_ALLOWED, NOT_FOUND):
            return None if error.status == NOT_ALLOWED else []
        raise explain(error, f"List {what}") from error


def parsed(text: str) -> Any:
    """Return the data of YAML that somebody else wrote, read with limits; None if it is not YAML."""
    return data_of(library("yaml", "PyYAML"), text)


def library(name: str, package: str = "") -> Any:
    """Import heavy or optional libraries only where they are used."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise unusable(error, name, package) from error
