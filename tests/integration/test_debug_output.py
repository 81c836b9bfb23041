# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recipe `debug_output` promises: a line for each batch, or for each item, also when many come at once.

The logger of the Collector prints ten equal messages in ten seconds. It tells messages apart by 4,096 numbers, so it
also leaves out items whose number is that of another message.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.cluster import wait_until
from tests.support.load import post_http

from .test_batches import running
from .test_real_collector import program, target  # noqa: F401 - fixtures

BATCHES, SECONDS = 300, 30
# What is printed once for each batch of one log record.
PRINTED = {"basic": '"log records": 1}', "normal": "record-"}


def config_of(verbosity: str) -> dict[str, Any]:
    recipes = [{"otlp_ingest": {"signals": ["logs"]}}, {"debug_output": {"verbosity": verbosity}}]
    (planned,) = _render.judge_request(_render.RenderRequest([{"name": "one", "recipes": recipes}], {}))
    config: dict[str, Any] = json.loads(
        json.dumps(planned.composed_config.config).replace("${env:MY_POD_IP}", "127.0.0.8")
    )
    return config


@pytest.mark.parametrize("verbosity", PRINTED)
def test_each_batch_is_printed(program: Path, tmp_path: Path, verbosity: str) -> None:  # noqa: F811
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config_of(verbosity)), encoding="utf-8")
    with running(program, file, 4318, "127.0.0.8"):
        for number in range(BATCHES):
            post_http("http://127.0.0.8:4318", f"record-{number}.")
        log = file.with_suffix(".log")
        wait_until("all batches", lambda: log.read_text().count(PRINTED[verbosity]) == BATCHES, SECONDS)
