# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module iam_oidc_provider: the OIDC provider of IAM for the issuer of a cluster. Private.

An issuer has at most one provider. One that another owner made is used, and changed only as far as the task says. The
result has the provider after the task, for example:

    provider: {arn: "arn:aws:iam::123456789012:oidc-provider/oidc.eks…/id/A", client_ids: [sts.amazonaws.com], …}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

from ..._otelcol.config.paths import list_at
from ..._otelcol.errors import Problem
from ..iam_calls import IamCall
from ..oidc_provider import (
    NO_ISSUER_FIX,
    ProviderSettings,
    find_issuer,
    find_provider_arn,
    normalize_issuer,
    normalize_thumbprints,
    plan_provider,
    plan_provider_calls,
    provider_settings,
    strip_scheme,
)
from ..trust import AUDIENCE
from .aws_changes import begin_anew_on_collision, merge_task_tags
from .aws_task import Aws, run
from .call_errors import CallErrors


class LiveProvider(NamedTuple):
    """The provider of the issuer in IAM."""

    arn: str = ""
    """Empty if there is none."""
    settings: ProviderSettings | None = None
    """None if there is none, or if it was deleted meanwhile."""


class OidcTask:
    """One run of the module. In check mode it reads and changes nothing."""

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        """Take the parameters of the module. Raises Problem for those that IAM does not take."""
        self.aws, self.params, self.iam = aws, params, aws.calls("iam")
        self.thumbprints = normalize_thumbprints(params["thumbprints"])
        self.url = normalize_issuer(params["url"] or self._read_issuer())

    def run(self) -> dict[str, Any]:
        """Make or delete the provider, and return the result of the task."""
        if self.params["state"] == "absent":
            return self._ensure_absent()
        # Lists of IAM lag behind, so creation may find a provider that was not listed.
        return begin_anew_on_collision(self.iam, self._ensure_present)

    @CallErrors.common_error_handler("describe the cluster")
    def _read_issuer(self) -> str:
        """Return the URL of the cluster's issuer. Raises Problem if the cluster has none."""
        cluster = self.aws.calls("eks")("describe_cluster", name=self.params["cluster_name"])["cluster"]
        issuer_url = find_issuer(cluster)
        if not issuer_url:
            task = f"Read the issuer of {self.params['cluster_name']}"
            raise Problem("it has no issuer", asked=task, fix=NO_ISSUER_FIX)
        return issuer_url

    @CallErrors.common_error_handler("list the OIDC providers")
    def _list_arns(self) -> list[str]:
        return [provider["Arn"] for provider in self.iam("list_open_id_connect_providers")["OpenIDConnectProviderList"]]

    def _read_live_provider(self) -> LiveProvider:
        """Return the provider of the issuer as it is now."""
        arn = find_provider_arn(self._list_arns(), self.url)
        return LiveProvider(arn, self._read_settings(arn)) if arn else LiveProvider()

    @CallErrors.list_error_handler("read the OIDC provider")
    def _read_settings(self, arn: str) -> ProviderSettings | None:
        """Return the settings of a provider; None if it was deleted meanwhile."""
        answer = self.iam("get_open_id_connect_provider", OpenIDConnectProviderArn=arn)
        return provider_settings(answer, boto3_tag_list_to_ansible_dict(list_at(answer, "Tags")))

    def _ensure_present(self) -> dict[str, Any]:
        """Create or update the provider, and return the result of the task."""
        arn, live_settings = self._read_live_provider()
        if live_settings:
            return self._update_provider(arn, live_settings, self._plan_settings(live_settings))
        target = self._plan_settings({"client_ids": [], "thumbprints": [], "tags": {}, "url": self.url})
        if self.aws.check:
            return self._task_result(arn, None, target, changed=True)
        arn = self._create_provider(target)
        return self._task_result(arn, None, self._read_settings(arn) or target, changed=True)

    def _update_provider(self, arn: str, live_settings: ProviderSettings, target: ProviderSettings) -> dict[str, Any]:
        """Change what differs from the target settings, and return the result of the task."""
        calls = plan_provider_calls(live_settings, target)
        if calls and not self.aws.check:
            self._make_calls(arn, calls)
        return self._task_result(arn, live_settings, target, changed=bool(calls))

    def _plan_settings(self, live_settings: ProviderSettings) -> ProviderSettings:
        """Return the settings that the provider shall have. Without audiences in the task, it has that of EKS."""
        client_ids = self.params["client_ids"]
        return plan_provider(
            live_settings,
            [AUDIENCE] if client_ids is None else client_ids,
            self.thumbprints,
            merge_task_tags(live_settings["tags"], self.params),
            purges_others=self.params["purge_client_ids"] and client_ids is not None,
        )

    @CallErrors.common_error_handler("create the OIDC provider")
    def _create_provider(self, target: ProviderSettings) -> str:
        """Create the provider, and return its ARN."""
        request: dict[str, Any] = {"Url": self.url, "ClientIDList": target["client_ids"]}
        if self.thumbprints is not None:
            request["ThumbprintList"] = self.thumbprints
        if target["tags"]:
            request["Tags"] = ansible_dict_to_boto3_tag_list(target["tags"])
        return str(self.iam("create_open_id_connect_provider", **request)["OpenIDConnectProviderArn"])

    @CallErrors.common_error_handler("change the OIDC provider")
    def _make_calls(self, arn: str, calls: list[IamCall]) -> None:
        for call in calls:
            self.iam(call.operation, OpenIDConnectProviderArn=arn, **call.parameters)

    def _ensure_absent(self) -> dict[str, Any]:
        """Delete the provider if there is one, and return the result of the task."""
        live_provider = self._read_live_provider()
        arn = live_provider.arn
        if arn and not self.aws.check:
            self._delete_provider(arn)
        return self._task_result(arn, live_provider.settings, None, changed=bool(arn))

    @CallErrors.deletion_error_handler("delete the OIDC provider")
    def _delete_provider(self, arn: str) -> None:
        self.iam("delete_open_id_connect_provider", OpenIDConnectProviderArn=arn)

    def _task_result(
        self,
        arn: str,
        earlier_settings: ProviderSettings | None,
        later_settings: ProviderSettings | None,
        *,
        changed: bool,
    ) -> dict[str, Any]:
        """Return the result of the task: the provider after it, and the difference. None stands for no provider."""
        provider = {}
        if later_settings:
            provider = {"arn": arn, "url": self.url, "issuer": strip_scheme(self.url), **later_settings}
        return {
            "changed": changed,
            "provider": provider,
            "diff": {"before": earlier_settings or {}, "after": later_settings or {}},
        }


def run_oidc(module: AnsibleAWSModule) -> None:
    """Run the module iam_oidc_provider, and exit with its result or failure."""
    run(module, lambda aws: OidcTask(aws, module.params).run())
