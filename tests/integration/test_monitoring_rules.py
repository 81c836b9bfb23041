# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts with their own times: promtool plays series of hours in a moment.

test_monitoring.py sees what real Collectors serve in a fault; this sees when an alert fires, and what comes from others
than Collectors: kube-state-metrics and cert-manager.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.critical_table import (
    CRITICAL_ALERTS,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring import alerts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring.gpu_rules import GPU_ALERTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring.workload_alerts import (
    WORKLOAD_ALERTS,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from .test_monitoring import FAULTS, data, programs  # noqa: F401 - a fixture

FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'
NAME, NAMESPACE = "agent", "telemetry"
POD = 'namespace="telemetry",o11y_opentelemetry_collector="agent",pod="agent-a",node="a",instance="1"'
OTHER = POD.replace("agent-a", "agent-b").replace('node="a"', 'node="b"').replace('"1"', '"2"')
OUT, IN = f'{{{POD},exporter="otlp_grpc"}}', f'{{{POD},receiver="otlp"}}'
QUEUE = f'{{{POD},exporter="otlp_grpc",data_type="traces"}}'
CERTIFICATE = 'certmanager_certificate_expiration_timestamp_seconds{name="agent-tls",namespace="telemetry"}'
WANTED = 'kube_daemonset_status_desired_number_scheduled{namespace="telemetry",daemonset="agent"}'
# What two agents serve that are well, every half minute: a value, what is added each time, and how often.
WELL = {
    f"up{{{POD}}}": "1x240",
    f"up{{{OTHER}}}": "1x240",
    f"otelcol_process_uptime{{{POD}}}": "1000+30x240",
    f"otelcol_process_memory_rss{{{POD}}}": "100000000x240",
    f"otelcol_receiver_refused_spans{IN}": "5x240",
    f"otelcol_exporter_send_failed_spans{OUT}": "5x240",
    f"otelcol_exporter_sent_spans{OUT}": "0+100x240",
    f"otelcol_exporter_queue_size{QUEUE}": "10x240",
    f"otelcol_exporter_queue_capacity{QUEUE}": "1000x240",
    'kube_node_info{node="a"}': "1x240",
    'kube_node_info{node="b"}': "1x240",
    WANTED: "2x240",
    CERTIFICATE: "2592000x240",
}


def rules(folder: Path, options: Mapping[str, Any] = MappingProxyType({}), **monitoring: Any) -> Path:
    """Return the file of the rules of an agent with these options."""
    item = {
        "name": NAME,
        "mode": "daemonset",
        "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": "gateway.telemetry.svc:4317"}}],
        "certificates": [{"name": "agent-tls", "usages": "client"}],
        "monitoring": {"scrape": "pod_monitor", "alerts": "config_map", **monitoring},
        **options,
    }
    made = _render.build_bundle(_render.judge_request(_render.RenderRequest([item], {"namespace": NAMESPACE})))[
        "manifests"
    ]
    file = folder / "rules.yml"
    file.write_text(data(made, "-rules"), encoding="utf-8")
    return file


class Play(NamedTuple):
    """Series, at each of some minutes the one alert that fires, or none, and what expressions have at a minute."""

    name: str
    series: dict[str, str]
    alerts: dict[int, str]
    samples: tuple[tuple[int, str, dict[str, float]], ...] = ()


def verdict(programs: Path, file: Path, plays: list[Play]) -> str:  # noqa: F811
    """Return what promtool finds wrong, after all plays."""
    tests = [
        {
            "name": play.name,
            "interval": "30s",
            "input_series": [{"series": name, "values": values} for name, values in play.series.items()],
            "promql_expr_test": [
                {"expr": FIRING, "eval_time": f"{minute}m", "exp_samples": expected(alert)}
                for minute, alert in play.alerts.items()
            ]
            + [
                {
                    "expr": expr,
                    "eval_time": f"{minute}m",
                    "exp_samples": [{"labels": labels, "value": value} for labels, value in found.items()],
                }
                for minute, expr, found in play.samples
            ],
        }
        for play in plays
    ]
    written = file.with_name("tests.yml")
    content = {"rule_files": [str(file)], "evaluation_interval": "30s", "tests": tests}
    written.write_text(yaml.safe_dump(content), encoding="utf-8")
    argv = [programs / "promtool", "test", "rules", written]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def expected(alert: str) -> list[dict[str, Any]]:
    name = alert if alert.startswith("Otel") else f"OtelCollector{alert}"
    return [{"labels": f'{{alertname="{name}"}}', "value": 1}] if alert else []


def test_promtool_takes_the_rules(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    file = rules(tmp_path)
    done = subprocess.run([programs / "promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count = len(json.loads(file.read_text())["groups"][0]["rules"])
    assert f"{count} rules found" in done.stdout


def test_what_is_well_raises_no_alert(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    well = Play("well", WELL, dict.fromkeys((1, 20, 60, 110), ""))
    assert verdict(programs, rules(tmp_path, kube_state_metrics=True), [well]) == ""
    wrong = [well._replace(alerts={20: "Down"})]
    assert "exp:" in verdict(programs, rules(tmp_path, kube_state_metrics=True), wrong)


GONE = {f"up{{{OTHER}}}": "1x40 stale"}
HASH = f'up{{{POD},config_hash="0123456789"}}'
# From minute 20 on, a backend takes nothing: a tenth of the queue fills each minute, and then nothing more goes in.
STOPPED = {f"otelcol_exporter_sent_spans{OUT}": "0+100x40 4000x200"}
FILLING = {f"otelcol_exporter_queue_size{QUEUE}": "10x38 200 210+50x16 1000x185"}
OVERFLOWING = {f"otelcol_exporter_enqueue_failed_spans{OUT}": "_x56 7+10x184"}
# The series that differ, a minute in which the alert does not fire yet, one in which it does, and its name. From minute
# 20 on, something is wrong.
CHANGES = (
    ("down", {f"up{{{POD}}}": "1x40 0x200"}, 24, 27, "Down"),
    ("gone", {f"up{{{POD}}}": "1x40 stale", **GONE}, 24, 27, "Absent"),
    ("node", GONE, 24, 27, "NodeSilent"),
    ("missing", {WANTED: "3x240"}, 14, 16, "AgentsMissing"),
    ("restart", {f"otelcol_process_uptime{{{POD}}}": "1000+30x40 5+30x200"}, 20, 21, "Restarted"),
    ("memory", {f"otelcol_process_memory_rss{{{POD}}}": "100000000x40 490000000x200"}, 24, 27, "MemoryHigh"),
    ("refused", {f"otelcol_receiver_refused_spans{IN}": "5x40 6+1x200"}, 24, 27, "Refused"),
    ("failed", {f"otelcol_exporter_send_failed_spans{OUT}": "5x40 6+1x200"}, 21, 24, "ExportFailed"),
    ("first", {f"otelcol_exporter_send_failed_spans{OUT}": "_x40 7x200"}, 21, 24, "ExportFailed"),
    ("overflow", {f"otelcol_exporter_enqueue_failed_spans{OUT}": "_x40 7x200"}, 19, 21, "QueueOverflow"),
    ("stalled", {f"otelcol_exporter_sent_spans{OUT}": "0+100x40 4000x200"}, 22, 24, "ExportStalled"),
    ("fast", {**STOPPED, **FILLING}, 21, 23, "ExportStalled"),
    ("fast and full", {**STOPPED, **FILLING, **OVERFLOWING}, 21, 23, "ExportStalled"),
    ("full", {f"otelcol_exporter_queue_size{QUEUE}": "10x40 900x200"}, 24, 27, "QueueNearlyFull"),
    ("filling", {f"otelcol_exporter_queue_size{QUEUE}": "10x40 10+20x200"}, 24, 32, "QueueFillsSoon"),
    ("outdated", {f"up{{{POD}}}": "_x240", HASH: "1x240"}, 29, 32, "ConfigOutdated"),
    ("certificate", {CERTIFICATE: "600000x240"}, 59, 62, "CertificateExpires"),
    (
        "exported",
        {CERTIFICATE: "_x240", CERTIFICATE.replace("namespace", "exported_namespace"): "600000x240"},
        59,
        62,
        "CertificateExpires",
    ),
)


def test_an_alert_fires_after_its_time_and_alone(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    plays = [Play(name, {**WELL, **change}, {before: "", then: alert}) for name, change, before, then, alert in CHANGES]
    assert verdict(programs, rules(tmp_path, kube_state_metrics=True), plays) == ""


def of_new(name: str) -> str:
    """Return a series of the first agent as that of an agent that is new on its node."""
    return name.replace('"agent-a"', '"agent-c"').replace('"1"', '"3"')


def test_a_rollout_and_a_node_that_was_removed_raise_no_alert(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    mine = {name: text.partition("x")[0] for name, text in WELL.items() if POD in name}
    old = {name: f"{text}x40 stale" for name, text in mine.items()}
    new = {of_new(name): f"_x40 {text}x200" for name, text in mine.items()}
    removed = {**GONE, 'kube_node_info{node="b"}': "1x40 stale", WANTED: "2x40 1x200"}
    none = dict.fromkeys((21, 25, 30, 60), "")
    plays = [Play("rollout", {**WELL, **old, **new}, none), Play("removed", {**WELL, **removed}, none)]
    assert verdict(programs, rules(tmp_path, kube_state_metrics=True), plays) == ""
    gone = Play("gone", {**WELL, **GONE}, {27: "NodeSilent"})
    assert verdict(programs, rules(tmp_path), [gone]) == ""


def test_a_new_pod_has_three_minutes_for_its_first_delivery(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    new = {of_new(name): f"_x40 {values}" for name, values in WELL.items() if POD in name}
    sent = of_new(f"otelcol_exporter_sent_spans{OUT}")
    slow = Play("slow", {**WELL, **new, sent: "_x40 0x6 100+100x200"}, dict.fromkeys((21, 22, 23, 24, 26, 30), ""))
    never = Play("never", {**WELL, **new, sent: "_x40 0x200"}, {22: "", 24: "ExportStalled"})
    assert verdict(programs, rules(tmp_path), [slow, never]) == ""


def test_a_gap_in_which_nothing_was_scraped_raises_no_alert_afterwards(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    """A counter that was above zero before looks as if it began within the gap."""
    full = {**WELL, f"otelcol_exporter_enqueue_failed_spans{OUT}": "5x240"}
    gap = {name: f"{text.partition('x')[0]}x20 _x20 {text.partition('x')[0]}x200" for name, text in full.items()}
    gap[f"otelcol_process_uptime{{{POD}}}"] = "1000+30x20 _x20 2260+30x200"
    missed = {**full, **gap, f"up{{{POD}}}": "1x20 0x19 1x200"}
    plays = [Play("gap", gap, {10: "", 22: "", 30: ""}), Play("missed", missed, {10: "", 22: "", 30: ""})]
    assert verdict(programs, rules(tmp_path), plays) == ""


def test_the_first_scrape_after_some_that_failed_does_not_look_like_no_delivery(
    programs: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    """From the 41st to the 45th sample nothing is scraped. A rate needs two samples in three minutes."""
    failed = {f"up{{{POD}}}": "1x40 0x4 1x200", f"otelcol_exporter_queue_size{QUEUE}": "10x40 stale _x4 10x200"}
    sent = f"otelcol_exporter_sent_spans{OUT}"
    busy = {**WELL, **failed, sent: "0+100x40 stale _x4 4600+100x200"}
    stopped = {**WELL, **failed, sent: "0+100x40 stale _x4 4000x200"}
    plays = [
        Play("busy", busy, dict.fromkeys((20, 22, 23, 24, 25, 26, 30), "")),
        Play("stopped", stopped, dict.fromkeys((24, 28, 30), "ExportStalled")),
    ]
    assert verdict(programs, rules(tmp_path), plays) == ""


def test_every_alert_is_raised_by_a_test() -> None:
    """Others raise those of a whole cluster: the tests of workloads, GPUs and critical components."""
    others = (*WORKLOAD_ALERTS, *GPU_ALERTS, *CRITICAL_ALERTS)
    of_cluster = {"OtelCollectorNodeUncovered", *(alert.name for alert in others)}
    raised = {f"OtelCollector{alert}" for *_rest, alert in CHANGES}
    assert raised | {fault.alert for fault in FAULTS} - {""} == set(alerts.ALERT_NAMES) - of_cluster
