"""Each collector and the backend lose the records of one sender, and `verify` names who did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.cluster import PROJECT, join_printed_lines

INVENTORY = f"{PROJECT}/inventories/blueprint"
TAKEN = "took spans and sent none: "
# Who loses the record, the signal, and what `verify` says.
LOST = (
    ("agent", "traces", f"telemetry/agent {TAKEN}all were dropped by filter/lost"),
    ("gateway", "traces", f"telemetry/gateway {TAKEN}all were dropped by filter/lost"),
    ("sampler", "traces", f"telemetry/sampler {TAKEN}all were dropped by filter/lost"),
    ("gateway", "logs", "telemetry/gateway took log records and sent none: all were dropped by filter/lost"),
    ("backend", "traces", "telemetry/sampler sent spans by otlp_grpc/backend, and the backend behind it took them"),
    ("backend", "logs", "telemetry/gateway sent log records by otlp_grpc/backend, and the backend behind it took them"),
)


def losing(collector: dict[str, Any]) -> dict[str, Any]:
    """Return a collector that drops what its namesake sends."""
    condition = f'resource.attributes["service.name"] == "lost-at-{collector["name"]}"'
    signals = ["traces"] if collector["name"] == "sampler" else ["traces", "logs"]
    kinds = {"traces": "trace_conditions", "logs": "log_conditions"}
    drop = {kinds[signal]: [condition] for signal in signals}
    pipelines = {signal: {"processors+": ["filter/lost"]} for signal in signals}
    soon = {"tail_sampling": {"decision_wait": "1s"}} if collector["name"] == "sampler" else {}
    return {**collector, "config": {"processors": {"filter/lost": drop, **soon}, "service": {"pipelines": pipelines}}}


@pytest.fixture(scope="module")
def said(host: Host, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what `verify` says of a probe of each sender."""
    collectors = yaml.safe_load(Path(INVENTORY, "group_vars/all.yml").read_text())["otel_collectors"]
    probes = [
        {
            "name": f"{signal} {name}",
            "service_name": f"lost-at-{name}",
            "via": {"namespace": "telemetry", "selector": "o11y.opentelemetry/collector=agent"},
            "arrival": {"namespace": "observability", "selector": "o11y.opentelemetry/collector=backend"},
            "signals": [signal],
            "span_status": "error",
            "timeout_seconds": 5,
        }
        for name, signal, _line in LOST
    ]
    given = {"otel_collectors": list(map(losing, collectors)), "otel_collector_verify_probes": probes}
    path = tmp_path_factory.mktemp("lost") / "vars.json"
    path.write_text(json.dumps(given))
    for playbook in ("site", "verify"):
        run = host.run(f"ansible-playbook o11y.opentelemetry.{playbook} -i {INVENTORY} -e @{path}")
        print(run.stdout, run.stderr)
    return join_printed_lines(run.stdout)


@pytest.mark.parametrize(("name", "signal", "line"), LOST)
def test_who_lost_the_record_is_named(said: str, name: str, signal: str, line: str) -> None:
    message = said.split(f"- '{signal} {name}: ")[1].split(" - '", maxsplit=1)[0]
    assert f"not arrived after 5 s: {line}. " in message
