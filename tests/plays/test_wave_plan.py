# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook site with waves in check mode: what changes in which wave, with equal differences once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import plays
from tests.support.watched_runs import ReadyApi, serve_api

from .test_noop import kubeconfig

NAMES = ("dev", "eu")
WAVES = [{"name": "all", "members": list(NAMES)}]


@pytest.fixture(name="clusters")
def _clusters(tmp_path: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """Two clusters, each with the name that its collector adds and the kubeconfig."""
    with ExitStack() as stack:
        variables = {}
        for name in NAMES:
            api = ReadyApi({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
            folder = tmp_path / name
            folder.mkdir()
            variables[name] = {
                "otel_collector_kubeconfig": kubeconfig(folder, stack.enter_context(serve_api(api))),
                "otel_collectors": collectors(name),
            }
        yield variables


def collectors(name: str) -> list[dict[str, Any]]:
    """Return a gateway whose config differs in each cluster, and changes alike in all of them."""
    named = {"resource_attributes": {"attributes": {"k8s.cluster.name": name}}}
    forward = {"otlp_forward": {"endpoint": "{{ backend }}:4317", "insecure": True}}
    return [{"name": "gateway", "recipes": ["otlp_ingest", named, forward]}]


def site(folder: Path, clusters: dict[str, dict[str, Any]], *more: str, **variables: Any) -> str:
    done = plays.run(folder, "playbooks/site.yml", clusters, "-e", json.dumps(variables), *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_equal_differences_of_a_wave_are_shown_once(tmp_path: Path, clusters: dict[str, dict[str, Any]]) -> None:
    site(tmp_path, clusters, backend="old.example.com")
    for more in ((), ("--diff",)):
        said = site(tmp_path, clusters, "--check", *more, backend="new.example.com", otel_waves=WAVES)
        told = said.partition("Wave all passed:")[2]
        assert "collectors would change on 2 (dev, eu)" in told, said
        assert "2 clusters: dev, eu" in told
        assert re.search(r"\+ +endpoint: new\.example\.com:4317", told), told
        assert said.count("endpoint: new.example.com:4317") == 1, said
