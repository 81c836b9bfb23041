# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What logs say is wrong, and the few lines of a report that say why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jmespath
import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose import verdict
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.collector_checks import COLLECTOR_CHECKS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.diagnose_checks import (
    Check,
    run_checks,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.masking import (
    conceal_secrets,
    make_masker,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry import crash_logs, log_causes, logs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.logs import LONGEST_TEXT

from ..helpers import cases
from .test_diagnose_checks import EXPORT, FINDING, HEALTHY, IDLE, POD, SIDEWAYS

JAEGER = {"about": "exporters/otlp/jaeger", "service": "obs/jaeger", "endpoint": "jaeger.obs:4317", "port": 4317}
WAITS = EXPORT | {"id": "otlp/jaeger", "about": "exporters/otlp/jaeger", "state": "waits", "queue_size": 4}
DOWN: dict[str, Any] = {
    "exports": [WAITS | {"came": "spans come in (3 in 5 s) and"}],
    "logs": [SIDEWAYS | {"about": "exporters/otlp/jaeger"}],
    "peers": [JAEGER | {"state": "no_endpoints"}],
}
SYMPTOM = {"reason": "FailedMount", "message": "not found", "fix": "Look."}
MISSING = {"state": "missing", "kind": "Secret", "namespace": "ns", "name": "tls"}
STUCK = {"running": False, "complete": False, "symptoms": [SYMPTOM], "references": [MISSING], **DOWN}
NEVER = IDLE | {"accepted_total": 0}
UNSEEN = {"receives": None, "exports": [], "processes": [], "unseen": [{"what": "own metrics", "why": "no port"}]}


def told(change: dict[str, Any], *more: Check) -> list[str]:
    facts = HEALTHY | change
    return verdict.write_verdict(facts, run_checks(jmespath.search, [*COLLECTOR_CHECKS, *more], facts))


@cases(
    "change, status, line",
    ({}, "healthy", "healthy: 3 spans in, 3 out in 5 s; its exporters only print to its own log"),
    ({"exports": [EXPORT, EXPORT | {"id": "otlp/debug"}]}, "healthy", "healthy: 3 spans in, 6 out in 5 s$"),
    ({"findings": [FINDING | {"severity": "info"}]}, "healthy", "healthy: 3 .* out in 5 s; .*; 1 note on its config"),
    ({"receives": [IDLE | {"state": "rests"}], "exports": []}, "healthy", "healthy: no data was due in that time"),
    (UNSEEN, "unknown", "runs, but whether data flows cannot be seen: no port"),
    ({"memory": [{"percent": 99, "pod": "p"}]}, "warning", "pod p uses 99 % of its memory limit → Raise the limit"),
    (
        *(DOWN, "error"),
        r"spans come in \(3 in 5 s\) and wait at otlp/jaeger \(4 of 10 queued, none sent\): connection refused: "
        "Service obs/jaeger has no ready endpoints → Start the pods behind Service obs/jaeger, or correct its sel.*",
    ),
    # A cause without its symptom names its component.
    (
        {"peers": [JAEGER | {"state": "no_service"}]},
        "error",
        "exporter otlp/jaeger: Service .* does not exist → Deploy",
    ),
    # A Service whose name begins like the component does not name it.
    (
        {"peers": [JAEGER | {"about": "exporters/otlp", "service": "obs/otlp-gateway", "state": "no_service"}]},
        "error",
        "exporter otlp: Service obs/otlp-gateway does not exist → Deploy",
    ),
    # What keeps a pod from running explains the rest; without an early cause the later ones are told.
    (STUCK, "error", "FailedMount: not found: Secret ns/tls does not exist → Create Secret ns/tls.$"),
    ({"running": False, **DOWN}, "error", ".*Service obs/jaeger"),
    # Signals that suffer alike are one line; pods are counted.
    (
        {"receives": [NEVER, NEVER | {"items": "log records"}]},
        *("warning", "nothing comes in: no spans at otlp since its start 9 min ago; the same for log records →"),
    ),
    ({"pods": [POD | {"ready": False}, POD | {"ready": False, "name": "q"}]}, "error", r".*\(and 1 more like it\)"),
)
def test_the_verdict_tells_a_symptom_with_its_causes_and_the_fix_of_the_deepest(
    change: Any, status: str, line: str
) -> None:
    facts = HEALTHY | change
    assert verdict.judge_status(facts, run_checks(jmespath.search, COLLECTOR_CHECKS, facts)) == status
    lines = told(change)
    assert re.match(line, lines[0]) and len(lines) == 1


DROPPED = SIDEWAYS | {"cause": "rejected", "text": "the other side refuses the data", "current": False, "drops": True}
IDLE_END = EXPORT | {"state": "idle", "sent_total": 0, "failed_total": 40, "uptime": "9 min"}
FULL = SIDEWAYS | {"cause": "disk", "text": "the disk is full", "about": "", "calm": True}


def test_a_drop_before_the_two_readings_is_the_verdict_and_not_the_silence_after_it() -> None:
    (line,) = told({"receives": [IDLE], "exports": [IDLE_END], "logs": [DROPPED | {"fix": "Correct it."}]})
    assert line == (
        "debug has sent none of the spans since its start 9 min ago (40 failed): the other side refuses the data"
        " → Correct it."
    )


def test_a_full_disk_comes_first() -> None:
    lines = told(DOWN | {"logs": [FULL, *DOWN["logs"]]})
    assert lines[0].startswith("the disk is full")
    assert lines[1].startswith("spans come in")


def test_errors_come_before_warnings_and_there_are_few_lines() -> None:
    levels = ("warning", "warning", "warning", "warning", "error")
    rows = [Check(f"own{n}", "['x']", f"number {n}", severity=level) for n, level in enumerate(levels)]
    assert told({}, *rows) == ["number 4", "number 0", "number 1", "and 2 more, see the details"]


NOW = "2026-01-01T00:01:00+00:00"
FIELDS = {"otelcol.component.id": "otlp_grpc/a", "otelcol.component.kind": "exporter", "otelcol.signal": "traces"}

# Messages as the network, the libraries and servers word them, by the cause that they name.
SAID = yaml.safe_load((Path(__file__).parent / "causes_said.yml").read_text())


def line(level: str, message: str, **fields: Any) -> str:
    text = json.dumps(fields)
    return f"2026-01-01T00:00:30.123456789Z 2026-01-01T00:00:30.123Z\t{level}\ta/b.go:1\t{message}\t{text}"


def groups(text: str, mask: Any = conceal_secrets) -> Any:
    return logs.group_log_failures(text, NOW, mask)


@pytest.mark.parametrize(("cause", "said"), [(cause, said) for cause, texts in SAID.items() for said in texts])
def test_every_cause_is_recognised(cause: str, said: str) -> None:
    (row,) = groups(line("error", "Exporting failed", error=said, **FIELDS))
    assert row["cause"] == cause
    assert row["text"] and "{" not in row["text"]
    assert (row["about"], row["signal"], row["seconds_ago"]) == ("exporters/otlp_grpc/a", "traces", 30)
    assert set(SAID) == {cause.id for cause in log_causes.CAUSES}


# Counts, times, ports and paths that are the number of a status of HTTP.
NO_STATUS = [
    ("failed to export 404 items: connection reset by peer", "broken"),
    ("read tcp 10.0.0.1:401->10.0.0.2:4317: read: connection reset by peer", "broken"),
    ("processed 429 spans, error: EOF", "broken"),
    ('Post "http://gateway:403/v1/traces": EOF', "broken"),
    ('Get "http://shop/404/metrics": EOF', "broken"),
    ("scrape took 400 ms", None),
    ("the batch has 422 records", None),
]


@pytest.mark.parametrize(("said", "cause"), NO_STATUS)
def test_a_number_alone_is_no_status_of_http(said: str, cause: str | None) -> None:
    (row,) = groups(line("error", "Exporting failed", error=said, **FIELDS))
    assert row["cause"] == cause


EXHAUSTED = "Permanent error: rpc error: code = ResourceExhausted desc ="
HTTP = (
    "not retryable error: Permanent error: rpc error: code = InvalidArgument desc = error exporting items, request to"
)
# What the parties of a request that is too large answer: grpc-go of Collectors 0.93 to 0.165, HTTP servers and proxies,
# clients and brokers of Kafka, Loki, Mimir, CloudWatch Logs and Elasticsearch.
TOO_LARGE = [
    f"{EXHAUSTED} grpc: received message larger than max (5089930 vs. 4194304)",
    f"{EXHAUSTED} grpc: received message after decompression larger than max (5089930 vs. 4194304)",
    f"{EXHAUSTED} grpc: received message after decompression larger than max 4194304",
    f"{EXHAUSTED} grpc: message after decompression larger than max (5089930 vs. 4194304)",
    f"{EXHAUSTED} grpc: received message larger than max length allowed on current machine (5 vs. 4)",
    f"{EXHAUSTED} trying to send message larger than max (5089930 vs. 4194304)",
    f"{HTTP} responded with HTTP Status Code 400, Message=http: request body too large, Details=[]",
    f"{HTTP} responded with HTTP Status Code 413",
    "code = Internal desc = unexpected HTTP status code received from server: 413 (Request Entity Too Large)",
    "server returned HTTP status 413 Request Entity Too Large: <html><head><title>413 Request Entity Too Large</title>",
    "MESSAGE_TOO_LARGE: The request included a message larger than the max message size the server will accept.",
    "kafka server: Message was too large, server rejected it to avoid allocation error",
    "kafka: invalid configuration (Attempt to produce message larger than configured Producer.MaxMessageBytes: 9 > 8)",
    "rpc error: code = ResourceExhausted desc = message too large",
    "the incoming OTLP request has been rejected because its message size of 89 bytes is larger than the allowed limit",
    "InvalidParameterException: Upload too large: 1048577 bytes exceeds limit of 1048576",
    "failed to execute the request: flush failed (413): entity content is too long [105906176]",
]
ONE_TOO_LARGE = [
    "one log record size is greater than max size, dropping items: 1",
    "one span size is greater than max size, dropping items: 2",
    "one datapoint size is greater than max size, dropping items: 3",
    "Max entry size '262144' bytes exceeded for stream '{app=\"x\"}' while adding an entry with length '300000' bytes",
    "line too long",
]


@pytest.mark.parametrize("said", TOO_LARGE)
def test_a_request_that_is_too_large_is_no_overload(said: str) -> None:
    (row,) = groups(line("error", "Exporting failed. Dropping data.", error=said, **FIELDS))
    assert row["cause"] == "too_large"
    assert "max_size" in row["fix"] and "max_recv_msg_size_mib" in row["fix"] and "Send less" not in row["fix"]


@pytest.mark.parametrize("said", ONE_TOO_LARGE)
def test_a_single_record_that_is_too_large_is_told_apart(said: str) -> None:
    (row,) = groups(line("error", "Exporting failed. Dropping data.", error=said, **FIELDS))
    assert row["cause"] == "record_too_large"


NOT_TOO_LARGE = [
    ("too_many", "rpc error: code = ResourceExhausted desc = rate limit exceeded"),
    ("too_many", "HTTP Status Code 429, Message=Ingestion rate limit exceeded (limit: 4194304 bytes/sec)"),
    ("wrong_protocol", "error reading server preface: http2: frame too large"),
    ("refused", "dial tcp 10.0.0.1:413: connect: connection refused"),
]


@pytest.mark.parametrize(("cause", "said"), NOT_TOO_LARGE)
def test_an_overload_is_no_request_that_is_too_large(cause: str, said: str) -> None:
    (row,) = groups(line("error", "Exporting failed", error=said, **FIELDS))
    assert row["cause"] == cause


def test_a_denial_says_who_may_not_do_what() -> None:
    (row,) = groups(line("error", SAID["forbidden"][0]))
    assert row["text"] == "system:serviceaccount:ns:sa may not list pods of API group 'apps'"


def test_a_retry_counts_though_it_is_information_and_repeats_are_one() -> None:
    retries = (line("info", "Will retry", error=SAID["refused"][0], interval=f"{n}s", **FIELDS) for n in range(3))
    assert [row["count"] for row in groups("\n".join(retries))] == [3]
    numbers = (line("warn", f"dropped {n} of deadbeef0{n}") for n in range(2))
    assert [(row["count"], row["cause"]) for row in groups("\n".join(numbers))] == [(2, None)]
    well = line("info", "Everything is ready") + "\n" + line("warn", SAID["refused"][0], grpc_log=True)
    assert groups(well) == []


def test_json_logs_lines_of_the_kubernetes_client_and_of_a_crash_are_read() -> None:
    entry = {"level": "ERROR", "msg": "failed", "error": "EOF", "kind": "exporter", "name": "x", "data_type": "logs"}
    (row,) = groups(f"2026-01-01T00:00:59Z {json.dumps(entry)}")
    assert (row["cause"], row["about"], row["signal"]) == ("broken", "exporters/x", "logs")
    klog = f'E0101 00:00:30.000000       1 reflector.go:1] "Failed to watch" err="{SAID["forbidden"][0]}"'
    text = f"2026-01-01T00:00:00Z {klog}\n2026-01-01T00:00:01Z Error: cannot start\n2026-01-01T00:00:01Z goroutine 1"
    assert [row["cause"] for row in groups(text)] == [None, "forbidden"]
    assert groups("2026-01-01T00:00:01Z {broken json") == []
    assert crash_logs.find_last_words(["Error: no such file", "2026 info Shutdown"]) == "no such file"
    assert (crash_logs.find_last_words(["a", "b"]), crash_logs.find_last_words([])) == ("b", "")


# What 0.158.0 and 0.93.0 print of a setting that they do not know: the reason stands lines below the error.
NEWER = """Error: failed to get config: cannot unmarshal the configuration: decoding failed due to the following \
error(s):

'receivers' error reading configuration for "otlp": decoding failed due to the following error(s):

'protocols.grpc' decoding failed due to the following error(s):

'configgrpc.ServerConfig' has invalid keys: endpont"""
OLDER = """Error: failed to get config: cannot unmarshal the configuration: 1 error(s) decoding:

* error decoding 'receivers': error reading configuration for "otlp": 1 error(s) decoding:

* 'protocols.grpc' has invalid keys: endpont
2026/11/25 22:59:37 failed to get config: cannot unmarshal the configuration: 1 error(s) decoding:"""


@pytest.mark.parametrize("printed", [NEWER, OLDER], ids=["0.158.0", "0.93.0"])
def test_an_error_over_several_lines_is_one(printed: str) -> None:
    cause = crash_logs.find_crash_cause(printed.splitlines())
    assert cause and cause.text == "this version of the Collector does not know the setting endpont"
    (row,) = groups("".join(f"2026-01-01T00:00:30.1Z {line}\n" for line in printed.splitlines()))
    assert (row["cause"], row["count"]) == ("unknown_key", 1)


@pytest.mark.parametrize("before", range(LONGEST_TEXT - 40, LONGEST_TEXT + 1, 4))
def test_secrets_are_masked_before_a_line_is_cut(before: int) -> None:
    (row,) = groups(line("error", "a" * before + " https://me:hunter2hunter2@host/ opaque1"), make_masker(["opaque1"]))
    assert (
        "hunter" not in str(row)
        and "opaque1" not in str(row)
        and len(row["said"]) <= LONGEST_TEXT + len("… (99 more characters) …")
    )


RESOURCE = {"service.instance.id": "2376538f-9d55-4442-b429-0d3d6261ca3d", "service.name": "x", "service.version": "1"}
FAILED = "2026-01-01T00:00:00Z\terror\tgraph/graph.go:454\tFailed to start component\t" + json.dumps(
    {
        "resource": RESOURCE,
        "error": f"listen tcp {'a' * 300}: bind: permission denied",
        "type": "Receiver",
        "id": "otlp",
    }
)
CALM = "2026-01-01T00:00:00Z\tinfo\ta.go:1\tStopping extensions...\t" + json.dumps({"resource": RESOURCE})


def test_the_line_that_matters_is_whole_and_not_behind_what_follows() -> None:
    assert crash_logs.select_last_lines([CALM, FAILED, CALM], 10, 300) == [
        (CALM, 300),
        (FAILED, crash_logs.LONGEST_FAILURE),
        (CALM, 300),
    ]
    trace = [f"main.f{number}()" for number in range(40)]
    panic = "panic: runtime error: index out of range"
    (first, *rest) = crash_logs.select_last_lines([CALM, panic, *trace], 10, 300)
    assert (first, rest) == ((panic, crash_logs.LONGEST_FAILURE), [(line, 300) for line in trace[-9:]])
    assert crash_logs.select_last_lines([], 10, 300) == []


def test_the_reason_at_the_end_of_a_long_message_is_kept() -> None:
    (row,) = groups(line("error", "Exporting failed", error=f"{'wrapped: ' * 60}the reason", **FIELDS))
    assert row["said"].endswith("the reason")
