# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM OIDC provider of an issuer, adopted where it is there already. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

from ..._kube.aws_failures import EXISTS_CODES
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import Problem
from ..trust import (
    AUDIENCE,
    find_provider_arn,
    normalize_issuer,
    normalize_thumbprints,
    plan_provider,
    plan_steps,
    provider_settings,
    strip_scheme,
)
from .aws_api import AnsibleCallError, Aws, CallErrors, merge_task_tags, run

COLLISIONS, COLLISION_PAUSE = 5, 2.0
EMPTY_PROVIDER: dict[str, Any] = {"client_ids": [], "thumbprints": [], "tags": {}}


class OidcTask:
    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        self.aws, self.params, self.iam = aws, params, aws.calls("iam")
        self.prints = normalize_thumbprints(params["thumbprints"])
        self.url = normalize_issuer(params["url"] or self._read_issuer())

    @CallErrors.common_error_handler("describe the cluster")
    def _read_issuer(self) -> str:
        cluster = self.aws.calls("eks")("describe_cluster", name=self.params["cluster_name"])["cluster"]
        issuer_url = mapping_at(cluster, "identity", "oidc").get("issuer")
        if not issuer_url:
            fix = "Wait until it is ACTIVE; clusters that are only connected to EKS have none."
            raise Problem("it has no issuer", asked=f"Read the issuer of {self.params['cluster_name']}", fix=fix)
        return str(issuer_url)

    def run(self) -> dict[str, Any]:
        arn, live_provider = self._read_live_provider()
        return (
            self._ensure_absent(arn, live_provider)
            if self.params["state"] == "absent"
            else self._ensure_present(arn, live_provider)
        )

    @CallErrors.common_error_handler("list the OIDC providers")
    def _list_arns(self) -> list[str]:
        return [provider["Arn"] for provider in self.iam("list_open_id_connect_providers")["OpenIDConnectProviderList"]]

    def _read_live_provider(self) -> tuple[str, dict[str, Any]]:
        arn = find_provider_arn(self._list_arns(), self.url)
        return (arn, self._read_provider(arn)) if arn else ("", {})

    @CallErrors.list_error_handler("read the OIDC provider", {})
    def _read_provider(self, arn: str) -> dict[str, Any]:
        answer = self.iam("get_open_id_connect_provider", OpenIDConnectProviderArn=arn)
        return provider_settings(answer, boto3_tag_list_to_ansible_dict(list_at(answer, "Tags")))

    def _ensure_present(self, arn: str, live_provider: dict[str, Any], tries_left: int = COLLISIONS) -> dict[str, Any]:
        target = self._target_provider(live_provider or EMPTY_PROVIDER | {"url": self.url})
        if live_provider:
            return self._update_provider(arn, live_provider, target)
        if self.aws.check:
            return self._task_result(arn, {}, target, changed=True)
        try:
            arn = self._create_provider(target)
        except AnsibleCallError as error:
            if error.answer.code not in EXISTS_CODES or not tries_left:
                raise
            # Another owner made it, or an earlier call whose answer was lost; lists of IAM lag behind.
            self.iam.sleep(COLLISION_PAUSE)
            return self._ensure_present(*self._read_live_provider(), tries_left - 1)
        return self._task_result(arn, {}, self._read_provider(arn) or target, changed=True)

    def _update_provider(self, arn: str, live_provider: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
        changed = bool(plan_steps(live_provider, target))
        if changed and not self.aws.check:
            self._change_provider(arn, live_provider, target)
        return self._task_result(arn, live_provider, target, changed=changed)

    def _target_provider(self, live_provider: Mapping[str, Any]) -> dict[str, Any]:
        params = self.params
        client_ids = params["client_ids"]
        tags = merge_task_tags(live_provider["tags"], params)
        purges_others = params["purge_client_ids"] and client_ids is not None
        return plan_provider(
            live_provider,
            [AUDIENCE] if client_ids is None else client_ids,
            self.prints,
            tags,
            purges_others=purges_others,
        )

    @CallErrors.common_error_handler("create the OIDC provider")
    def _create_provider(self, target: dict[str, Any]) -> str:
        request: dict[str, Any] = {"Url": self.url, "ClientIDList": target["client_ids"]}
        if self.prints is not None:
            request["ThumbprintList"] = self.prints
        if target["tags"]:
            request["Tags"] = ansible_dict_to_boto3_tag_list(target["tags"])
        return str(self.iam("create_open_id_connect_provider", **request)["OpenIDConnectProviderArn"])

    @CallErrors.common_error_handler("change the OIDC provider")
    def _change_provider(self, arn: str, live_provider: dict[str, Any], target: dict[str, Any]) -> None:
        for step in plan_steps(live_provider, target):
            self.iam(step.operation, OpenIDConnectProviderArn=arn, **step.parameters)

    def _ensure_absent(self, arn: str, live_provider: dict[str, Any]) -> dict[str, Any]:
        if arn and not self.aws.check:
            self._delete_provider(arn)
        return self._task_result(arn, live_provider, {}, changed=bool(arn))

    @CallErrors.deletion_error_handler("delete the OIDC provider")
    def _delete_provider(self, arn: str) -> None:
        self.iam("delete_open_id_connect_provider", OpenIDConnectProviderArn=arn)

    def _task_result(
        self, arn: str, earlier_provider: dict[str, Any], later_provider: dict[str, Any], *, changed: bool
    ) -> dict[str, Any]:
        provider = (
            {"arn": arn, "url": self.url, "issuer": strip_scheme(self.url), **EMPTY_PROVIDER, **later_provider}
            if later_provider
            else {}
        )
        return {"changed": changed, "provider": provider, "diff": {"before": earlier_provider, "after": later_provider}}


def run_oidc(module: AnsibleAWSModule) -> None:
    run(module, lambda aws: OidcTask(aws, module.params).run())
