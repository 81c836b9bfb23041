# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role of a service account: its name, what collectors carry for it, and how it shows in pods. Private.

Source of the variables: aws/amazon-eks-pod-identity-webhook, pkg/handler.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._collector.options import Collector
from .._kube.eks_token import FailedCall
from .._otelcol.config.paths import items, section
from .._otelcol.errors import Problem, at_most, near
from .._otelcol.kube.names import COLLECTOR_LABEL, variable_text
from .._otelcol.needs.aws_policy import IRSA, POD_IDENTITY, Account, Grant, statements

CREATES_ROLES = (IRSA, POD_IDENTITY)  # any other provider uses existing roles
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"  # read by the webhook of every EKS cluster
POD_ANNOTATION = "o11y.opentelemetry/pod-identity"  # not read: it shows the role, and its change replaces pods
STAMP = "o11y.opentelemetry/identity"
ANNOTATIONS = {IRSA: ROLE_ANNOTATION, POD_IDENTITY: POD_ANNOTATION, "static": ROLE_ANNOTATION}
# Source: IAM User Guide, "IAM and STS quotas", and CreateRole for the characters.
LONGEST_ROLE = 64
_REFUSED = re.compile(r"[^A-Za-z0-9+=,.@_-]+")
_DIGEST = 8
_SIDECAR, _SHOWN = "sidecar", 5
_NAMES = ("cluster", "namespace", "service_account")
# The module for roles fills it in: it talks to the region, which options, variables or a profile may give.
_REGION = "{region}"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def environment(collector: Collector) -> dict[str, str]:
    """Return the variables of a collector whose values are known before it runs."""
    return {name: variable_text(value) for name, value in collector.env.items() if not isinstance(value, dict)}


# Variables that lead the AWS SDKs to credentials. Source: their reference guide, "Standardized credential providers".
_CREDENTIALS = (
    *("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_ROLE_ARN"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
)


def may_have_credentials(collector: Collector) -> bool:
    """Whether the options of a collector give it AWS credentials, or an account that may have some.

    An account of another name may be one of the user's, and so may that of the pods with a sidecar.
    """
    if collector.service_account_name != collector.name or collector.mode == _SIDECAR:
        return True
    if {ROLE_ANNOTATION, POD_ANNOTATION} & set(collector.service_account_annotations):
        return True
    return any(name in collector.env for name in _CREDENTIALS)


def runs_as_its_pod(collector: Collector) -> bool:
    """Whether nobody knows its account: that of any pod with the sidecar, unless the option names one for them."""
    return collector.mode == _SIDECAR and collector.service_account_name == collector.name


def without_account(members: Iterable[tuple[Collector, Sequence[Grant]]]) -> list[str]:
    """Return a warning for each sidecar that calls AWS and whose account is not named: no role can be made for it."""
    warnings = []
    for collector, needed in members:
        if needed and runs_as_its_pod(collector):
            actions = at_most(_SHOWN, _actions(needed))
            warnings.append(
                f"collector '{collector.name}' is a sidecar and calls AWS ({actions}) as the account of each pod that "
                "has it. Give these accounts a role, or set `service_account_name`, run the pods with this account, "
                "and otel_identity gives it the role."
            )
    return warnings


def _actions(grants: Sequence[Grant]) -> list[str]:
    """Return the actions of AWS in some grants, each once."""
    return sorted({action for grant in grants for action in grant.actions})


def accounts(members: Iterable[tuple[Collector, Sequence[Grant]]]) -> list[dict[str, Any]]:
    """Return every service account with what its collectors need at AWS."""
    found: dict[Account, dict[str, Any]] = {}
    grants: dict[Account, list[Grant]] = {}
    for collector, needed in members:
        if runs_as_its_pod(collector):
            continue
        account = Account(collector.namespace, collector.service_account_name)
        entry = {"namespace": account.namespace, "service_account": account.name, "collectors": []}
        found.setdefault(account, entry)["collectors"].append(collector.name)
        grants.setdefault(account, []).extend(needed)
    return [entry | {"statements": statements(grants[account])} for account, entry in found.items()]


def stamped(collector: Collector, identities: Mapping[str, Any]) -> Collector:
    """Return a collector whose account carries its identity, and whose pods are replaced when that changes."""
    given = identities.get(f"{collector.namespace}/{collector.service_account_name}")
    if not given or runs_as_its_pod(collector):
        return collector
    own = collector.service_account_annotations
    clash = [key for key in given if own.get(key, given[key]) != given[key]]
    if clash:
        wrong = f"its service_account_annotations have another {clash[0]} than its identity"
        fix = "Remove the annotation, or the inputs of otel_identity."
        raise Problem(wrong, asked=f"Give collector '{collector.name}' its identity", fix=fix)
    if collector.mode == _SIDECAR:  # its pods have another owner, who replaces them
        return replace(collector, service_account_annotations={**own, **given})
    digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]
    pod_annotations = {**collector.pod_annotations, STAMP: digest}
    return replace(collector, service_account_annotations={**own, **given}, pod_annotations=pod_annotations)


def role_name(wanted: str, cluster: str, account: Account) -> str:
    """Return the name of a role: the wanted one with its placeholders filled in, but not the one of the region."""
    known = dict(zip(_NAMES, (cluster, account.namespace, account.name), strict=True)) | {"region": _REGION}

    def value(match: re.Match[str]) -> str:
        if match[1] not in known:
            fix = f"Use {', '.join(f'{{{name}}}' for name in known)}."
            wrong = f"no such placeholder as {match[0]}{near(match[1], known)}"
            raise Problem(wrong, asked="Name the IAM role", where="otel_identity_role_name", fix=fix)
        return known[match[1]]

    name = _PLACEHOLDER.sub(value, wanted or "{cluster}-{region}-{namespace}-{service_account}")
    return _REGION.join(_REFUSED.sub("-", part) for part in name.split(_REGION))


def in_region(name: str, region: str) -> str:
    """Return the name of a role with its region, cut to what IAM takes: clusters of two regions may have one name."""
    name = name.replace(_REGION, region)
    if len(name) <= LONGEST_ROLE:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[: LONGEST_ROLE - _DIGEST - 1]}-{digest}"


ROLE_VARIABLE, CREDENTIALS_VARIABLE = "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
VARIABLES = {IRSA: ROLE_VARIABLE, POD_IDENTITY: CREDENTIALS_VARIABLE}
# The answers of STS before it knows of the role, its trust or the OIDC provider.
PROPAGATION_ERRORS = frozenset({"AccessDenied", "InvalidIdentityToken", "IDPCommunicationError", "NoSuchEntity"})
_PAUSE_IMAGE = "registry.k8s.io/pause:3.10"


def has_credentials(pod: Mapping[str, Any], provider: str, role_arn: str) -> bool:
    """Return whether EKS has set the variable by which the containers of a pod find their credentials."""
    variable = VARIABLES[provider]
    values = []
    for container in items(pod, "spec", "containers"):
        for entry in items(container, "env"):
            if isinstance(entry, dict) and entry.get("name") == variable:
                values.append(entry.get("value"))
    return role_arn in values if provider == IRSA else bool(values)


def dry_run_pod(account: Account) -> dict[str, Any]:
    """Return a pod for a dry run, which every Pod Security Standard admits."""
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 65534,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    resources = {"limits": {"cpu": "10m", "memory": "16Mi"}, "requests": {"cpu": "10m", "memory": "16Mi"}}
    container = {"name": "trial", "image": _PAUSE_IMAGE, "securityContext": security, "resources": resources}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "o11y-identity-trial-", "namespace": account.namespace},
        "spec": {"serviceAccountName": account.name, "containers": [container]},
    }


def is_collector_of(pod: Mapping[str, Any], account: Account) -> bool:
    """Return whether a pod is a collector of this collection that runs as this account, and stays."""
    metadata = section(pod, "metadata")
    spec = section(pod, "spec")
    status = section(pod, "status")
    if spec.get("serviceAccountName") != account.name:
        return False
    if COLLECTOR_LABEL not in section(metadata, "labels"):
        return False
    has_ended = status.get("phase") in ("Succeeded", "Failed")
    return not has_ended and not metadata.get("deletionTimestamp")


def is_propagation_error(answer: FailedCall) -> bool:
    """Return whether STS refuses because a change at AWS has not propagated yet."""
    return answer.code in PROPAGATION_ERRORS
