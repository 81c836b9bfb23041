# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connections are plain, what is read of them, and what is left to the Kubernetes client."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.kubeconfig import (
    PlainConnection,
    find_plain_connection,
)

from tests.support.cases import cases

DATA = base64.b64encode(b"pem").decode()


def config(user: Any = None, **cluster: Any) -> dict[str, Any]:
    contexts = {"one": {"cluster": "c", "user": "u"}, "two": {"cluster": "d", "user": "u"}}
    clusters = {"c": {"server": "https://c:6443/"} | cluster, "d": {"server": "https://d"}}
    return {
        "current-context": "one",
        "contexts": [{"name": name, "context": context} for name, context in contexts.items()],
        "clusters": [{"name": name, "cluster": cluster} for name, cluster in clusters.items()],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
    }


def read(params: dict[str, Any], environ: dict[str, str] | None = None) -> PlainConnection | None:
    return find_plain_connection(
        params, environ or {}, AUTH_ARG_MAP, yaml.safe_load, lambda content: f"kept {content.decode()}"
    )


CERTIFICATE = {"client-certificate-data": DATA, "client-key-data": DATA}
KEYS = {"client_cert": "/c", "client_key": "/k"}
KEPT = PlainConnection("https://c:6443", ca_file="kept pem", cert_file="kept pem", key_file="kept pem")
DIRECT = {"host": "https://a/", "api_key": "t"}


@cases(
    "params, found",
    (DIRECT, PlainConnection("https://a", "t")),
    (
        DIRECT | {"validate_certs": False, "ca_cert": "/ca"},
        PlainConnection("https://a", "t", verifies_server=False, ca_file="/ca"),
    ),
    ({"host": "https://a", **KEYS}, PlainConnection("https://a", cert_file="/c", key_file="/k")),
    ({"kubeconfig": config()}, PlainConnection("https://c:6443", "t")),
    ({"kubeconfig": config(), "context": "two"}, PlainConnection("https://d", "t")),
    ({"kubeconfig": config(), "host": "https://b"}, PlainConnection("https://b", "t")),
    ({"kubeconfig": config(), "api_key": "mine"}, PlainConnection("https://c:6443", "mine")),
    ({"kubeconfig": config(CERTIFICATE, **{"certificate-authority-data": DATA})}, KEPT),
    (
        {"kubeconfig": config(**{"insecure-skip-tls-verify": True})},
        PlainConnection("https://c:6443", "t", verifies_server=False),
    ),
    ({"kubeconfig": config({"exec": {"command": "aws"}})}, None),
    ({"kubeconfig": config({"auth-provider": {}})}, None),
    ({"kubeconfig": config({"username": "a", "password": "b"})}, None),
    ({"kubeconfig": config(**{"proxy-url": "http://p"})}, None),
    ({"kubeconfig": config(), "context": "absent"}, None),
    ({"kubeconfig": {}}, None),
    ({"kubeconfig": "/absent"}, None),
    ({"kubeconfig": "~nosuchuser/config"}, None),
    (DIRECT | {"impersonate_user": "x"}, None),
    (DIRECT | {"proxy": "http://p"}, None),
)
def test_what_is_plain(params: Any, found: PlainConnection | None) -> None:
    assert read(params) == found


@cases("value, is_plain", ("false", False), ("0", False), ("true", True), ("", True))
def test_a_switch_leaves_all_connections_to_the_client(value: str, is_plain: bool) -> None:
    assert (read(DIRECT, {"O11Y_PLAIN_CONNECTION": value}) is not None) == is_plain


def test_a_file_is_found_as_kubectl_finds_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config({"tokenFile": "token"}, **{"certificate-authority": "ca.crt"})))
    found = PlainConnection("https://c:6443", "from-file", ca_file=str(tmp_path / "ca.crt"))
    assert read({}, {"KUBECONFIG": str(path)}) == found
    assert read({}, {"K8S_AUTH_KUBECONFIG": str(path)}) == found
    assert read({"kubeconfig": str(path)}) == found
    assert read({}, {"KUBECONFIG": f"{path}:/other"}) is None


def test_the_environment_stands_in_for_options() -> None:
    environ = {"K8S_AUTH_HOST": "https://a", "K8S_AUTH_API_KEY": "t", "K8S_AUTH_VERIFY_SSL": "no"}
    assert read({}, environ) == PlainConnection("https://a", "t", verifies_server=False)


@cases("environ, is_plain", ({"HTTPS_PROXY": "http://p"}, False), ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True))
def test_what_the_machine_says_beside(environ: dict[str, str], is_plain: bool) -> None:
    assert bool(read(DIRECT, environ)) is is_plain


def test_a_pod_without_options_uses_its_own_account(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config()))
    inside = {"KUBECONFIG": str(path), "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert read({}, inside) is None
    assert read({"context": "one"}, inside) == PlainConnection("https://c:6443", "t")
