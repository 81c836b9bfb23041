# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_collector/manifests/explicit_config.py: a config without null."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.explicit_config import (
    make_config_explicit,
)


def test_what_is_null_is_said_where_tools_would_drop_it_and_kept_where_it_means_something() -> None:
    config = """
        receivers: {otlp: {protocols: {grpc: null, http: {tls: null}}}, nop: null}
        processors: null
        connectors: {}
        exporters: {debug: null}
        service:
          extensions: null
          telemetry: {resource: {service.instance.id: null}}
          pipelines: {traces: {receivers: [otlp], processors: null, exporters: [debug]}}
    """
    wanted = """
        receivers: {otlp: {protocols: {grpc: {}, http: {tls: null}}}, nop: {}}
        exporters: {debug: {}}
        service:
          telemetry: {resource: {service.instance.id: null}}
          pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
    """
    assert make_config_explicit(yaml.safe_load(config)) == yaml.safe_load(wanted)


@pytest.mark.parametrize("config", [{"receivers": []}, {"service": None}, {"service": {"pipelines": {"traces": 1}}}])
def test_what_is_malformed_stays_for_others_to_judge(config: dict[str, Any]) -> None:
    assert make_config_explicit(config) == {key: value for key, value in config.items() if value is not None}
