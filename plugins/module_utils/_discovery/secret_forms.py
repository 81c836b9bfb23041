# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Argo CD and Cluster API keep the credentials of a cluster in a Secret. Private.

`live/cluster_sources.py` finds the Secrets by the label of their form. When a task connects, it makes a kubeconfig:

| form | label of the Secret | its data | kubeconfig |
|---|---|---|---|
| ARGO_CD | `argocd.argoproj.io/secret-type: cluster` | `name`, `server`, and `config` as JSON | is built of these |
| CLUSTER_API | `cluster.x-k8s.io/cluster-name: NAME` | `value` | is `value`, if it has no other keys than known ones |

Who may write Secrets in that cluster is not trusted on the controller, where Ansible runs: a kubeconfig can name
commands to run and files to send. Here no kubeconfig gets such a field from a Secret.

Sources: docs/operator-manual/declarative-setup.md of Argo CD (Clusters), and
docs/book/src/developer/providers/contracts of Cluster API (kubeconfig Secret).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.config.paths import list_at, mapping_at, mappings_at
from .._otelcol.errors import Problem

# The name of the one cluster, user and context of a kubeconfig that is built here.
_CONTEXT = "cluster"
# What a kubeconfig of a Secret may have: texts, and no path, command or proxy.
_CLUSTER_KEYS = frozenset({"server", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name"})
# How the names of Secrets of Cluster API end that have a kubeconfig, and of those that have one for people.
_KUBECONFIG_ENDING = "-kubeconfig"
_USER_ENDING = "-user-kubeconfig"
_KUBECONFIG_ADVICE = "Give that cluster to the inventory by a kubeconfig of the controller."
_USER_KEYS = frozenset({"token", "username", "password", "client-certificate-data", "client-key-data"})


@dataclass(frozen=True)
class SecretForm:
    """A form of Secrets with the credentials of a cluster."""

    name: str
    """The name of the tool, as sources have it: `argo_cd` or `cluster_api`."""
    label: str
    """The label by which the Secrets are found."""
    value: str = ""
    """The value of that label; empty if each Secret has another one."""

    @property
    def label_selector(self) -> str:
        return f"{self.label}={self.value}" if self.value else self.label

    def read_key_text(self, secret: Mapping[str, Any], key: str) -> str:
        """Return a text of the Secret; empty without it. Raises Problem if it is no base64."""
        encoded_text = mapping_at(secret, "data").get(key) or ""
        try:
            return base64.b64decode(encoded_text, validate=True).decode()
        except (binascii.Error, ValueError):
            raise Problem(f"key {key} is no text in base64", where=describe_secret(secret)) from None


ARGO_CD = SecretForm("argo_cd", "argocd.argoproj.io/secret-type", "cluster")
CLUSTER_API = SecretForm("cluster_api", "cluster.x-k8s.io/cluster-name")
FORM_BY_NAME = {form.name: form for form in (ARGO_CD, CLUSTER_API)}


def describe_secret(secret: Mapping[str, Any]) -> str:
    """Return the name of a Secret, as messages say it."""
    metadata = mapping_at(secret, "metadata")
    return f"Secret {metadata.get('namespace')}/{metadata.get('name')}"


def list_kubeconfigs(secrets: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the Secrets of Cluster API that have the kubeconfig of a cluster, one for each cluster.

    Providers of managed clusters, such as those of EKS and GKE, make `NAME-user-kubeconfig` beside `NAME-kubeconfig`,
    for people: its kubeconfig runs a command. Both have the same owner, and another cluster has another one.
    """
    kubeconfigs = [secret for secret in secrets if secret["metadata"]["name"].endswith(_KUBECONFIG_ENDING)]
    owners_by_title = {describe_secret(secret): _list_owners(secret) for secret in kubeconfigs}
    kubeconfigs_of_clusters = []
    for secret in kubeconfigs:
        own_title = describe_secret(secret)
        first_title = f"{own_title.removesuffix(_USER_ENDING)}{_KUBECONFIG_ENDING}"
        is_for_people = own_title.endswith(_USER_ENDING) and bool(
            owners_by_title[own_title] & owners_by_title.get(first_title, set())
        )
        if not is_for_people:
            kubeconfigs_of_clusters.append(secret)
    return kubeconfigs_of_clusters


def _list_owners(secret: Mapping[str, Any]) -> set[str]:
    """Return the uids of the owners of a Secret."""
    return {str(owner.get("uid")) for owner in mappings_at(secret, "metadata", "ownerReferences")}


def read_kubeconfig_text(secret: Mapping[str, Any]) -> str:
    """Return the kubeconfig of a Secret of Cluster API, which is YAML. Raises Problem without it."""
    text = CLUSTER_API.read_key_text(secret, "value")
    if not text:
        raise Problem("it has no kubeconfig under key `value`", where=describe_secret(secret))
    return text


def check_kubeconfig(config: Any, secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kubeconfig of a Secret. Raises Problem if it names a command or a file of the controller.

    Who may write Secrets in that cluster could otherwise run commands on the controller, or have its files sent away.
    Keys that are not known are refused, and not only the dangerous ones, since a later kubectl may have more of these.
    """
    if not isinstance(config, dict):
        raise Problem("its kubeconfig is no mapping", where=describe_secret(secret))
    for kind, allowed_keys in (("cluster", _CLUSTER_KEYS), ("user", _USER_KEYS)):
        for row in list_at(config, f"{kind}s"):
            refused_keys = sorted(str(key) for key in set(mapping_at(row, kind)) - allowed_keys)
            if refused_keys:
                wrong = f"its kubeconfig has {', '.join(refused_keys)}, which may reach what is on the controller"
                raise Problem(wrong, where=describe_secret(secret), fix=_KUBECONFIG_ADVICE)
    return config


def build_argo_cd_kubeconfig(secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kubeconfig with what Argo CD uses.

    Raises Problem for credentials that only Argo CD can make, and for a Secret without a server: a client would send
    the credentials to the one that it takes by default.
    """
    try:
        config = parse_json(ARGO_CD.read_key_text(secret, "config") or "{}")
    except ValueError:
        raise Problem("key `config` is no JSON", where=describe_secret(secret)) from None
    if not isinstance(config, dict):
        raise Problem("key `config` is no mapping", where=describe_secret(secret))
    server = ARGO_CD.read_key_text(secret, "server")
    if not server:
        raise Problem("it has no key `server`", where=describe_secret(secret))
    if config.get("proxyUrl"):  # without it, another server may have this address
        wrong = "it names a proxy, to which the credentials would be sent"
        raise Problem(wrong, where=describe_secret(secret), fix=_KUBECONFIG_ADVICE)
    tls_config = mapping_at(config, "tlsClientConfig")
    cluster = {
        "server": server,
        "insecure-skip-tls-verify": bool(tls_config.get("insecure")),
        "certificate-authority-data": tls_config.get("caData"),
        "tls-server-name": tls_config.get("serverName"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _CONTEXT, "cluster": _omit_empty(cluster)}],
        "users": [{"name": _CONTEXT, "user": _read_user(secret, config)}],
        "contexts": [{"name": _CONTEXT, "context": {"cluster": _CONTEXT, "user": _CONTEXT}}],
        "current-context": _CONTEXT,
    }


def _read_user(secret: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user of the kubeconfig, by the credentials that the Secret has."""
    aws_config = mapping_at(config, "awsAuthConfig")
    if aws_config:
        return {"exec": _build_aws_command(aws_config)}
    if config.get("execProviderConfig"):
        wrong = "it names a command, which would run on the controller"
        raise Problem(wrong, where=describe_secret(secret), fix=_KUBECONFIG_ADVICE)
    tls_config = mapping_at(config, "tlsClientConfig")
    user = _omit_empty(
        {
            "token": config.get("bearerToken"),
            "username": config.get("username"),
            "password": config.get("password"),
            "client-certificate-data": tls_config.get("certData"),
            "client-key-data": tls_config.get("keyData"),
        }
    )
    if not user:
        wrong = "it has no credentials of its own: Argo CD uses those of its pod"
        raise Problem(wrong, where=describe_secret(secret), fix=_KUBECONFIG_ADVICE)
    return user


def _build_aws_command(aws_config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `aws eks update-kubeconfig` writes.

    It is no command of the Secret's: the Secret gives arguments alone, and this collection makes the token itself.
    """
    arguments = ["eks", "get-token", "--cluster-name", str(aws_config.get("clusterName", ""))]
    if aws_config.get("roleARN"):
        arguments += ["--role-arn", str(aws_config["roleARN"])]
    environment = [{"name": "AWS_PROFILE", "value": str(aws_config["profile"])}] if aws_config.get("profile") else []
    command = {"command": "aws", "args": arguments, "env": environment}
    return {"apiVersion": "client.authentication.k8s.io/v1beta1", **_omit_empty(command)}


def _omit_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}
