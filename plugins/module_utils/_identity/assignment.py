# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service accounts get a role, with which rights, and by which pod identity association. Private."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import Problem, near
from .._otelcol.needs.aws_policy import Account, Statement, united_statements
from .identity import ANNOTATIONS, CREATES_ROLES
from .role_names import role_name

DERIVED, MANAGED = "derived", "managed"
POLICIES = (DERIVED, MANAGED)
_ASKED = "Give collectors rights at AWS"
# A name of a role that no two service accounts share.
_UNMISTAKABLE = "{cluster}-{region}-{namespace}_{service_account}"


@dataclass(frozen=True)
class IdentityRequest:
    """The inputs of role otel_identity that decide."""

    provider: str
    policies: str = DERIVED
    managed_policies: tuple[str, ...] = ()
    statements: Sequence[Statement] = ()
    cluster_name: str = ""
    role_name: str = ""
    role_arns: Mapping[str, str] = field(default_factory=dict)
    service_accounts: tuple[str, ...] = ()

    @property
    def creates_roles(self) -> bool:
        """Whether the provider creates IAM roles; otherwise `role_arns` names them."""
        return self.provider in CREATES_ROLES


Found = Mapping[str, Any]


def assigned(found: Sequence[Found], request: IdentityRequest) -> dict[str, Any]:
    """Return the accounts that get a role, and those that need none. Raises Problem for inputs that do not fit."""
    by_account = {str(Account(facts["namespace"], facts["service_account"])): facts for facts in found}
    _check(by_account, request)
    given = []
    others = []
    annotations = {}
    for key, facts in by_account.items():
        if _gets_role(key, facts, request):
            row = _given(facts, request)
            given.append(row)
            if not request.creates_roles:
                annotations[key] = row["annotations"]
        elif request.creates_roles:
            others.append(_named(facts, request))
    role_names = [row["role_name"] for row in given if row["role_name"]]
    _refuse_shared(role_names, request.role_name)
    unneeded = [row for row in others if row["role_name"] not in role_names]
    return {"accounts": given, "unneeded": unneeded, "annotations": annotations}


def _refuse_shared(role_names: list[str], template: str) -> None:
    """Raise Problem for a role of more than one account. `template` is the user's name of a role; it may be empty."""
    for name in role_names:
        count = role_names.count(name)
        if count > 1:
            shown_name = name.replace("{region}", "REGION")
            wrong = f"{count} service accounts would have the role '{shown_name}', and each has one of its own"
            raise Problem(wrong, asked=_ASKED, where="otel_identity_role_name", fix=_fix_of_shared(template))


def _fix_of_shared(template: str) -> str:
    """Return how to name roles apart. The default name has both parts of an account, joined with a dash."""
    has_both_parts = "{namespace}" in template and "{service_account}" in template
    if template and not has_both_parts:
        return "Leave it out, or put {namespace} and {service_account} into it."
    return (
        f"Set `otel_identity_role_name: '{_UNMISTAKABLE}'`: names of Kubernetes have dashes, and no underscores. "
        "Roles of other service accounts then have new names too. To keep theirs, set another `service_account_name` "
        "for one of the collectors."
    )


def _gets_role(key: str, facts: Found, request: IdentityRequest) -> bool:
    """Without a list, whether the account needs permissions; what a managed policy is for cannot be derived."""
    if request.service_accounts:
        return key in request.service_accounts
    if facts["statements"]:
        return True
    if not request.creates_roles:
        return key in request.role_arns
    return request.policies == MANAGED or bool(request.statements)


def _named(facts: Found, request: IdentityRequest) -> dict[str, Any]:
    """Return an account with the name of the role that is made for it, and its collectors."""
    account = Account(facts["namespace"], facts["service_account"])
    return {
        "namespace": account.namespace,
        "service_account": account.name,
        "role_name": role_name(request.role_name, request.cluster_name, account) if request.creates_roles else "",
        "collectors": facts["collectors"],
    }


def _given(facts: Found, request: IdentityRequest) -> dict[str, Any]:
    """Return an account with what its role may do. Raises Problem if it has no role, and none is made."""
    account = str(Account(facts["namespace"], facts["service_account"]))
    arn = request.role_arns.get(account, "")
    if not request.creates_roles and account not in request.role_arns:
        raise Problem(
            _why_role_is_needed(account, facts),
            asked=_ASKED,
            where="otel_identity_role_arns",
            fix=f"Add '{account}: ARN'.",
        )
    statements = list(request.statements)
    if request.policies == DERIVED:
        statements = [*facts["statements"], *statements]
    return {
        **_named(facts, request),
        "statements": united_statements(statements),
        "managed_policies": list(request.managed_policies) if request.policies == MANAGED else [],
        "annotations": {ANNOTATIONS[request.provider]: arn} if arn else {},
    }


def _why_role_is_needed(account: str, facts: Found) -> str:
    """Return that an account has no role, with the actions of AWS that its collectors call."""
    actions: set[str] = set()
    for statement in facts["statements"]:
        actions.update(statement["Action"])
    wrong = f"{account} has no role"
    if actions:
        wrong += f", and its collectors call {', '.join(sorted(actions))}"
    return wrong


def _check(known: Mapping[str, Found], request: IdentityRequest) -> None:
    """Raise Problem for names that no collector has, and for missing inputs."""
    for where, names in (("service_accounts", request.service_accounts), ("role_arns", request.role_arns)):
        for name in names:
            if name not in known:
                wrong = f"no collector runs as '{name}'{near(name, known)}"
                fix = f"Give NAMESPACE/NAME of one of: {', '.join(known) or 'none, since there is no collector'}."
                raise Problem(wrong, asked=_ASKED, where=f"otel_identity_{where}", fix=fix)
    if request.creates_roles and not request.cluster_name:
        fix = "Give otel_collector_eks_cluster with its name and region, or use provider static."
        raise Problem("the cluster has no name", asked=_ASKED, where="otel_identity_eks_cluster", fix=fix)
    if request.policies == MANAGED and not request.managed_policies:
        fix = "Name them, or use policies derived."
        raise Problem("no policy is named", asked=_ASKED, where="otel_identity_managed_policies", fix=fix)


# Our names for the fields that UpdatePodIdentityAssociation takes.
FIELDS = {
    "role_arn": "roleArn",
    "target_role_arn": "targetRoleArn",
    "disable_session_tags": "disableSessionTags",
    "policy": "policy",
}


def settings(association: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what DescribePodIdentityAssociation says, in our words."""
    if not association:
        return {}
    return {
        "role_arn": association.get("roleArn") or "",
        "target_role_arn": association.get("targetRoleArn") or "",
        "disable_session_tags": bool(association.get("disableSessionTags")),
        "policy": json.loads(association.get("policy") or "{}"),
        "tags": dict(association.get("tags") or {}),
    }


def request(wanted: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Return these settings as the API takes them; empty ones take a target role or a policy away."""
    fields = {FIELDS[name]: wanted[name] for name in names if name in FIELDS}
    if fields.get("policy"):
        fields["policy"] = json.dumps(fields["policy"], sort_keys=True)
    elif "policy" in fields:
        fields["policy"] = ""
    return fields


def impossible(association: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> Problem | None:
    """Return the problem of an association that belongs to an add-on, or of settings that exclude each other."""
    live = settings(association)
    owner = (association or {}).get("ownerArn")
    if owner:
        wrong = f"the add-on {owner} owns it"
        fix = "Use pod_identity_associations of eks_addon."
        return Problem(wrong, asked="Change a pod identity association", where="service_account", fix=fix)
    after = live | {name: value for name, value in wanted.items() if value is not None}
    if after.get("policy") and not after.get("disable_session_tags"):
        wrong = "EKS takes a policy only without session tags"
        fix = "Set disable_session_tags to true."
        return Problem(wrong, asked="Restrict a pod identity association", where="policy", fix=fix)
    return None
