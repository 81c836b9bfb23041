# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each critical component has a page with its documented metrics; a real Collector hands them to a real Prometheus.

The pages are in tests/fixtures/critical_components, written from the documentation of each project. The jobs are those
of the recipe, but for the discovery of pods: each component is a page server on an address of its own, at its own port.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical import critical_table
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.critical_row import (
    CriticalComponent,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.prometheus import Prometheus, run_prometheus, wait_until

from .test_monitoring import programs  # noqa: F401 - a fixture
from .test_real_collector import program  # noqa: F401 - a fixture

PAGES = Path(__file__).parents[1] / "fixtures" / "critical_components"
SECONDS = 40.0
SELECTOR = re.compile(r"[A-Za-z_]*\{[^{}]*\}")
COLLECTOR_ADDRESS = "127.0.20.200"
API_SERVER_PORT = 6443


def page_server(page: str) -> type[BaseHTTPRequestHandler]:
    """Return the handler of a server with one page of metrics."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_args: Any) -> None:
            """Print nothing."""

    return Handler


@contextmanager
def serving_at(address: str, port: int, page: str) -> Iterator[None]:
    server = ThreadingHTTPServer((address, port), page_server(page))
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def composed(url: str) -> dict[str, Any]:
    """Return the config of a collector that scrapes all components, and hands them to a Prometheus."""
    recipes = [
        {"critical_components": {"components": list(critical_table.COMPONENTS), "interval": "1s"}},
        {"prometheus_otlp_export": {"endpoint": url}},
    ]
    item = {"name": "components", "recipes": recipes}
    config: dict[str, Any] = _render.judge_request(_render.RenderRequest([item], {"namespace": "a"}))[
        0
    ].composed_config.config
    return config


def port_of(job: dict[str, Any]) -> int:
    """Return the port at which a job scrapes its pods."""
    replacements = [step.get("replacement", "") for step in job["relabel_configs"]]
    ports = [int(text.removeprefix("$$1:")) for text in replacements if text.startswith("$$1:")]
    return ports[0] if ports else API_SERVER_PORT


def found_at(job: dict[str, Any], address: str, port: int) -> dict[str, Any]:
    """Return a job that finds one pod, or the API server, without a cluster, TLS and tokens."""
    about_pod = {f"__meta_kubernetes_pod_{key}": f"{job['job_name']}-0" for key in ("name", "node_name")}
    labels = {**about_pod, "__meta_kubernetes_pod_ip": address, "__meta_kubernetes_namespace": "kube-system"}
    labels["__meta_kubernetes_endpointslice_port_name"] = "https"
    kept = {key: job[key] for key in ("job_name", "metrics_path", "relabel_configs")}
    return {**kept, "static_configs": [{"targets": [f"{address}:{port}"], "labels": labels}]}


@pytest.fixture(scope="module")
def watched(
    program: Path,  # noqa: F811
    programs: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Prometheus]:
    """Return a Prometheus to which a Collector hands the pages of all components."""
    folder = tmp_path_factory.mktemp("critical")
    with ExitStack() as stack:
        prometheus = stack.enter_context(
            run_prometheus(folder, programs, [], otlp={"promote_all_resource_attributes": True})
        )
        config = composed(prometheus.url)
        jobs = config["receivers"]["prometheus/critical_components"]["config"]["scrape_configs"]
        for number, job in enumerate(jobs, start=1):
            address, port = f"127.0.20.{number}", port_of(job)
            page = (PAGES / f"{job['job_name']}.txt").read_text(encoding="utf-8")
            stack.enter_context(serving_at(address, port, page))
            jobs[number - 1] = found_at(job, address, port)
        file = folder / "collector.yaml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        log = stack.enter_context((folder / "collector.log").open("wb"))
        process = subprocess.Popen(
            [program, "--config", file], stdout=log, stderr=log, env={**os.environ, "MY_POD_IP": COLLECTOR_ADDRESS}
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        everything = len(critical_table.COMPONENTS)
        scraped = wait_until(
            lambda: len(prometheus.query_series('up{critical_component!=""} == 1')) == everything, SECONDS
        )
        assert scraped, (folder / "collector.log").read_text(encoding="utf-8")
        yield prometheus


def selectors(component: CriticalComponent) -> list[str]:
    """Return what the alerts and the panel of a component select."""
    facts = {critical_table.component_feature(component.name)}
    alerts = [alert.expr for alert in critical_table.CRITICAL_ALERTS if facts.issuperset(alert.needed_features)]
    panels = [panel.expr for panel in critical_table.CRITICAL_PANELS if facts.issuperset(panel.needed_features)]
    found = [match[0] for expr in (*alerts, *panels) for match in SELECTOR.finditer(expr)]
    return [selector for selector in dict.fromkeys(found) if not selector.startswith("ALERTS")]


@pytest.mark.parametrize("component", critical_table.COMPONENTS.values(), ids=lambda component: component.name)
def test_every_metric_of_an_alert_or_panel_is_on_the_documented_page(
    watched: Prometheus, component: CriticalComponent
) -> None:
    asked = selectors(component)
    assert len(asked) > len(component.alerts)
    assert [selector for selector in asked if not watched.query_series(f"count({selector})")] == []


@pytest.mark.parametrize("panel", critical_table.CRITICAL_PANELS, ids=lambda panel: panel.title)
def test_a_panel_has_a_graph(watched: Prometheus, panel: Any) -> None:
    query = panel.expr.replace("$__rate_interval", "1m")
    assert wait_until(lambda: watched.query_series(query), SECONDS), query


def test_a_component_has_two_alerts_of_all_and_at_most_three_of_its_own_with_their_sources() -> None:
    own = {name: len(component.alerts) for name, component in critical_table.COMPONENTS.items()}
    assert set(own.values()) <= {1, 2, 3}
    assert [alert.name for alert in critical_table.CRITICAL_ALERTS if not alert.source.startswith("https://")] == []
    assert {path.stem for path in PAGES.glob("*.txt")} == set(own)
