# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory renders for a host and what runs there have one form."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _host_forecast_input

from tests.support.cases import cases

IMAGE = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.158.0"


@cases(
    "program, image",
    ("contrib 0.158.0", IMAGE),
    ("/usr/bin/otelcol-contrib", ""),
    ("/opt/my collector/otelcol 0.158.0", ""),
)
def test_a_rendered_collector_has_its_host_as_namespace(program: str, image: str) -> None:
    files = [{"path": "agent/unit", "content": "[Unit]"}, {"path": "agent/config.yaml", "content": "receivers: {}"}]
    rows = _host_forecast_input.build_collector_rows([{"name": "agent", "program": program}], files, "web1")
    assert rows == [
        {"kind": "service", "namespace": "web1", "name": "agent", "config": "receivers: {}", "image": image}
    ]


@cases(
    "program, image",
    ("/opt/otelcol/contrib-0.158.0-0123456789ab/otelcol-contrib", IMAGE),
    ("/opt/otelcol/mine-0.158.0-0123456789ab/otelcol", ""),
    ("/usr/bin/otelcol-contrib", ""),
    ("", ""),
)
def test_the_folder_of_a_program_says_what_runs(program: str, image: str) -> None:
    running = [{"name": "agent", "config": {"a": 1}, "program": program}]
    forms = _host_forecast_input.read_running_configs(running, "web1")
    assert {name: (form.config, form.image) for name, form in forms.items()} == {"web1/agent": ({"a": 1}, image)}


def test_credentials_stay_on_the_host() -> None:
    """A replay reads no files, and a config that differs by its credentials alone is the same."""
    text = "${file:${env:CREDENTIALS_DIRECTORY}/TOKEN}"
    file = {"path": "agent/config.yaml", "content": f"token: {text}"}
    rendered = [{"name": "agent", "program": "contrib 0.158.0"}]
    (row,) = _host_forecast_input.build_collector_rows(rendered, [file], "web1")
    running = [{"name": "agent", "config": {"token": [text]}}]
    form = _host_forecast_input.read_running_configs(running, "web1")["web1/agent"]
    assert row["config"] == "token: ${env:TOKEN}"
    assert form.config == {"token": ["${env:TOKEN}"]}
