# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Collector as a process, with the credentials of a role, before an AWS that asks its policies."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.iam_policy import (
    ServiceAccount,
    build_policy_document,
    build_statements,
    fill_policy,
    parse_eks_cluster,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.trust import irsa_statement
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.derive_needs import derive_needs
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from moto.moto_api._internal.models import moto_api_backend
from werkzeug.serving import make_server

from tests.testbed.aws.app import Application
from tests.testbed.aws.server import QuietRequestHandler
from tests.testbed.aws.world import World
from tests.testbed.eks.front import Environ, FrontApplication, StartResponse, send_response
from tests.testbed.eks.identities import Identities

REGION, ISSUER = "us-east-1", "https://issuer.test"
PLACE = parse_eks_cluster(f"arn:aws:eks:{REGION}:123456789012:cluster/prod", ISSUER)
ACCOUNT = ServiceAccount("observability", "gateway")
ROLE = "collector"
POLICY = "derived"
WORKSPACE = "ws-1"
SECONDS = 30.0
PROMETHEUS = "/prometheus/"


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Signer:
    """The cluster, as far as it signs tokens."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def published(self) -> list[dict[str, str]]:
        """Return its keys."""
        numbers = self.key.public_key().public_numbers()
        return [{"kid": "a", "n": _text(numbers.n.to_bytes(256, "big")), "e": _text(numbers.e.to_bytes(3, "big"))}]

    def token(self, account: ServiceAccount) -> str:
        """Return a token of a service account."""
        claims = {
            "iss": ISSUER,
            "sub": f"system:serviceaccount:{account.namespace}:{account.name}",
            "aud": ["sts.amazonaws.com"],
            "exp": time.time() + 3600,
        }
        signed = ".".join(_text(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "a"}, claims))
        return f"{signed}.{_text(self.key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


class Cloud:
    """AWS on the loopback: every request is signed by somebody, and the policies of that role decide."""

    def __init__(self) -> None:
        moto_api_backend.reset()
        self.world, self.signer = World(), Signer()
        self.identities = Identities(self.world, self.signer.published)
        self.front = FrontApplication(Application(self.world), self.identities)
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=QuietRequestHandler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.front.workspaces[WORKSPACE] = lambda: f"{self.url}{PROMETHEUS.rstrip('/')}"

    def _answer(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        if str(environ["PATH_INFO"]).startswith(PROMETHEUS):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return send_response(start, 200, "text/plain", b"")
        return self.front(environ, start)

    def client(self, service: str) -> Any:
        """Return a client of the administrator."""
        key, secret = self.identities.person
        options = {"aws_access_key_id": key, "aws_secret_access_key": secret}
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **options)

    def role(self) -> dict[str, str]:
        """Make the role with the trust that is derived, and return the credentials that its account gets."""
        iam = self.client("iam")
        iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
        trust = json.dumps(build_policy_document([irsa_statement(PLACE, ACCOUNT)]))
        arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        asked = {"RoleArn": arn, "RoleSessionName": "collector", "WebIdentityToken": self.signer.token(ACCOUNT)}
        found = self.client("sts").assume_role_with_web_identity(**asked)["Credentials"]
        names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey"}
        return {name: found[key] for name, key in (names | {"AWS_SESSION_TOKEN": "SessionToken"}).items()}

    def allow(self, policy: dict[str, Any]) -> None:
        """Let the role have this policy and no other."""
        self.client("iam").put_role_policy(RoleName=ROLE, PolicyName=POLICY, PolicyDocument=json.dumps(policy))

    def seen(self, operation: str, after: int, refused: str) -> bool:
        """Return whether an operation was called, and with what answer; the role is the only one that calls."""
        with self.front.lock:
            received = self.front.received[after:]
        return any((one["operation"], one["refused"]) == (operation, refused) for one in received)


@contextmanager
def cloud() -> Iterator[Cloud]:
    """AWS, until the end of the block."""
    made = Cloud()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()


def policy_of(config: dict[str, Any]) -> dict[str, Any]:
    """Return the policy that is derived from a config, in the cluster of these tests."""
    return build_policy_document(fill_policy(build_statements(derive_needs(config, {}).aws_grants), PLACE))


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """Return a policy without one action."""
    left = [{**one, "Action": [item for item in one["Action"] if item != action]} for one in policy["Statement"]]
    return {**policy, "Statement": [one for one in left if one["Action"]]}


def awaited(what: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for something to become true while the Collector runs."""
    until = time.monotonic() + SECONDS
    while not what():
        told = log.read_text()[-3000:]
        assert process.poll() is None, f"the Collector has ended:\n{told}"
        assert time.monotonic() < until, f"it has not come in {SECONDS} s:\n{told}"
        time.sleep(0.05)


@contextmanager
def collector(program: Path, config: dict[str, Any], folder: Path, credentials: dict[str, str]) -> Iterator[Any]:
    """The Collector, until the end of the block: the process and its log."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    log = folder / "log"
    known = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = known | credentials | {"AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
    with log.open("wb") as file:
        command = [str(program), f"--config={folder / 'config.yaml'}"]
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        awaited(lambda: "Everything is ready" in log.read_text(), process, log)
        yield process, log
    finally:
        process.terminate()
        process.wait(SECONDS)


_NUMBERS = itertools.count(1)


def post(url: str, body: Any) -> int:
    """Send JSON, and return the status of the answer."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def telemetry(otlp: str) -> None:
    """Send a span, a metric and a log record, of a cluster that nobody has heard of yet."""
    now = time.time_ns()
    name = f"cluster-{next(_NUMBERS)}"
    resource = {"attributes": [{"key": "ClusterName", "value": {"stringValue": name}}]}
    trace = f"{now // 10**9:08x}{next(_NUMBERS):024x}"
    span = {"traceId": trace, "spanId": f"{next(_NUMBERS):016x}", "name": "a", "kind": 2}
    span |= {"startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1000)}
    point = {"timeUnixNano": str(now), "asDouble": 1.0}
    sent = {
        "traces": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]},
        "metrics": {
            "resourceMetrics": [
                {
                    "resource": resource,
                    "scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]}],
                }
            ]
        },
        "logs": {
            "resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [{"body": {"stringValue": "a"}}]}]}]
        },
    }
    for signal, body in sent.items():
        post(f"{otlp}/v1/{signal}", body)
