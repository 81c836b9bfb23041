# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module identity_wait: it waits until the pods of service accounts get their IAM roles. Private.

The role otel_identity calls it after it has changed roles at AWS. AWS makes a change effective only after some seconds,
so the role removes nothing old before this module has ended. For each account, it looks for a proof:

- With provider irsa, a token of the account is given to STS, the service of AWS that gives out credentials of roles.
- With provider pod_identity, a pod is created in a dry run. The webhook of EKS shows the credentials that the pod would
  get.

For example, the result is {"changed": False, "proven": ["obs/gateway"], "unproven":
[{"account": "obs/agent", "reason": "this user cannot create tokens of it: …"}]}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from ansible.module_utils.basic import AnsibleModule

from ..._change.canary.evictions import build_eviction
from ..._kube.aws_failures import explain_failed_call, is_passing
from ..._kube.live.cluster import CONFLICT, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.eks_access import create_session, read_failed_call
from ..._kube.live.libraries import import_library
from ..._kube.live.task_end import run
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from ..iam_policy import IRSA, ServiceAccount
from ..role_proofs import dry_run_pod, has_credentials, is_collector_of, is_propagation_error
from ..trust import AUDIENCE

# For how long a token is valid. Source: TokenRequest in the Kubernetes API reference; the API server takes no less.
TOKEN_SECONDS = 600
# HTTP statuses of the API server.
FORBIDDEN = 403
MISSING = 404
TOO_MANY_REQUESTS = 429
# How often a run evicts a collector and the pods that replace it. A replacement may start before all servers of EKS
# know of the role. After that, the webhook passes over these pods, and an eviction only stops a collector.
EVICTIONS_PER_POD = 3
# Source of the label: objectSelector of the MutatingWebhookConfiguration pod-identity-webhook, which EKS installs.
NO_CREDENTIALS_FIX = (
    "See that the pod identity webhook of EKS reaches pods of this namespace, that no label "
    "`eks.amazonaws.com/skip-pod-identity-webhook` keeps it from them, and run the task again."
)
# Why the role of an account is not proven that does not exist: it may be made later, so this needs no warning.
NOT_THERE_REASON = "it is not there yet"
# For how many seconds a connection to STS may be made.
CONNECT_SECONDS = 5
# For how many seconds an answer of STS is waited for.
READ_SECONDS = 15
ACCOUNT_OPTIONS = {name: {"required": True} for name in ("namespace", "service_account", "role_arn")}
ARGUMENTS: dict[str, Any] = {
    "provider": {"choices": ["irsa", "pod_identity"], "required": True},
    "accounts": {"type": "list", "elements": "dict", "required": True, "options": ACCOUNT_OPTIONS},
    "replace_pods": {"type": "bool", "default": False},
    "timeout_seconds": {"type": "float", "default": 60},
}


class Unproven(Exception):  # noqa: N818 - no error: it is reported, and the run goes on
    """This user cannot see whether an account has its role, so the run goes on without a proof. The text says why."""


class UnprovenRow(TypedDict):
    """An account whose role was not proven, in the result of the module."""

    account: str
    """NAMESPACE/NAME."""
    reason: str


class RoleWait:
    """One run of the module with the options `params`. `sts` returns a client of boto3 for STS."""

    def __init__(self, cluster: Cluster, params: Mapping[str, Any], sts: Callable[[], Any]) -> None:
        self.cluster = cluster
        self.params = params
        self._sts = sts
        self.changed = False
        """Whether a pod was evicted."""

    def run(self) -> dict[str, Any]:
        """Wait for the accounts one after the other, and return the result of the module."""
        proven: list[str] = []
        unproven: list[UnprovenRow] = []
        for row in self.params["accounts"]:
            account = ServiceAccount(row["namespace"], row["service_account"])
            try:
                self._wait_for_account(account, row["role_arn"])
                proven.append(str(account))
            except Unproven as reason:
                unproven.append({"account": str(account), "reason": str(reason)})
        return {"changed": self.changed, "proven": proven, "unproven": unproven}

    def _wait_for_account(self, account: ServiceAccount, role_arn: str) -> None:
        """Wait until the pods of an account get its role. Raises Unproven if this user cannot see whether they do.

        Raises Problem if they do not within `timeout_seconds`.
        """
        started_at = self.cluster.clock()
        if self.params["provider"] == IRSA:
            self._wait_until_assumed(account, role_arn, started_at)
        else:
            self._wait_for_pod_credentials(account, role_arn, started_at)
        if self.params["replace_pods"]:
            self._replace_stale_pods(account, role_arn, started_at)

    def _wait_until_assumed(self, account: ServiceAccount, role_arn: str, started_at: float) -> None:
        """Assume the role with a token of the account, as its pods do, until STS allows it. Only STS sees the token."""
        token = self._create_token(account)
        exceptions = import_library("botocore.exceptions", "botocore")
        answer = None
        for _poll in self.cluster.iter_polls(self.params["timeout_seconds"], started_at):
            request = {"RoleArn": role_arn, "RoleSessionName": "o11y.opentelemetry", "WebIdentityToken": token}
            try:
                self._sts().assume_role_with_web_identity(**request)
                return
            except (exceptions.ClientError, exceptions.BotoCoreError) as error:
                answer = read_failed_call(error)
                if not (is_propagation_error(answer) or is_passing(answer)):
                    raise explain_failed_call(answer, f"Take on {role_arn} as {account}") from error
        wrong = f"STS refuses it after {self.params['timeout_seconds']:.0f} s ({answer.message if answer else ''})"
        fix = "Look at the role's trust policy, at the OIDC provider in IAM, and for a policy of the organization."
        raise Problem(wrong, asked=f"Take on {role_arn} as {account}", fix=fix)

    def _create_token(self, account: ServiceAccount) -> str:
        """Return a new token of a service account for STS."""
        path = f"/api/v1/namespaces/{account.namespace}/serviceaccounts/{account.name}/token"
        spec = {"audiences": [AUDIENCE], "expirationSeconds": TOKEN_SECONDS}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return str(self._post_object(path, body, "create tokens of it")["status"]["token"])

    def _wait_for_pod_credentials(self, account: ServiceAccount, role_arn: str, started_at: float) -> None:
        """Create a pod in a dry run, again and again until EKS gives it credentials.

        That takes some seconds after the association was made.
        """
        path = f"/api/v1/namespaces/{account.namespace}/pods"
        for _poll in self.cluster.iter_polls(self.params["timeout_seconds"], started_at):
            pod = self._post_object(path, dry_run_pod(account), "try a pod of it", {"dryRun": "All"})
            if has_credentials(pod, self.params["provider"], role_arn):
                return
        wrong = f"EKS gives its pods no credentials after {self.params['timeout_seconds']:.0f} s"
        fix = "Look at the association, and for the add-on eks-pod-identity-agent."
        raise Problem(wrong, asked=f"Associate {account} with {role_arn}", fix=fix)

    def _post_object(self, path: str, body: Any, action: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to a POST. Raises Unproven if the account is missing, or if this user may not do it."""
        try:
            return self.cluster.request("POST", path, query, body)
        except ApiError as error:
            # The API server also answers 403 where a pod names an account that is not found.
            is_missing = error.status == MISSING or (error.status == FORBIDDEN and "not found" in str(error))
            reason = NOT_THERE_REASON if is_missing else f"this user cannot {action}: {error}"
            raise Unproven(reason) from error

    def _replace_stale_pods(self, account: ServiceAccount, role_arn: str, started_at: float) -> None:
        """Evict the collectors that started before EKS knew of their role, until none runs without credentials."""
        asked = f"Give {role_arn} to the pods of {account}"
        evictions = 0
        most_evictions = 0
        for _poll in self.cluster.iter_polls(self.params["timeout_seconds"], started_at):
            stale_pods = self._list_stale_pods(account, role_arn)
            if not stale_pods:
                return
            names = ", ".join(pod["metadata"]["name"] for pod in stale_pods)
            most_evictions = max(most_evictions, EVICTIONS_PER_POD * len(stale_pods))
            if evictions >= most_evictions:
                raise Problem(
                    f"their replacements have no credentials of it either: {names}", asked=asked, fix=NO_CREDENTIALS_FIX
                )
            for pod in stale_pods:
                evictions += self._evict_pod(pod)
        wrong = f"they have no credentials of it after {self.params['timeout_seconds']:.0f} s: {names}"
        raise Problem(wrong, asked=asked, fix=NO_CREDENTIALS_FIX)

    def _list_stale_pods(self, account: ServiceAccount, role_arn: str) -> list[Manifest]:
        """Return an account's collectors that have no credentials of the role."""
        stale_pods = []
        for pod in self.cluster.items(f"/api/v1/namespaces/{account.namespace}/pods"):
            if is_collector_of(pod, account) and not has_credentials(pod, self.params["provider"], role_arn):
                stale_pods.append(pod)
        return stale_pods

    def _evict_pod(self, pod: Manifest) -> bool:
        """Evict this very pod, which its workload then replaces, and return whether that was allowed now.

        Raises Unproven if this user may not do that.
        """
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}/eviction"
        try:
            self.cluster.request("POST", path, None, build_eviction(pod), patient=False)
        except ApiError as error:
            # Gone, or replaced by a pod of the same name, or its disruption budget says later.
            if error.status not in (MISSING, CONFLICT, TOO_MANY_REQUESTS):
                raise Unproven(f"this user cannot evict its pods: {error}") from error
            return False
        self.changed = True
        return True


def run_wait(module: AnsibleModule) -> None:
    """Run the module identity_wait, and exit with its result or failure."""

    def connect_sts() -> Any:
        # A token is its own credential, and the loop around it knows the time that is left.
        config = import_library("botocore.config", "botocore").Config(
            signature_version=import_library("botocore").UNSIGNED,
            retries={"total_max_attempts": 1},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        )
        eks_options = module.params.get("eks_cluster") or {}
        session_options = {key: eks_options.get(key) for key in ("region", "profile")}
        return create_session(session_options).create_client("sts", config=config)

    def wait_for_roles() -> dict[str, Any]:
        if module.check_mode or not module.params["accounts"]:
            return {"changed": False, "proven": [], "unproven": []}
        result = RoleWait(connect(module), module.params, connect_sts).run()
        unproven_rows = [row for row in result["unproven"] if row["reason"] != NOT_THERE_REASON]
        return result | {"warnings": [f"{row['account']}: {row['reason']}" for row in unproven_rows]}

    run(module, wait_for_roles)
