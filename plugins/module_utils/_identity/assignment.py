# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service accounts get an IAM role of AWS, and what each role may do. Private.

Module `otel_render` finds the service accounts of the collectors, and what their configs call at AWS. The role
`otel_identity` of this collection says how they get IAM roles. Its module `identity_render` calls `assign_roles`, and
later tasks of the role make what the rows say. For example:

    found:    {"namespace": "obs", "service_account": "gateway", "collectors": ["gateway"], "statements": [STATEMENT]}
    request:  provider irsa, policies derived, cluster_name production
    row:      {"namespace": "obs", "service_account": "gateway", "role_name": "production-{region}-obs-gateway",
               "collectors": ["gateway"], "statements": [STATEMENT], "managed_policies": [], "annotations": {}}

A later task knows the region, and fills it in. Where the text says role without more, it means the IAM role.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from .._otelcol.errors import Problem, suggest_word
from .iam_policy import ServiceAccount, Statement, unite_statements
from .identity import ANNOTATIONS, ROLE_CREATING_PROVIDERS
from .role_names import fill_role_name

# The rights of a role come from the configs of its collectors.
_DERIVED = "derived"
# They come from managed policies of AWS that the user names.
_MANAGED = "managed"
POLICY_CHOICES = (_DERIVED, _MANAGED)
# What a Problem says was to be done.
_ASKED = "Give collectors rights at AWS"
# A template that gives each service account another name. With a dash, `a-b` in `c` and `b` in `c-a` have the same one.
_UNIQUE_TEMPLATE = "{cluster}-{region}-{namespace}_{service_account}"


@dataclass(frozen=True)
class IdentityRequest:
    """The inputs of role otel_identity that decide who gets a role."""

    provider: str
    """`irsa`, `pod_identity` or `static`, see identity.py."""
    policies: str = _DERIVED
    """One of POLICY_CHOICES."""
    managed_policies: tuple[str, ...] = ()
    """Names or ARNs, for policies `managed`."""
    statements: Sequence[Statement] = ()
    """What every role may do in addition."""
    cluster_name: str = ""
    """The name of the cluster in EKS; empty if the provider creates no roles."""
    role_name: str = ""
    """The user's template for names of roles; empty for the default one."""
    role_arns: Mapping[str, str] = field(default_factory=dict)
    """The existing role of a service account, by NAMESPACE/NAME."""
    service_accounts: tuple[str, ...] = ()
    """The service accounts that get a role, as NAMESPACE/NAME; if empty, those get one that need rights."""

    @property
    def creates_roles(self) -> bool:
        """Whether the provider creates IAM roles; otherwise `role_arns` names them."""
        return self.provider in ROLE_CREATING_PROVIDERS


@dataclass(frozen=True)
class _FoundAccount:
    """A service account, the names of its collectors, and the statements that allow what these call at AWS."""

    account: ServiceAccount
    collectors: list[str]
    statements: list[Statement]


_Accounts = Mapping[str, _FoundAccount]
"""Service accounts by NAMESPACE/NAME."""


class NamedAccountRow(TypedDict):
    """A service account with the name of its role."""

    namespace: str
    service_account: str
    role_name: str
    """The name of the role that is made; empty if the role exists already."""
    collectors: list[str]


class AccountRow(NamedAccountRow):
    """A service account that gets a role, and what the role may do."""

    statements: list[Statement]
    managed_policies: list[str]
    annotations: dict[str, str]
    """What the account gets if its role exists already, such as `{"eks.amazonaws.com/role-arn": ARN}`."""


class RoleAssignment(TypedDict):
    """The result of module identity_render."""

    accounts: list[AccountRow]
    """The accounts that get a role."""
    unneeded: list[NamedAccountRow]
    """The accounts without one, with the name that their role would have, so that an earlier role can be removed."""
    annotations: dict[str, dict[str, str]]
    """By NAMESPACE/NAME, the annotations of the accounts whose role exists already."""


def assign_roles(account_rows: Iterable[Mapping[str, Any]], request: IdentityRequest) -> RoleAssignment:
    """Return which service accounts get a role. Raises Problem for inputs that do not fit.

    `account_rows` are those of module otel_render, see the example at the top of this file.
    """
    accounts = _read_accounts(account_rows)
    _check_names(accounts, request)
    _check_inputs(request)
    rows_by_account: dict[str, AccountRow] = {}
    accounts_without_role: list[_FoundAccount] = []
    for name, found_account in accounts.items():
        if _needs_role(name, found_account, request):
            rows_by_account[name] = _build_account_row(found_account, request)
        else:
            accounts_without_role.append(found_account)
    account_rows_with_role = list(rows_by_account.values())
    role_names = [row["role_name"] for row in account_rows_with_role if row["role_name"]]
    _refuse_shared_names(role_names, request.role_name)
    if not request.creates_roles:
        annotations = {name: row["annotations"] for name, row in rows_by_account.items()}
        return {"accounts": account_rows_with_role, "unneeded": [], "annotations": annotations}
    unneeded = _list_unneeded_rows(accounts_without_role, role_names, request)
    return {"accounts": account_rows_with_role, "unneeded": unneeded, "annotations": {}}


def _read_accounts(account_rows: Iterable[Mapping[str, Any]]) -> _Accounts:
    """Return the service accounts that module otel_render finds."""
    accounts: dict[str, _FoundAccount] = {}
    for row in account_rows:
        account = ServiceAccount(row["namespace"], row["service_account"])
        accounts[str(account)] = _FoundAccount(account, row["collectors"], row["statements"])
    return accounts


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
    """Whether a service account gets a role: the request names it, or names none and the account needs rights.

    An account whose collectors call nothing at AWS gets a role too if there are managed policies or added statements:
    nobody can see which accounts they are for.
    """
    if request.service_accounts:
        return name in request.service_accounts
    if found_account.statements:
        return True
    if not request.creates_roles:
        return name in request.role_arns
    return request.policies == _MANAGED or bool(request.statements)


def _build_account_row(found_account: _FoundAccount, request: IdentityRequest) -> AccountRow:
    """Return a service account with what its role may do. Raises Problem if it has no role, and none is made."""
    arn = _find_existing_role(found_account, request)
    derived = found_account.statements if request.policies == _DERIVED else []
    return {
        **_build_named_row(found_account, request),
        "statements": unite_statements([*derived, *request.statements]),
        "managed_policies": list(request.managed_policies) if request.policies == _MANAGED else [],
        "annotations": {ANNOTATIONS[request.provider]: arn} if arn else {},
    }


def _build_named_row(found_account: _FoundAccount, request: IdentityRequest) -> NamedAccountRow:
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
    """Return the ARN of the role that the request names for a service account; empty if one is made for it.

    Raises Problem if none is named, and none is made.
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
) -> list[NamedAccountRow]:
    """Return the service accounts without a role, whose earlier role may be removed.

    An account is left out if its role would have the name of the role of an account that gets one.
    """
    rows = [_build_named_row(found_account, request) for found_account in other_accounts]
    return [row for row in rows if row["role_name"] not in role_names]


def _refuse_shared_names(role_names: Sequence[str], template: str) -> None:
    """Raise Problem if two accounts would have roles of the same name. `template` is the user's; empty for ours."""
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
        f"Set `otel_identity_role_name: '{_UNIQUE_TEMPLATE}'`: names of Kubernetes have dashes, and no underscores. "
        "Roles of other service accounts then have new names too. To keep theirs, set another `service_account_name` "
        "for one of the collectors."
    )
