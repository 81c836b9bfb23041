# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to an EKS cluster: a token that an authenticator accepts, and only the cluster that AWS names."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import connect, eks_access
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support.cases import cases
from tests.testbed.aws.server import AwsServer, run_in_thread, send_order
from tests.testbed.aws.world import World

from .tls_api import TlsApi, certificate, serving

KEY, SECRET = "AKIDTESTBED", "secret-of-the-testbed"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials by the environment, as AWX gives them, and nothing of this machine."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("NO_PROXY", "*")


def decoded(token: str) -> str:
    text = token.removeprefix("k8s-aws-v1.")
    assert text != token
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def signature_for(url: str, secret: str, cluster: str) -> str:
    """Return the signature that STS would count for this URL and header, by the rules of Signature Version 4."""
    parts = urlsplit(url)
    query = {key: value for key, value in parse_qsl(parts.query) if key != "X-Amz-Signature"}
    canonical_query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items()))
    headers = f"host:{parts.netloc}\nx-k8s-aws-id:{cluster}\n"
    empty = hashlib.sha256(b"").hexdigest()
    request = "\n".join(["GET", parts.path, canonical_query, headers, query["X-Amz-SignedHeaders"], empty])
    scope = query["X-Amz-Credential"].split("/", 1)[1]
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@cases(
    "region, host",
    ("eu-west-1", "sts.eu-west-1.amazonaws.com"),
    ("us-east-1", "sts.us-east-1.amazonaws.com"),
    ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
    ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
)
def test_a_token_is_what_the_authenticator_accepts(region: str, host: str) -> None:
    token = eks_access.create_renewed_token({"name": "prod", "region": region}, lambda: 0.0)()
    url = decoded(token)
    query = dict(parse_qsl(urlsplit(url).query))
    assert len(token) < 4096
    assert (urlsplit(url).scheme, urlsplit(url).netloc, urlsplit(url).path) == ("https", host, "/")
    assert (query["Action"], query["Version"]) == ("GetCallerIdentity", "2011-06-15")
    assert "x-k8s-aws-id" in query["X-Amz-SignedHeaders"].split(";")
    assert 0 < int(query["X-Amz-Expires"]) <= 900
    assert query["X-Amz-Credential"].startswith(f"{KEY}/")
    assert query["X-Amz-Signature"] == signature_for(url, SECRET, "prod")
    assert query["X-Amz-Signature"] != signature_for(url, SECRET, "staging"), "it is worth nothing at another cluster"


def test_the_region_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert "sts.eu-central-1." in decoded(eks_access.create_renewed_token({"name": "prod"}, lambda: 0.0)())


@pytest.fixture(scope="module")
def server() -> Iterator[AwsServer]:
    with run_in_thread(World()) as found:
        yield found


def test_a_role_is_assumed_first(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    role = "arn:aws:iam::123456789012:role/deployer"
    url = decoded(
        eks_access.create_renewed_token({"name": "prod", "region": "eu-west-1", "role_arn": role}, lambda: 0.0)()
    )
    query = dict(parse_qsl(urlsplit(url).query))
    assert query["X-Amz-Credential"].startswith("ASIA")
    assert query["X-Amz-Security-Token"]


@cases(
    "asked, unset, words",
    ({"name": "prod", "region": "eu-west-1"}, ["AWS_ACCESS_KEY_ID"], "there are no usable AWS credentials"),
    ({"name": "prod", "region": "eu-west-1", "profile": "nobody"}, [], "nobody"),
    ({"name": "prod"}, [], "no region is known"),
    ({"name": "nowhere", "region": "eu-west-1"}, [], "it does not exist (No cluster found for name: nowhere.)"),
)
def test_what_is_missing_is_told(
    server: AwsServer, monkeypatch: pytest.MonkeyPatch, asked: Any, unset: Any, words: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in unset:
        monkeypatch.delenv(name)
    with pytest.raises(Problem) as raised:
        eks_access.find_cluster_access(asked, lambda: 0.0)
    assert words.rstrip(".)") in str(raised.value)


@cases(
    "profile, words",
    ("", "there are no usable AWS credentials"),
    ("nobody", "The config profile (nobody) could not be found. Check profile and AWS_PROFILE."),
)
def test_a_role_that_nobody_can_assume_is_told(monkeypatch: pytest.MonkeyPatch, profile: str, words: str) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    asked = {"name": "prod", "region": "eu-west-1", "profile": profile, "role_arn": "arn:aws:iam::123456789012:role/a"}
    with pytest.raises(Problem) as raised:
        eks_access.create_renewed_token(asked, lambda: 0.0)()
    assert str(raised.value).startswith(f"Make a token for the EKS cluster prod: {words}")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[TlsApi]:
    """A running API server."""
    with serving(tmp_path) as found:
        yield found


def connected(**params: Any) -> Any:
    names = dict.fromkeys(connect.CLUSTER_ARG_SPEC)
    return connect.connect(SimpleNamespace(params=names | params, tmpdir=None))  # type: ignore[arg-type]


ASKED = {"name": "prod", "region": "eu-west-1", "profile": None, "role_arn": None}


def test_the_cluster_that_aws_names_gets_the_token(
    server: AwsServer, api: TlsApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = base64.b64encode(api.ca).decode()
    send_order(server.url, "cluster", region="eu-west-1", name="prod", endpoint=api.url, ca=ca)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EKS", server.url)
    monkeypatch.setenv("K8S_AUTH_HOST", "https://another.example")  # of a cluster that is not meant
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")  # nor is the one that this may run in
    cluster = connected(eks_cluster=ASKED)
    assert cluster.request("GET", "/version") == {}
    url = decoded(api.tokens[0].removeprefix("Bearer "))
    assert dict(parse_qsl(urlsplit(url).query))["X-Amz-Signature"] == signature_for(url, SECRET, "prod")


def test_whoever_else_answers_there_gets_no_token(
    server: AwsServer, api: TlsApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other, _key = certificate(tmp_path, "two")
    ca = base64.b64encode(other.read_bytes()).decode()
    send_order(server.url, "cluster", region="eu-west-1", name="prod", endpoint=api.url, ca=ca)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EKS", server.url)
    with pytest.raises(LostError) as raised:
        connected(eks_cluster=ASKED).request("GET", "/version")
    assert raised.value.why == "tls"
    assert api.tokens == []


def test_other_options_beside_it_are_an_error() -> None:
    with pytest.raises(Problem, match="host, api_key may name another cluster than eks_cluster"):
        connected(eks_cluster=ASKED, host="https://a", api_key="b")


def test_a_cluster_without_an_endpoint_is_told(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    send_order(server.url, "cluster", region="eu-west-1", name="young", endpoint=None, status="CREATING")
    monkeypatch.setenv("AWS_ENDPOINT_URL_EKS", server.url)
    with pytest.raises(Problem, match=r"it has no endpoint yet \(status CREATING\)"):
        connected(eks_cluster=ASKED | {"name": "young"})


def test_the_token_is_renewed_during_a_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    keys = iter(["AKIDONE", "AKIDTWO"])
    make = eks_access.create_session

    def session_of(asked: Any) -> Any:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", next(keys))
        return make(asked)

    monkeypatch.setattr(eks_access, "create_session", session_of)
    bearer = eks_access.create_renewed_token(ASKED, lambda: now[0])
    first = bearer()
    now[0] = 500
    assert bearer() == first
    now[0] = 700
    assert "AKIDTWO" in decoded(bearer())


KUBECTL_AWS = ["--region", "eu-west-1", "eks", "get-token", "--cluster-name", "prod", "--output", "json"]


def test_a_kubeconfig_of_the_aws_cli_needs_no_aws_cli(api: TlsApi, tmp_path: Path) -> None:
    ca = base64.b64encode(api.ca).decode()
    kubeconfig = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {
                "name": "c",
                "cluster": {"server": api.url, "certificate-authority-data": ca},
            }
        ],
        "users": [{"name": "u", "user": {"exec": {"apiVersion": "v1", "command": "aws", "args": KUBECTL_AWS}}}],
    }
    names = dict.fromkeys(connect.CLUSTER_ARG_SPEC)
    module = SimpleNamespace(params=names | {"kubeconfig": kubeconfig}, tmpdir=str(tmp_path))
    assert connect.connect(module).request("GET", "/version") == {}  # type: ignore[arg-type]
    assert "x-k8s-aws-id" in decoded(api.tokens[0].removeprefix("Bearer "))
