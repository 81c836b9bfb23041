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

from ..._kube.eks_token import EXISTS_CODES
from ..._otelcol.config.paths import items, section
from ..._otelcol.errors import Problem
from ..trust import AUDIENCE, bare, find, goal, issuer, settings, steps, thumbprints
from .aws_api import AnsibleCallError, Aws, CallErrors, retagged, run

COLLISIONS, COLLISION_PAUSE = 5, 2.0
EMPTY: dict[str, Any] = {"client_ids": [], "thumbprints": [], "tags": {}}


class OidcTask:
    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        self.aws, self.params, self.iam = aws, params, aws.calls("iam")
        self.prints = thumbprints(params["thumbprints"])
        self.url = issuer(params["url"] or self._issuer())

    @CallErrors.common_error_handler("describe the cluster")
    def _issuer(self) -> str:
        cluster = self.aws.calls("eks")("describe_cluster", name=self.params["cluster_name"])["cluster"]
        found = section(cluster, "identity", "oidc").get("issuer")
        if not found:
            fix = "Wait until it is ACTIVE; clusters that are only connected to EKS have none."
            raise Problem("it has no issuer", asked=f"Read the issuer of {self.params['cluster_name']}", fix=fix)
        return str(found)

    def run(self) -> dict[str, Any]:
        arn, live = self._read()
        return self._absent(arn, live) if self.params["state"] == "absent" else self._present(arn, live)

    @CallErrors.common_error_handler("list the OIDC providers")
    def _arns(self) -> list[str]:
        return [item["Arn"] for item in self.iam("list_open_id_connect_providers")["OpenIDConnectProviderList"]]

    def _read(self) -> tuple[str, dict[str, Any]]:
        arn = find(self._arns(), self.url)
        return (arn, self._provider(arn)) if arn else ("", {})

    @CallErrors.list_error_handler("read the OIDC provider", {})
    def _provider(self, arn: str) -> dict[str, Any]:
        found = self.iam("get_open_id_connect_provider", OpenIDConnectProviderArn=arn)
        return settings(found, boto3_tag_list_to_ansible_dict(items(found, "Tags")))

    def _present(self, arn: str, live: dict[str, Any], tries: int = COLLISIONS) -> dict[str, Any]:
        wanted = self._goal(live or EMPTY | {"url": self.url})
        if live:
            return self._updated(arn, live, wanted)
        if self.aws.check:
            return self._result(arn, {}, wanted, changed=True)
        try:
            arn = self._create(wanted)
        except AnsibleCallError as error:
            if error.answer.code not in EXISTS_CODES or not tries:
                raise
            # Another owner made it, or an earlier call whose answer was lost; lists of IAM lag behind.
            self.iam.sleep(COLLISION_PAUSE)
            return self._present(*self._read(), tries - 1)
        return self._result(arn, {}, self._provider(arn) or wanted, changed=True)

    def _updated(self, arn: str, live: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
        changed = bool(steps(live, wanted))
        if changed and not self.aws.check:
            self._change(arn, live, wanted)
        return self._result(arn, live, wanted, changed=changed)

    def _goal(self, live: Mapping[str, Any]) -> dict[str, Any]:
        asked = self.params
        client_ids = asked["client_ids"]
        tags = retagged(live["tags"], asked)
        purge = asked["purge_client_ids"] and client_ids is not None
        return goal(live, [AUDIENCE] if client_ids is None else client_ids, self.prints, tags, purge=purge)

    @CallErrors.common_error_handler("create the OIDC provider")
    def _create(self, wanted: dict[str, Any]) -> str:
        request: dict[str, Any] = {"Url": self.url, "ClientIDList": wanted["client_ids"]}
        if self.prints is not None:
            request["ThumbprintList"] = self.prints
        if wanted["tags"]:
            request["Tags"] = ansible_dict_to_boto3_tag_list(wanted["tags"])
        return str(self.iam("create_open_id_connect_provider", **request)["OpenIDConnectProviderArn"])

    @CallErrors.common_error_handler("change the OIDC provider")
    def _change(self, arn: str, live: dict[str, Any], wanted: dict[str, Any]) -> None:
        for step in steps(live, wanted):
            self.iam(step.operation, OpenIDConnectProviderArn=arn, **step.parameters)

    def _absent(self, arn: str, live: dict[str, Any]) -> dict[str, Any]:
        if arn and not self.aws.check:
            self._delete(arn)
        return self._result(arn, live, {}, changed=bool(arn))

    @CallErrors.deletion_error_handler("delete the OIDC provider")
    def _delete(self, arn: str) -> None:
        self.iam("delete_open_id_connect_provider", OpenIDConnectProviderArn=arn)

    def _result(self, arn: str, before: dict[str, Any], after: dict[str, Any], *, changed: bool) -> dict[str, Any]:
        provider = {"arn": arn, "url": self.url, "issuer": bare(self.url), **EMPTY, **after} if after else {}
        return {"changed": changed, "provider": provider, "diff": {"before": before, "after": after}}


def run_oidc(module: AnsibleAWSModule) -> None:
    run(module, lambda aws: OidcTask(aws, module.params).run())
