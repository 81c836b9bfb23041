# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kubeconfig a Secret gives, and what in it is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.secret_forms import (
    build_argo_cd_kubeconfig,
    check_kubeconfig,
    list_kubeconfigs,
    read_kubeconfig_text,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.eks_token_commands import parse_token_command
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem


def argo(config: Any) -> dict[str, Any]:
    texts = {"server": "https://shop", "config": config if isinstance(config, str) else json.dumps(config)}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
    return {"metadata": {"namespace": "argocd", "name": "cluster-shop"}, "data": data}


def user_of(config: dict[str, Any]) -> dict[str, Any]:
    return dict(config["users"][0]["user"])


@pytest.mark.parametrize(
    ("config", "user"),
    [
        ({"bearerToken": "t"}, {"token": "t"}),
        ({"username": "u", "password": "p"}, {"username": "u", "password": "p"}),
        (
            {"tlsClientConfig": {"certData": "c", "keyData": "k"}},
            {"client-certificate-data": "c", "client-key-data": "k"},
        ),
    ],
    ids=["token", "login", "certificate"],
)
def test_credentials_of_argo_cd_become_those_of_a_kubeconfig(config: dict[str, Any], user: dict[str, str]) -> None:
    assert user_of(build_argo_cd_kubeconfig(argo(config))) == user


def test_the_trust_of_argo_cd_is_kept() -> None:
    tls = {"caData": "ca", "serverName": "shop", "insecure": False}
    made = build_argo_cd_kubeconfig(argo({"bearerToken": "t", "tlsClientConfig": tls}))
    assert made["clusters"][0]["cluster"] == {
        "server": "https://shop",
        "certificate-authority-data": "ca",
        "tls-server-name": "shop",
    }


def test_an_eks_cluster_of_argo_cd_needs_no_aws_cli() -> None:
    aws = {"clusterName": "bank", "roleARN": "arn", "profile": "prod"}
    command = user_of(build_argo_cd_kubeconfig(argo({"awsAuthConfig": aws})))["exec"]
    assert parse_token_command(command) == {"name": "bank", "role_arn": "arn", "profile": "prod"}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"execProviderConfig": {"command": "/bin/sh"}}, "it names a command, which would run on the controller"),
        ({"bearerToken": "t", "proxyUrl": "http://p"}, "it names a proxy, to which the credentials would be sent"),
        ({}, "it has no credentials of its own"),
        ("no json", "key `config` is no JSON"),
        ([1], "key `config` is no mapping"),
    ],
    ids=["command", "proxy", "nothing", "no JSON", "a list"],
)
def test_what_argo_cd_alone_can_use_is_refused(config: Any, says: str) -> None:
    with pytest.raises(Problem, match=says):
        build_argo_cd_kubeconfig(argo(config))


def test_credentials_go_to_no_other_server_than_that_of_the_secret() -> None:
    secret = argo({"bearerToken": "t"})
    del secret["data"]["server"]
    with pytest.raises(Problem, match="it has no key `server`"):
        build_argo_cd_kubeconfig(secret)


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("user", {"exec": {"command": "sh"}}),
        ("user", {"auth-provider": {}}),
        ("user", {"tokenFile": "/etc/shadow"}),
        ("user", {"client-key": "/etc/pki/key"}),
        ("cluster", {"certificate-authority": "/etc/pki/ca"}),
        ("cluster", {"proxy-url": "http://evil"}),
    ],
)
def test_a_kubeconfig_of_a_secret_names_no_command_and_no_file(kind: str, entry: dict[str, Any]) -> None:
    config = {f"{kind}s": [{"name": "a", kind: {"server": "https://a"} if kind == "cluster" else {"token": "t"}}]}
    assert check_kubeconfig(config, argo({})) == config
    config[f"{kind}s"][0][kind] = entry
    with pytest.raises(Problem, match=f"its kubeconfig has {next(iter(entry))}"):
        check_kubeconfig(config, argo({}))


def test_a_key_of_a_kubeconfig_that_is_no_text_is_refused() -> None:
    with pytest.raises(Problem, match="its kubeconfig has 1, tokenFile, which may reach"):
        check_kubeconfig({"users": [{"user": {"tokenFile": "/etc/shadow", 1: "x"}}]}, argo({}))


@pytest.mark.parametrize("config", [None, "text", ["list"]])
def test_a_kubeconfig_is_a_mapping(config: Any) -> None:
    with pytest.raises(Problem, match="its kubeconfig is no mapping"):
        check_kubeconfig(config, argo({}))


def test_a_secret_of_cluster_api_without_a_kubeconfig_is_told() -> None:
    with pytest.raises(Problem, match="it has no kubeconfig under key `value`"):
        read_kubeconfig_text(argo({}))


def of_cluster_api(name: str, owner: str, namespace: str = "fleet") -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": name, "ownerReferences": [{"uid": owner}] if owner else []}
    return {"metadata": metadata}


def test_the_kubeconfig_for_people_is_no_second_cluster() -> None:
    secrets = [
        of_cluster_api("shop-ca", "a"),
        of_cluster_api("shop-user-kubeconfig", "a"),
        of_cluster_api("shop-kubeconfig", "a"),
        of_cluster_api("bank-kubeconfig", "b"),
        of_cluster_api("bank-user-kubeconfig", "c"),
        of_cluster_api("shop-user-kubeconfig", "a", namespace="other"),
        of_cluster_api("old-kubeconfig", ""),
        of_cluster_api("old-user-kubeconfig", ""),
    ]
    found = [f"{secret['metadata']['namespace']}/{secret['metadata']['name']}" for secret in list_kubeconfigs(secrets)]
    assert found == [
        "fleet/shop-kubeconfig",
        "fleet/bank-kubeconfig",
        "fleet/bank-user-kubeconfig",
        "other/shop-user-kubeconfig",
        "fleet/old-kubeconfig",
        "fleet/old-user-kubeconfig",
    ]
