# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights manifests give to the account of a collector, and which to another account in its place. Private.

from_manifests.py asks here. An account is a ServiceAccount, with which pods run. For example, a ClusterRoleBinding of
account `obs/gw` grants the rules of its ClusterRole to pods with `serviceAccountName: gw` in namespace `obs`. What the
manifests do not show stays None, so that rules are silent about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.documents import CUSTOM_RESOURCE
from ..config.paths import mapping_at, mappings_at, value_at
from ..kube.operator_names import operator_workload_name
from .manifest_containers import Object

_BINDING_KINDS = ("ClusterRoleBinding", "RoleBinding")
# The account of pods that name none.
DEFAULT_ACCOUNT = "default"
# Groups of all accounts, or of those of a namespace. Source: Kubernetes, Using RBAC Authorization, Service accounts.
_GROUPS_OF_EVERYBODY = ("system:serviceaccounts", "system:authenticated")


@dataclass(frozen=True)
class Rights:
    """The rights of an account."""

    rbac_rules: tuple[dict[str, Any], ...] | None = None
    """None if they are not known."""
    bound_elsewhere: str = ""
    """The binding that most likely names another account by mistake, in words; empty if there is none."""


@dataclass(frozen=True)
class Account:
    """A ServiceAccount."""

    name: str
    namespace: str | None
    """None if it is chosen later, as that of a chart is; then it may be any."""

    def is_named_by(self, subject: Object) -> bool:
        """Whether a subject of a binding is this account, or a group with it."""
        name, namespace = subject.get("name"), subject.get("namespace")
        if subject.get("kind") == "Group":
            return name in (*_GROUPS_OF_EVERYBODY, f"{_GROUPS_OF_EVERYBODY[0]}:{self.namespace}")
        if name != self.name:
            return False
        is_chosen_later = self.namespace is None or namespace is None
        return is_chosen_later or namespace == self.namespace

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def account_of_pod(pod: Object, owner: Object) -> Account:
    """Return the account of the pods of a workload."""
    name = pod.get("serviceAccountName") or pod.get("serviceAccount") or DEFAULT_ACCOUNT
    return Account(str(name), value_at(owner, ("metadata", "namespace")))


def account_of_resource(resource: Object) -> Account:
    """Return the account of the pods of a custom resource: its own, or the one that the operator creates."""
    operator_account = operator_workload_name(str(value_at(resource, ("metadata", "name"))))
    return Account(
        str(value_at(resource, ("spec", "serviceAccount")) or operator_account),
        value_at(resource, ("metadata", "namespace")),
    )


def find_account_rights(account: Account, manifests: Sequence[Object]) -> Rights:
    """Return what manifests grant to an account.

    If no binding names the account, but one names only accounts with which nothing runs, that is most likely a mistake:
    then `bound_elsewhere` is set. Without such a binding either, nothing is known.
    """
    bindings = [candidate for candidate in manifests if candidate.get("kind") in _BINDING_KINDS]
    own_bindings = [binding for binding in bindings if _binds_account(binding, account)]
    if own_bindings:
        return Rights(_collect_granted_rules(own_bindings, manifests))
    for binding in bindings:
        # A binding whose role the manifests lack may be for something else than a collector.
        if _find_role(binding, manifests) is not None and _binds_unused_accounts(binding, manifests):
            return Rights(rbac_rules=(), bound_elsewhere=_describe_binding(binding, account))
    return Rights()


def _binds_account(binding: Object, account: Account) -> bool:
    """Whether a binding gives its role to an account."""
    return any(account.is_named_by(subject) for subject in mappings_at(binding, "subjects"))


def _collect_granted_rules(
    bindings: Iterable[Object], manifests: Sequence[Object]
) -> tuple[dict[str, Any], ...] | None:
    """Return the rules that bindings grant; None if one of the roles is not there, or gets rules of other roles."""
    granted_rules: list[dict[str, Any]] = []
    for binding in bindings:
        role = _find_role(binding, manifests)
        # One unknown role makes all of them unknown: it may grant what the others do not.
        if role is None or "aggregationRule" in role:
            return None
        granted_rules.extend(dict(rule) for rule in mappings_at(role, "rules"))
    return tuple(granted_rules)


def _find_role(binding: Object, manifests: Sequence[Object]) -> Object | None:
    """Return the role of a binding; None if the manifests do not show it."""
    kind, name = value_at(binding, ("roleRef", "kind")), value_at(binding, ("roleRef", "name"))
    for candidate in manifests:
        if candidate.get("kind") == kind and value_at(candidate, ("metadata", "name")) == name:
            return candidate
    return None


def _binds_unused_accounts(binding: Object, manifests: Sequence[Object]) -> bool:
    """Whether a binding names nothing but accounts, and no workload runs with one of them."""
    subjects = mappings_at(binding, "subjects")
    are_accounts = all(subject.get("kind") == "ServiceAccount" for subject in subjects)
    if not subjects or not are_accounts:
        return False
    return not any(_binds_account(binding, account) for account in _list_used_accounts(manifests))


def _list_used_accounts(manifests: Sequence[Object]) -> Iterator[Account]:
    """Yield the accounts with which workloads and custom resources run."""
    for manifest in manifests:
        spec = mapping_at(manifest, "spec")
        if str(manifest.get("apiVersion")).startswith("opentelemetry.io/"):
            yield account_of_resource(manifest)
            yield from _list_allocator_accounts(manifest)
        # The spec of a Pod itself, of a workload and of a CronJob.
        for pod in (
            spec,
            mapping_at(spec, "template", "spec"),
            mapping_at(spec, "jobTemplate", "spec", "template", "spec"),
        ):
            if "containers" in pod:
                yield account_of_pod(pod, manifest)


def _list_allocator_accounts(manifest: Object) -> Iterator[Account]:
    """Yield the account of a target allocator: its own, and the one that the operator creates."""
    namespace, name = value_at(manifest, ("metadata", "namespace")), value_at(manifest, ("metadata", "name"))
    spec = mapping_at(manifest, "spec")
    if manifest.get("kind") == CUSTOM_RESOURCE:
        spec = mapping_at(spec, "targetAllocator")
    if spec.get("serviceAccount"):
        yield Account(str(spec["serviceAccount"]), namespace)
    yield Account(f"{name}-targetallocator", namespace)


def _describe_binding(binding: Object, account: Account) -> str:
    """Return in words which account a binding names, and which one the pods have."""
    subject = mappings_at(binding, "subjects")[0]
    bound_account = Account(str(subject.get("name")), subject.get("namespace"))
    binding_text = (
        f"{binding['kind']} '{value_at(binding, ('metadata', 'name'))}' binds ServiceAccount '{bound_account}'"
    )
    return f"{binding_text}, with which nothing runs, and the pods run as '{account}'"
