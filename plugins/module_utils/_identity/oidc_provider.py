# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OIDC provider of IAM for the issuer of a cluster's tokens: its settings, and the calls that change them. Private.

IAM trusts the tokens of a cluster if it has an OIDC provider for their issuer. `live/oidc.py` reads and changes it for
module iam_oidc_provider; roles of provider `irsa` need it (trust.py). An audience, or client ID, is whom a token is
for. For example, the calls for a provider that lacks the audience of EKS:

    [IamCall("add_client_id_to_open_id_connect_provider", {"ClientID": "sts.amazonaws.com"})]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.errors import Problem
from .iam_calls import IamCall, list_tag_changes, tag_list

# The SHA-1 of a certificate. Source of both: CreateOpenIDConnectProvider in the IAM API reference.
THUMBPRINT = re.compile(r"[0-9a-fA-F]{40}\Z")
MOST_THUMBPRINTS = 5
# What to do about a cluster without an issuer.
NO_ISSUER_FIX = "Wait until it is ACTIVE; clusters that are only connected to EKS have none."


class ProviderSettings(TypedDict):
    """An OIDC provider as it is, or as it shall be. It is a part of the result of module iam_oidc_provider."""

    url: str
    """The URL of the issuer, with https://."""
    client_ids: list[str]
    """The audiences whose tokens it accepts."""
    thumbprints: list[str]
    tags: dict[str, str]


def normalize_issuer(url: str) -> str:
    """Return the URL of an issuer as IAM compares it: with https:// and without a slash at its end.

    Raises Problem for a URL that IAM does not take.
    """
    scheme, separator, url_path = url.partition("://")
    if not separator:
        scheme, url_path = "https", url
    host = url_path.split("/", 1)[0]
    has_refused_character = any(character in url_path for character in "?#@ ")
    if scheme.lower() != "https" or not host or has_refused_character or ":" in host:
        wrong = f"'{url}' is not the URL of an issuer: IAM accepts https, without port, query or user"
        fix = "Give the issuer, such as https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE."
        raise Problem(wrong, asked="Register an OIDC provider", where="url", fix=fix)
    return "https://" + url_path.rstrip("/")


def find_issuer(eks_cluster: Mapping[str, Any]) -> str:
    """Return the URL of a cluster's issuer, by the answer of DescribeCluster; empty if the cluster has none."""
    return str(mapping_at(eks_cluster, "identity", "oidc").get("issuer") or "")


def strip_scheme(url: str) -> str:
    """Return the URL of an issuer without its scheme, as ARNs and trust policies have it."""
    return url.partition("://")[2]


def find_provider_arn(arns: Iterable[str], url: str) -> str:
    """Return the ARN of an issuer's provider among the ARNs of all providers; an empty text if there is none."""
    issuer_path = strip_scheme(url)
    for arn in arns:
        if arn.partition(":oidc-provider/")[2] == issuer_path:
            return arn
    return ""


def normalize_thumbprints(fingerprints: Iterable[str] | None) -> list[str] | None:
    """Return thumbprints as IAM keeps them, in small letters without colons; None leaves them to AWS.

    Raises Problem for invalid ones.
    """
    if fingerprints is None:
        return None
    normalized = sorted({str(fingerprint).replace(":", "").lower() for fingerprint in fingerprints})
    malformed = [fingerprint for fingerprint in normalized if not THUMBPRINT.match(fingerprint)]
    fault = ""
    if malformed:
        fault = f"'{malformed[0]}' has no 40 hexadecimal digits"
    elif len(normalized) > MOST_THUMBPRINTS:
        fault = f"there are more than {MOST_THUMBPRINTS}"
    if fault:
        fix = "Leave thumbprints out: AWS checks issuers with public certificates by its own CAs, and fills them in."
        raise Problem(fault, asked="Set thumbprints", where="thumbprints", fix=fix)
    return normalized


def provider_settings(provider: Mapping[str, Any], tags: Mapping[str, str]) -> ProviderSettings:
    """Return the settings of a provider. `provider` is the answer of GetOpenIDConnectProvider."""
    return {
        "url": "https://" + str(provider.get("Url", "")),
        "client_ids": sorted(list_at(provider, "ClientIDList")),
        "thumbprints": sorted(str(thumbprint).lower() for thumbprint in list_at(provider, "ThumbprintList")),
        "tags": dict(tags),
    }


def plan_provider(
    live_provider: ProviderSettings,
    client_ids: Iterable[str],
    thumbprints_to_set: list[str] | None,
    tags: Mapping[str, str] | None,
    *,
    purges_others: bool,
) -> ProviderSettings:
    """Return the settings that the provider shall have. None leaves thumbprints or tags unchanged.

    `purges_others` removes the audiences that others added.
    """
    kept_client_ids = set() if purges_others else set(live_provider["client_ids"])
    return {
        "url": live_provider["url"],
        "client_ids": sorted({*client_ids} | kept_client_ids),
        "thumbprints": live_provider["thumbprints"] if thumbprints_to_set is None else thumbprints_to_set,
        "tags": live_provider["tags"] if tags is None else dict(tags),
    }


def plan_provider_calls(live_provider: ProviderSettings, target: ProviderSettings) -> list[IamCall]:
    """Return the calls that turn the live settings of a provider into the target settings.

    Audiences are added before others are removed, so that IAM refuses no token meanwhile.
    """
    calls = []
    for client_id in target["client_ids"]:
        if client_id not in live_provider["client_ids"]:
            calls.append(IamCall("add_client_id_to_open_id_connect_provider", {"ClientID": client_id}))
    for client_id in live_provider["client_ids"]:
        if client_id not in target["client_ids"]:
            calls.append(IamCall("remove_client_id_from_open_id_connect_provider", {"ClientID": client_id}))
    if target["thumbprints"] != live_provider["thumbprints"]:
        thumbprint_list = {"ThumbprintList": list(target["thumbprints"])}
        calls.append(IamCall("update_open_id_connect_provider_thumbprint", thumbprint_list))
    changed_tags, removed_keys = list_tag_changes(live_provider["tags"], target["tags"])
    if changed_tags:
        calls.append(IamCall("tag_open_id_connect_provider", {"Tags": tag_list(changed_tags)}))
    if removed_keys:
        calls.append(IamCall("untag_open_id_connect_provider", {"TagKeys": removed_keys}))
    return calls
