# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of settings: what the real Collector refuses, the shared rules refuse, and nothing else."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.go_encodings import ENCODINGS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.go_time_zones import ZONES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild

from .collector import Validate
from .real_collector_cases import BASE, Broken, changed
from .test_real_collector import FOLDER, TESTBED, program, target, usable, validate, verdict

__all__ = ["program", "target", "validate"]
VALUES = yaml.safe_load((Path(__file__).parent / "values.yml").read_text(encoding="utf-8"))
# The signal of the pipeline that starts a component.
SIGNALS = {"file_log": "logs"}
SIGNALS |= dict.fromkeys(("prometheus", "host_metrics", "metrics_transform", "cumulativetodelta"), "metrics")
SIGNALS |= dict.fromkeys(("prometheus_remote_write", "statsd", "cumulative_to_delta", "k8s_cluster"), "metrics")
SIGNALS |= dict.fromkeys(("kubelet_stats", "awsemf"), "metrics")


def started(section: str, kind: str, settings: Any, signal: str = "") -> Any:
    """Return a config in which a pipeline has this component."""
    if section == "extensions":
        return changed({f"extensions/{kind}": settings, "service/extensions": [kind]}, BASE)
    signal, _arrow, out = (signal or SIGNALS.get(kind, "traces")).partition(">")
    pipelines = {f"{signal}/new": {"receivers": ["otlp"], "exporters": ["debug"]}}
    (pipeline,) = pipelines.values()
    if section == "connectors":
        pipeline["exporters"] = [kind]
        pipelines[f"{out or 'metrics'}/out"] = {"receivers": [kind], "exporters": ["debug"]}
    else:
        pipeline[section] = [kind]
    return changed({f"{section}/{kind}": settings, "service/pipelines": pipelines}, BASE)


def configs() -> list[Broken]:
    """Return a config for each value."""
    rows = [("receivers", "file_log", {"include": ["/x"], "operators": value}) for value in VALUES["operators"]]
    rows += [("receivers", "prometheus", {"config": {"scrape_configs": value}}) for value in VALUES["scrape"]]
    own = [
        Broken(f"telemetry {value}"[:200], "", changed({"service/telemetry": value})) for value in VALUES["telemetry"]
    ]
    return own + [
        Broken(f"{kind} {value} {signal}"[:200], "", started(section, kind, value, *signal))
        for section, kind, value, *signal in [*rows, *VALUES["values"]]
    ]


def test_values(validate: Validate, target: TargetBuild, tmp_path: Path) -> None:
    asked = [case for case in configs() if usable(case.config, target)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        verdicts = list(pool.map(lambda case: verdict(validate, target, tmp_path, case), enumerate(asked)))
    print(Counter((bool(item.message), bool(item.errors)) for item in verdicts))
    differ = [
        (item.name, item.message[-200:], item.errors) for item in verdicts if bool(item.message) != bool(item.errors)
    ]
    print("\n".join(map(str, differ)))
    assert differ == []
    assert sum(bool(item.message) for item in verdicts) >= 200 or FOLDER != TESTBED


def test_every_time_zone_and_encoding_exists(validate: Validate, target: TargetBuild, tmp_path: Path) -> None:
    zones = dict(enumerate(sorted(ZONES)))
    parser = {"type": "time_parser", "parse_from": "body.t", "layout": "%Z", "time_zone_locations": zones}
    decoded = [f'set(span.name, Decode("a", "{name}"))' for name in ENCODINGS]
    for number, (section, kind, settings) in enumerate(
        (
            ("receivers", "file_log", {"include": ["/x"], "operators": [parser]}),
            ("processors", "transform", {"trace_statements": decoded}),
        )
    ):
        if FOLDER != TESTBED and not usable({section: {kind: settings}}, target):
            continue  # another build
        item = verdict(validate, target, tmp_path, (number, Broken("", "", started(section, kind, settings))))
        assert (item.message, item.errors) == ("", {})
