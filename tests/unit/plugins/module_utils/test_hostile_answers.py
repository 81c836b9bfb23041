# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a cluster, or of AWS, that a module quotes: masked, then cut, and clean. See test_hostile_cluster.py."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live import aws_task
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live import olm_info
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import ApiError, RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import (
    LONGEST_TEXT,
    Problem,
    make_printable,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.failure_texts import LONGEST_LINE
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.evidence import find_probe_lines
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_payloads import explain_refusal
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_senders import (
    NotSentError,
    check_status,
    create_sender,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.otlp_target import GRPC, OtlpTarget
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

from tests.testbed.aws.world import Stage

from ._identity.live.runs import Runs
from ._install.live import olm_api, test_olm_info, test_olm_wait
from ._install.live.olm_api import served
from ._install.olm.samples import NAME, NAMESPACE, ONE, TWO, csv, plan, subscribed
from ._instrumentation.live import test_annotate, test_prerequisites
from ._rollout.live import test_webhook_wait
from ._rollout.live.test_rollout_wait import CRASHED, HOMELESS, pod, replica_set, wait, workload
from .fake_api import FakeApi, reply, status
from .test_hostile_cluster import MARK, Task, assert_clean, poisoned, result_of


def cut_secret(longest: int) -> Iterator[str]:
    """Yield texts in which a cut after so many characters, at every place, would divide a secret."""
    for before in range(int(longest * 0.8) - 40, int(longest * 0.8) + 1, 3):
        yield "a" * before + " https://me:hunter2hunter2@host/ " + "b" * longest


def refused(text: str) -> str:
    cluster = FakeApi()
    cluster.trouble = lambda _method, _path: RawAnswer(502, {}, text.encode())
    with pytest.raises(ApiError) as caught:
        cluster.cluster().request("GET", "/api")
    return caught.value.message


def warned(text: str) -> str:
    cluster = FakeApi()
    cluster.trouble = lambda _method, _path: reply({})._replace(headers={"Warning": f'299 - "{text}"'})
    talking = cluster.cluster()
    talking.request("GET", "/api")
    return str(result_of(lambda: {"warnings": [*talking.warnings]}))


def crashed(text: str) -> str:
    made = FakeApi(workload(), replica_set(), pod(**CRASHED))
    made.texts["/api/v1/namespaces/ns/pods/p/log"] = f"Error: {text}"
    return str(result_of(lambda: wait(made)))


def homeless(text: str) -> str:
    saying = {**HOMELESS, "conditions": [{**HOMELESS["conditions"][0], "message": text}]}
    return str(result_of(lambda: wait(FakeApi(workload(), replica_set(), pod(**saying)))))


def not_sent(text: str) -> str:
    with pytest.raises(NotSentError) as caught:
        check_status("https://host/v1/traces", 500, text.encode())
    return str(caught.value)


class Refusing(grpc.GenericRpcHandler):
    """What of a server of gRPC refuses each request with a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def service(self, _handler_call_details: Any) -> Any:
        """Return how a request is answered."""

        def refuse(_request: bytes, context: grpc.ServicerContext) -> None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, self.text)

        return grpc.unary_unary_rpc_method_handler(refuse)


def refused_by_grpc(text: str) -> str:
    server = grpc.server(ThreadPoolExecutor(1), handlers=[Refusing(text)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with pytest.raises(NotSentError, match=f"127.0.0.1:{port} answers INVALID_ARGUMENT") as caught:
            create_sender(OtlpTarget.from_endpoint(f"127.0.0.1:{port}", GRPC, {}, {}))("traces", b"", 60)
    finally:
        server.stop(None)
    return str(caught.value)


def rejected(text: str) -> str:
    partial = trace.ExportTracePartialSuccess(rejected_spans=1, error_message=text)
    return explain_refusal("traces", trace.ExportTraceServiceResponse(partial_success=partial).SerializeToString())


def recorded(text: str) -> str:
    return str(find_probe_lines(f"ResourceSpans #0 id1\n{text}\n", "traces", "id1"))


SHOWN = [refused, warned, crashed, homeless, not_sent, refused_by_grpc, rejected, recorded]


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("longest", [LONGEST_TEXT, LONGEST_LINE])
def test_secrets_are_masked_before_a_text_is_cut(shown: Callable[[str], str], longest: int) -> None:
    for text in cut_secret(longest):
        assert "hunter2" not in shown(text)


@pytest.mark.parametrize("shown", [not_sent, refused_by_grpc, rejected])
def test_what_a_receiver_says_is_one_short_line(shown: Callable[[str], str]) -> None:
    said = shown("first\nforged" + "x" * 4000)
    assert "first forged" in said
    assert "\n" not in said and len(said) < 500


NAMES_OF_OLM = frozenset(
    {"catalog", "catalogSource", "catalogSourceNamespace", "packageName", "clusterServiceVersionNames"}
)
VERSIONS = frozenset({"installedCSV", "currentCSV"})
OFFERED = (test_olm_info.catalog("TRANSIENT"), test_olm_info.manifest(), test_olm_info.manifest("other", "mine"))
INSTALLED = (
    subscribed("p", (("CatalogSourcesUnhealthy", "r", "m"),), state="s", installedCSV=ONE, currentCSV=ONE),
    plan("p", ONE, phase="Failed", message="m"),
    csv(ONE, "Failed", "r", "m"),
)


def test_what_olm_has_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    group = olm_api.obj("OperatorGroup", "mine", version="operators.coreos.com/v1", spec={"targetNamespaces": ["a"]})
    made = served(*(poisoned(item, kept=NAMES_OF_OLM) for item in (*INSTALLED, *OFFERED, group)))
    monkeypatch.setattr(olm_info, "connect", lambda _module: made.cluster())
    task = Task()
    task.params = {"package": NAME, "namespace": NAMESPACE, "source_namespace": "openshift-marketplace"}
    task.params |= {"source": "redhat-operators", "offers": True, "timeout_seconds": 5}
    olm_info.run_info(task)  # type: ignore[arg-type]
    assert_clean(task.result)


FAILED = {"type": "Installed", "status": "False", "reason": "r", "message": "m"}
STATES = {
    "version": (subscribed(installedCSV=ONE, currentCSV=TWO), csv(TWO, "Failed", "InstallComponentFailed", "bad")),
    "resolution": (subscribed(conditions=(("ResolutionFailed", "ConstraintsNotSatisfiable", "no"),)),),
    "catalog": (subscribed(conditions=(("CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound", "no"),)),),
    "plan": (
        subscribed("p", installedCSV=ONE, currentCSV=TWO),
        plan("p", TWO, phase="Failed", conditions=[FAILED]),
    ),
}


@pytest.mark.parametrize("kept", [VERSIONS, VERSIONS | {"reason"}], ids=["all", "known reasons"])
@pytest.mark.parametrize("state", STATES)
def test_a_wait_for_olm_is_clean(state: str, kept: frozenset[str]) -> None:
    made = served(*(poisoned(item, kept=kept | NAMES_OF_OLM) for item in STATES[state]))
    assert_clean(result_of(lambda: test_olm_wait.wait(made)))


HOOKED = frozenset({"caBundle", "app", "app.kubernetes.io/name", "kubernetes.io/service-name"})
HOOKS = (
    test_webhook_wait.configuration(),
    test_webhook_wait.slices(ready=False),
    test_webhook_wait.SERVICE,
    test_webhook_wait.deployment(),
    test_webhook_wait.INJECTOR,
)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (500, f"{test_webhook_wait.CALL}connection refused {MARK}"),
        (500, test_webhook_wait.CALL + MARK),
        (422, MARK),
        (400, f'admission webhook "a.b" denied the request: {MARK}'),
    ],
)
def test_a_wait_for_webhooks_is_clean(code: int, text: str) -> None:
    broken = (*HOOKS, *test_webhook_wait.pods_of("hook"))
    made = FakeApi(*(poisoned(item, kept=HOOKED | {"reason"}) for item in broken))
    made.trouble = lambda method, path: (
        status(code, "InternalError", text) if path == test_webhook_wait.TRY and method != "GET" else None
    )
    assert_clean(result_of(lambda: test_webhook_wait.wait(made, [test_webhook_wait.OBJECT])))


@pytest.mark.parametrize("annotation", ["", "ns/ca"])
def test_a_wait_for_the_ca_of_a_webhook_is_clean(annotation: str) -> None:
    broken = (
        test_webhook_wait.configuration("", inject_ca_from=annotation),
        *HOOKS[1:],
        *test_webhook_wait.pods_of("ca"),
    )
    made = FakeApi(*(poisoned(item, kept=HOOKED | {"reason"}) for item in broken))
    assert_clean(result_of(lambda: test_webhook_wait.wait(made, [], [test_webhook_wait.CONFIGURATION])))


@pytest.mark.parametrize("code", [400, 422, 429, 500])
@pytest.mark.parametrize(
    "path",
    [
        test_prerequisites.GROUP,
        test_prerequisites.WEBHOOKS,
        test_prerequisites.SLICES,
        f"{test_prerequisites.PROXY}/traces",
    ],
)
def test_a_check_of_instrumentation_is_clean(path: str, code: int) -> None:
    made = test_prerequisites.Answers()
    made.answers[path] = status(code, MARK, MARK)
    assert_clean(result_of(lambda: {"faults": [str(Problem(text)) for text in made.check()[0]]}))


def test_annotations_of_others_are_quoted_clean() -> None:
    theirs = poisoned(test_annotate.namespace("shop", **{test_annotate.PYTHON: "other"}))
    assert_clean(result_of(lambda: test_annotate.run(FakeApi(theirs), "shop")))


class HostileAws:
    """AWS with the marker in what it says freely."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.meta = client.meta

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method for an operation."""
        return lambda **given: self._marked(getattr(self.client, name)(**given))

    def _marked(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._marked(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: self._marked_field(key, item) for key, item in value.items()}

    def _marked_field(self, key: str, value: Any) -> Any:
        """Return a field with the marker behind each text that owners of resources choose."""
        if key in ("message", "errorMessage", "publisher", "owner") and isinstance(value, str):
            return value + MARK
        if key == "resourceIds":
            return [one + MARK for one in value]
        if key == "tags":
            return {name: text + MARK for name, text in value.items()}
        return self._marked(value)


@pytest.mark.parametrize("degraded", ["accept", "fail"])
@pytest.mark.parametrize("stage", ["ACTIVE", "DEGRADED", "CREATE_FAILED"])
def test_an_add_on_is_clean(stage: str, degraded: str) -> None:
    runs = Runs()
    connect = runs.connect
    runs.connect = lambda: HostileAws(connect())  # type: ignore[method-assign]
    runs.world.add_script("adot", "create", Stage(stage, issues=("ConfigurationConflict",)))
    found = result_of(lambda: runs.run(degraded=degraded, tags={"a": "b"}, purge_tags=False))
    assert_clean({**found, "warned": [make_printable(text) for text in found.get("warned", ())]})


@pytest.mark.parametrize("operation", ["DescribeAddon", "CreateAddon", "DescribeAddonVersions"])
@pytest.mark.parametrize("code", ["InvalidParameterException", "AccessDeniedException"])
def test_a_refusal_of_aws_is_clean(operation: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs()
    runs.world.trouble(operation=operation, code=code, status=400, message=MARK, times=99)
    task = Task()
    module = SimpleNamespace(params={}, check_mode=False, _module=task, exit_json=task.exit_json)

    def ended(**result: Any) -> None:
        task.result = result
        raise SystemExit

    monkeypatch.setattr(module, "fail_json", ended, raising=False)
    with contextlib.suppress(SystemExit):
        aws_task.run(module, lambda _aws: runs.run())  # type: ignore[arg-type]
    assert_clean({**task.result, "warned": [make_printable(text) for text in task.result.get("warned", ())]})
