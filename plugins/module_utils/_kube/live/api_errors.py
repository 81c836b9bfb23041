# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translate errors of the API server and the network into Problems, and hide secrets. The first row that fits applies.

Private.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from shlex import quote
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._config.paths import leaves
from ..._config.yaml_documents import data_of
from ..._errors import Problem, at_most
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

_OBJECT = re.compile(r"/namespaces/(?P<namespace>[a-z0-9-]+)/[a-z]+/(?P<name>[a-z0-9.-]+)\Z")

# (status, or none for any; words in the message or reason; the problem; the fix). {message} is the server's own.
ANSWERS: tuple[tuple[int | None, str, str, str], ...] = (
    (
        401,
        "",
        "the server does not accept the credentials ({message})",
        "Renew the token or certificate. Check it with `kubectl auth whoami`.",
    ),
    (
        None,
        "failed calling webhook",
        "an admission webhook does not answer ({message})",
        "Check that the pods of that webhook run.",
    ),
    (None, "denied the request", "an admission webhook denied it ({message})", "Change the object or the policy."),
    (
        None,
        "ValidatingAdmissionPolicy",
        "an admission policy denied it ({message})",
        "Change the object or the policy.",
    ),
    (403, "exceeded quota", "a quota is used up ({message})", "Raise the ResourceQuota, or lower the requests."),
    (
        403,
        "violates PodSecurity",
        "the namespace's pod security forbids it ({message})",
        "Change the namespace's pod-security label or the pod.",
    ),
    (
        403,
        "being terminated",
        "the namespace is being deleted ({message})",
        "Wait until the namespace is gone, or check its finalizers.",
    ),
    (403, "", "not allowed ({message})", "Ask an administrator for the permission."),
    (None, "typed patch object", "a field has the wrong type or name ({message})", "Correct the field."),
    (
        None,
        "illegal base64",
        "a value is not base64 ({message})",
        "Encode the values of `data`, or write them as text below `stringData`.",
    ),
    (None, "unable to convert unstructured object to ", "a value is not valid ({message})", "Correct the value."),
    (
        422,
        "field is immutable",
        "a field cannot be changed in place ({message})",
        "Delete the object first, or rename the new one.",
    ),
    (
        422,
        "updates to statefulset spec",
        "such a field of a StatefulSet cannot be changed in place ({message})",
        "Delete the StatefulSet without its pods and claims (`kubectl -n NAMESPACE delete statefulset NAME"
        " --cascade=orphan`), then"
        " run again. The size of a claim that exists stays: change the claim.",
    ),
    (None, "Invalid", "the object is not valid ({message})", "Correct the field."),
    (400, "", "the server does not understand the object ({message})", "Correct the field."),
    (
        404,
        "namespaces ",
        "the namespace does not exist ({message})",
        "Add a Namespace to the bundle, or create it first.",
    ),
    (429, "", "the server is overloaded ({message})", "Run the task again."),
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
    special = (
        _unreadable(error, asked) or other_server(error, asked) or _forbidden(error, asked) or _conflict(error, asked)
    )
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
    for status, words, wrong, fix in ANSWERS:
        if status in (None, error.status) and words in haystack:
            return Problem(
                wrong.format(message=error.message), asked=asked, where=_fields(error), fix=_filled(fix, error)
            )
    fix = "Run the task again. If the error persists, check the API server's log."
    where = f"{error.method} {error.path}"
    return Problem(f"the server answers {error.status} ({error.message})", asked=asked, where=where, fix=fix)


def _filled(fix: str, error: ApiError) -> str:
    """Return a fix whose command has the namespace and the name of the object that was asked for."""
    match = _OBJECT.search(error.path)
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


def _kind_missing(error: ApiError, asked: str) -> Problem | None:
    return kind_missing(asked, f"{error.method} {error.path}") if error.kind_missing else None


def kind_missing(asked: str, where: str = "") -> Problem:
    own = (fix for group, fix in ABSENT.items() if group in where)
    fix = next(own, "Install its CustomResourceDefinition first, or add it to the bundle.")
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


# Shorter ones are words that occur by chance, so hiding them garbles text and hides nothing.
SHORTEST_SECRET = 6


def hide_more(module: AnsibleModule, secrets: Iterable[str], trees: Iterable[Any]) -> None:
    """Add secrets to Ansible's list, and take out the other texts of trees that are secret only in part.

    Ansible has every text of an option with `no_log`, so `default` in a manifest would be hidden in all messages.
    """
    plain = {str(value) for tree in trees for _path, value in leaves(tree)}
    # Errors show a token without the line end that it was given with.
    hidden = {one for secret in secrets for one in (secret, secret.strip()) if len(one) >= SHORTEST_SECRET}
    module.no_log_values = (module.no_log_values - plain) | hidden
