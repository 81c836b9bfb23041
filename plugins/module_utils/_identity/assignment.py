# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service accounts get an IAM role, and what each role may do.

A role here is an IAM role of AWS. Module `otel_render` finds the service accounts of the collectors, and the Ansible
role `otel_identity` says how they get IAM roles:

    found:    {"namespace": "obs", "service_account": "gateway", "collectors": ["gateway"], "statements": [STATEMENT]}
    request:  provider irsa, policies derived, cluster_name production
    row:      {"namespace": "obs", "service_account": "gateway", "collectors": ["gateway"],
               "role_name": "production-{region}-obs-gateway", "statements": [STATEMENT],
               "managed_policies": [], "annotations": {}}

Private.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import Problem, suggest_word
from .._otelcol.needs.aws_policy import ServiceAccount, Statement, unite_statements
from .identity import ANNOTATIONS, CREATES_ROLES
from .role_names import fill_role_name

# Where the rights of a role come from: from the config of its collectors, or from managed policies that a user names.
_DERIVED = "derived"
_MANAGED = "managed"
POLICY_CHOICES = (_DERIVED, _MANAGED)
_ASKED = "Give collectors rights at AWS"
# A template of names that no two service accounts share.
_UNMISTAKABLE = "{cluster}-{region}-{namespace}_{service_account}"


@dataclass(frozen=True)
class IdentityRequest:
    """The inputs of role otel_identity that decide."""

    provider: str
    """`irsa`, `pod_identity` or `static`, see identity.py."""
    policies: str = _DERIVED
    """One of POLICY_CHOICES."""
    managed_policies: tuple[str, ...] = ()
    """Names or ARNs, for policies `managed`."""
    statements: Sequence[Statement] = ()
    """What every role may do besides."""
    cluster_name: str = ""
    """The name of the cluster in EKS; empty if the provider creates no roles."""
    role_name: str = ""
    """The user's template for names of roles; empty for the default one."""
    role_arns: Mapping[str, str] = field(default_factory=dict)
    """The existing role of a service account, by NAMESPACE/NAME."""
    service_accounts: tuple[str, ...] = ()
    """The service accounts that get a role, by NAMESPACE/NAME; empty if their needs decide."""

    @property
    def creates_roles(self) -> bool:
        """Whether the provider creates IAM roles; otherwise `role_arns` names them."""
        return self.provider in CREATES_ROLES


@dataclass(frozen=True)
class _FoundAccount:
    """A service account, the names of its collectors, and the statements that allow what these call at AWS."""

    account: ServiceAccount
    collectors: list[str]
    statements: list[Statement]

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> _FoundAccount:
        """Return a service account as module otel_render finds it."""
        account = ServiceAccount(facts["namespace"], facts["service_account"])
        return cls(account, facts["collectors"], facts["statements"])


_Accounts = Mapping[str, _FoundAccount]
"""Service accounts by NAMESPACE/NAME."""


def assign_roles(account_rows: Iterable[Mapping[str, Any]], request: IdentityRequest) -> dict[str, Any]:
    """Return the result of module identity_render. Raises Problem for inputs that do not fit.

    `accounts` get a role. `unneeded` has the accounts without one, with the name that their role would have, so that
    it can be removed. `annotations` has those of the accounts whose role exists already.
    """
    accounts = _accounts_by_name(account_rows)
    _check_names(accounts, request)
    _check_inputs(request)
    chosen_accounts = {
        name: found_account for name, found_account in accounts.items() if _needs_role(name, found_account, request)
    }
    rows = {name: _role_row(found_account, request) for name, found_account in chosen_accounts.items()}
    role_names = [row["role_name"] for row in rows.values() if row["role_name"]]
    _refuse_shared_names(role_names, request.role_name)
    if not request.creates_roles:
        annotations = {name: row["annotations"] for name, row in rows.items()}
        return {"accounts": list(rows.values()), "unneeded": [], "annotations": annotations}
    other_accounts = [found_account for name, found_account in accounts.items() if name not in chosen_accounts]
    unneeded = _list_unneeded_rows(other_accounts, role_names, request)
    return {"accounts": list(rows.values()), "unneeded": unneeded, "annotations": {}}


def _accounts_by_name(account_rows: Iterable[Mapping[str, Any]]) -> _Accounts:
    """Return the service accounts that module otel_render finds."""
    accounts = [_FoundAccount.of(facts) for facts in account_rows]
    return {str(found_account.account): found_account for found_account in accounts}


def _check_names(accounts: _Accounts, request: IdentityRequest) -> None:
    """Raise Problem for a service account in the inputs that no collector has."""
    names_by_option: dict[str, Collection[str]] = {
        "otel_identity_service_accounts": request.service_accounts,
        "otel_identity_role_arns": request.role_arns,
    }
    for option, account_list in names_by_option.items():
        for name in account_list:
            if name not in accounts:
                wrong = f"no collector runs as '{name}'{suggest_word(name, accounts)}"
                account_names = ", ".join(accounts) or "none, since there is no collector"
                raise Problem(wrong, asked=_ASKED, where=option, fix=f"Give NAMESPACE/NAME of one of: {account_names}.")


def _check_inputs(request: IdentityRequest) -> None:
    """Raise Problem for an input that is missing."""
    if request.creates_roles and not request.cluster_name:
        fix = "Give otel_collector_eks_cluster with its name and region, or use provider static."
        raise Problem("the cluster has no name", asked=_ASKED, where="otel_identity_eks_cluster", fix=fix)
    if request.policies == _MANAGED and not request.managed_policies:
        fix = "Name them, or use policies derived."
        raise Problem("no policy is named", asked=_ASKED, where="otel_identity_managed_policies", fix=fix)


def _needs_role(name: str, found_account: _FoundAccount, request: IdentityRequest) -> bool:
    """Whether a service account gets a role: one that the request names, or else one that needs rights.

    What a managed policy or an added statement is for cannot be derived, so every account may need it.
    """
    if request.service_accounts:
        return name in request.service_accounts
    if found_account.statements:
        return True
    if not request.creates_roles:
        return name in request.role_arns
    return request.policies == _MANAGED or bool(request.statements)


def _role_row(found_account: _FoundAccount, request: IdentityRequest) -> dict[str, Any]:
    """Return a service account with what its role may do. Raises Problem if it has no role, and none is made."""
    arn = _find_existing_role(found_account, request)
    derived = found_account.statements if request.policies == _DERIVED else []
    return {
        **_name_row(found_account, request),
        "statements": unite_statements([*derived, *request.statements]),
        "managed_policies": list(request.managed_policies) if request.policies == _MANAGED else [],
        "annotations": {ANNOTATIONS[request.provider]: arn} if arn else {},
    }


def _name_row(found_account: _FoundAccount, request: IdentityRequest) -> dict[str, Any]:
    """Return a service account with the name of the role that is made for it, and its collectors."""
    account = found_account.account
    name = fill_role_name(request.role_name, request.cluster_name, account) if request.creates_roles else ""
    return {
        "namespace": account.namespace,
        "service_account": account.name,
        "role_name": name,
        "collectors": found_account.collectors,
    }


def _find_existing_role(found_account: _FoundAccount, request: IdentityRequest) -> str:
    """Return the ARN of the role that a service account has; empty text if one is made for it.

    Raises Problem if it has no role, and none is made.
    """
    account = str(found_account.account)
    if request.creates_roles or account in request.role_arns:
        return request.role_arns.get(account, "")
    wrong = f"{account} has no role"
    actions = _list_actions(found_account.statements)
    if actions:
        wrong += f", and its collectors call {', '.join(actions)}"
    raise Problem(wrong, asked=_ASKED, where="otel_identity_role_arns", fix=f"Add '{account}: ARN'.")


def _list_actions(statements: Iterable[Statement]) -> list[str]:
    """Return the actions of AWS that statements allow, each once, in order."""
    actions: set[str] = set()
    for statement in statements:
        actions.update(statement["Action"])
    return sorted(actions)


def _list_unneeded_rows(
    other_accounts: Iterable[_FoundAccount], role_names: Sequence[str], request: IdentityRequest
) -> list[dict[str, Any]]:
    """Return the service accounts without a role, whose earlier role may be removed.

    An account is left out if its role would have the name of the role of an account that gets one.
    """
    rows = [_name_row(found_account, request) for found_account in other_accounts]
    return [row for row in rows if row["role_name"] not in role_names]


def _refuse_shared_names(role_names: Sequence[str], template: str) -> None:
    """Raise Problem for a role of more than one account. `template` is the user's name of a role; it may be empty."""
    for name in role_names:
        count = role_names.count(name)
        if count > 1:
            shown_name = name.replace("{region}", "REGION")
            wrong = f"{count} service accounts would have the role '{shown_name}', and each has one of its own"
            raise Problem(wrong, asked=_ASKED, where="otel_identity_role_name", fix=_describe_shared_name_fix(template))


def _describe_shared_name_fix(template: str) -> str:
    """Return how to name roles apart. The default name has both parts of an account, joined with a dash."""
    has_both_parts = "{namespace}" in template and "{service_account}" in template
    if template and not has_both_parts:
        return "Leave it out, or put {namespace} and {service_account} into it."
    return (
        f"Set `otel_identity_role_name: '{_UNMISTAKABLE}'`: names of Kubernetes have dashes, and no underscores. "
        "Roles of other service accounts then have new names too. To keep theirs, set another `service_account_name` "
        "for one of the collectors."
    )
