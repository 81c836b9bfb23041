# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real Collectors print when something is wrong: `diagnose` names its cause, for the oldest build and the newest.

Each Collector gets one span, and sends it to a backend that answers as the case says. Everything is on loopback.
"""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry import logs

from tests.support import certificates
from tests.support.cluster import wait_until
from tests.support.collectors import find_build_of_version, find_newest_build
from tests.support.servers import serve_answers

from .collector import ENVIRONMENT
from .real_collector_cases import changed

SECONDS = 20
BUILDS = {"0.158": find_newest_build(), "0.93": find_build_of_version("0.93")}
SPAN = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "a", "kind": 1}
TRACE = {"resourceSpans": [{"scopeSpans": [{"spans": [{**SPAN, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}]}]}]}
RENAMED = {"otlp_grpc": "otlp", "otlp_http": "otlphttp"}  # what 0.93 calls them
Code = grpc.StatusCode


@dataclass(frozen=True)
class Failing:
    """A failure: the cause that its log names, the settings of the exporter, and what the backend answers."""

    name: str
    cause: str
    exporter: dict[str, Any] = field(default_factory=dict)
    answer: Any = None  # an HTTP status or a gRPC code; none: nothing listens
    kind: str = "otlp_grpc"


INSECURE = {"tls": {"insecure": True}}
SENT = (
    Failing("nothing listens", "refused", {"endpoint": "127.0.0.1:1", **INSECURE}),
    Failing("a name that nobody knows", "no_such_host", {"endpoint": "nobody.invalid:4317", **INSECURE}),
    Failing("TLS to clear text", "plain_text", {"tls": {"insecure_skip_verify": True}}, Code.OK),
    Failing("gRPC to HTTP", "wrong_protocol", INSECURE, 200),
    Failing("no login", "unauthenticated", INSECURE, Code.UNAUTHENTICATED),
    Failing("no right", "denied", INSECURE, Code.PERMISSION_DENIED),
    Failing("no such service", "no_service", INSECURE, Code.UNIMPLEMENTED),
    Failing("too many requests", "too_many", INSECURE, Code.RESOURCE_EXHAUSTED),
    Failing("a server that is away", "broken", INSECURE, Code.UNAVAILABLE),
    Failing("data that is wrong", "rejected", INSECURE, Code.INVALID_ARGUMENT),
    Failing("a server that is slow", "timeout", INSECURE, Code.DEADLINE_EXCEEDED),
    Failing("HTTP 400", "rejected", {}, 400, "otlp_http"),
    Failing("HTTP 401", "unauthenticated", {}, 401, "otlp_http"),
    Failing("HTTP 403", "denied", {}, 403, "otlp_http"),
    Failing("HTTP 404", "no_service", {}, 404, "otlp_http"),
    Failing("HTTP 413", "too_large", {}, 413, "otlp_http"),
    Failing("HTTP 429", "too_many", {}, 429, "otlp_http"),
    Failing("HTTP 503", "broken", {}, 503, "otlp_http"),
    Failing("TLS to HTTP", "plain_text", {"endpoint": "https:"}, 200, "otlp_http"),
)


@contextmanager
def backend(answer: Any, certificate: Path | None = None) -> Iterator[str]:
    """Answer every request with an HTTP status or a gRPC code, and yield host and port.

    With the path of a certificate, whose key stands beside it, gRPC is over TLS.
    """
    if isinstance(answer, int):
        with serve_answers(lambda _handler, _body: RawAnswer(answer, {}, b"")) as url:
            yield url.removeprefix("http://")
        return
    server = grpc.server(ThreadPoolExecutor(max_workers=1), handlers=[_Answers(answer)])
    if certificate:
        pair = certificate.with_suffix(".key").read_bytes(), certificate.read_bytes()
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


class _Answers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers every call with one code."""

    def __init__(self, code: Any) -> None:
        self.code = code

    def service(self, _details: Any) -> Any:
        def answer(_request: bytes, context: Any) -> bytes:
            if self.code is not Code.OK:
                context.abort(self.code, "no")
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def config_for(build: str, port: int, kind: str, exporter: dict[str, Any]) -> Any:
    """Return a config that takes spans over HTTP and hands them to one exporter, which tries once."""
    name = RENAMED[kind] if build == "0.93" else kind
    settings = {"retry_on_failure": {"enabled": False}, "timeout": "2s", **exporter}
    return changed(
        {
            "receivers/otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}},
            "exporters": {name: settings},
            "service/pipelines/traces/exporters": [name],
            "service/telemetry": {"metrics": {"level": "none"}},
        }
    )


def causes_of(program: Path, folder: Path, config: Any, port: int) -> list[dict[str, Any]]:
    """Return what a Collector's log says is wrong, after it was given a span or has ended."""
    file, log = folder / "config.yaml", folder / "log"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    with (
        log.open("w", encoding="utf-8") as written,
        subprocess.Popen([str(program), "--config", str(file)], stderr=written, cwd=folder, env=ENVIRONMENT) as process,
    ):
        try:
            wait_until("a span is taken", lambda: process.poll() is not None or _is_taken(port), SECONDS)
            wait_until("a cause", lambda: process.poll() is not None or _said(log), SECONDS)
        finally:
            process.terminate()
    return _said(log)


def _is_taken(port: int) -> bool:
    body = json.dumps(TRACE).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", body, {"Content-Type": "application/json"})
    with suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(request, timeout=SECONDS):
        return True
    return False


def _said(log: Path) -> list[dict[str, Any]]:
    now = datetime.now(UTC).isoformat()
    text = "".join(f"{now} {line}\n" for line in log.read_text(encoding="utf-8").splitlines())
    return [row for row in logs.group_log_failures(text, now, str) if row["cause"]]


CASES = [
    pytest.param(build, failing, id=f"{build} {failing.name}")
    for build in BUILDS
    for failing in SENT
    if build != "0.93" or failing.kind == "otlp_grpc"  # the testbed's 0.93 has no exporter over HTTP
]


def _program(build: str) -> Path:
    program = BUILDS[build]
    if program is None:
        pytest.skip(f"the testbed has not built a Collector of {build}")
    return program


@pytest.mark.parametrize(("build", "failing"), CASES)
def test_the_log_of_a_failure_names_its_cause(build: str, failing: Failing, tmp_path: Path) -> None:
    program, port = _program(build), free_port()
    with ExitStack() as stack:
        exporter = dict(failing.exporter)
        if failing.answer is not None:
            address = stack.enter_context(backend(failing.answer))
            scheme = exporter.get("endpoint", "http:") + "//" if failing.kind == "otlp_http" else ""
            exporter["endpoint"] = f"{scheme}{address}"
        found = causes_of(program, tmp_path, config_for(build, port, failing.kind, exporter), port)
    print([row["said"] for row in found])
    assert [row["cause"] for row in found] == [failing.cause], (tmp_path / "log").read_text()[-1500:]


@pytest.mark.parametrize("build", BUILDS)
def test_the_log_of_a_wrong_authority_names_it(build: str, tmp_path: Path) -> None:
    program, port = _program(build), free_port()
    certificates.main(tmp_path, ["127.0.0.1"])
    with backend(Code.OK, tmp_path / "server.crt") as address:
        found = causes_of(program, tmp_path, config_for(build, port, "otlp_grpc", {"endpoint": address}), port)
    print([row["said"] for row in found])
    assert {row["cause"] for row in found} == {"unknown_authority"}


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(
    ("cause", "changes"),
    [
        ("port_taken", {"receivers/otlp/protocols/grpc": {"endpoint": "127.0.0.1:PORT"}}),
        ("file", {"receivers/otlp/protocols/http/tls": {"cert_file": "/nowhere.crt", "key_file": "/nowhere.key"}}),
        ("no_brackets", {"receivers/otlp/protocols/http/endpoint": "localhost"}),
        ("unknown_component", {"exporters/acme": {}, "service/pipelines/traces/exporters": ["acme"]}),
        ("unknown_key", {"receivers/otlp/protocols/http/endpont": "a"}),
        ("not_configured", {"service/pipelines/traces/processors": ["batch"]}),
        ("config", {"exporters/debug": {"verbosity": "loud"}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_log_of_a_start_that_fails_names_its_cause(
    build: str, cause: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    program, port = _program(build), free_port()
    config = config_for(build, port, "otlp_grpc", {"endpoint": "127.0.0.1:1", **INSECURE})
    config = yaml.safe_load(yaml.safe_dump(changed(changes, config)).replace("PORT", str(port)))
    found = causes_of(program, tmp_path, config, port)
    print([row["said"] for row in found])
    assert {row["cause"] for row in found} == {cause}, (tmp_path / "log").read_text()[-1500:]
