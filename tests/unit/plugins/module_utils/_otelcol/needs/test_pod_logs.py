# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The globs of a collector's log files match its own pods and no others, as doublestar reads them."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.file_globs import glob_matches
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.pod_logs import PodLogs
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cases import cases

CONTAINER = "opentelemetry-collector"
# What Kubernetes makes random names of. Source: alphanums in apimachinery's pkg/util/rand.
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
random = st.text(ALPHABET, min_size=5, max_size=5)
hashes = st.text(ALPHABET, min_size=6, max_size=10)


def logs(mode: str, workload: str = "gateway") -> PodLogs:
    return PodLogs(mode, "telemetry", workload, CONTAINER)


def file(pod: str, namespace: str = "telemetry", container: str = CONTAINER) -> str:
    return f"/var/log/pods/{namespace}_{pod}_0b1c-2d3e/{container}/12.log"


def generated(prefix: str, end: str) -> str:
    """Return a name as the API server generates it."""
    return f"{prefix[:58]}{end}"


@given(st.integers(1, 63), hashes, random)
def test_every_pod_of_a_deployment_and_of_a_daemon_set_is_matched(length: int, pod_hash: str, end: str) -> None:
    name = "a" * length
    assert glob_matches(logs("deployment", name).file_glob, file(generated(f"{name}-{pod_hash}-", end)))
    assert glob_matches(logs("daemonset", name).file_glob, file(generated(f"{name}-", end)))


@pytest.mark.parametrize("ordinal", [0, 12, 999])
def test_every_pod_of_a_stateful_set_is_matched(ordinal: int) -> None:
    assert glob_matches(logs("statefulset").file_glob, file(f"gateway-{ordinal}"))


@pytest.mark.parametrize("mode", ["deployment", "daemonset", "statefulset"])
@cases(
    "path",
    file("gateway-eu-5c4f9d7b6d-x2x2x"),
    file("gateway-frontend-x2x2x"),
    file("gateway-web-0"),
    file("gateway-0-x2x2x"),
    file("gateway"),
    file("my-gateway-x2x2x"),
    *(file(pod, namespace="telemetry-eu") for pod in ("gateway-5c4f9d7b6d-x2x2x", "gateway-x2x2x", "gateway-0")),
    *(file(pod, container="app") for pod in ("gateway-5c4f9d7b6d-x2x2x", "gateway-x2x2x", "gateway-0")),
)
def test_no_pod_of_another_owner_is_matched(mode: str, path: str) -> None:
    assert not glob_matches(logs(mode).file_glob, path)


@pytest.mark.parametrize("mode", ["deployment", "daemonset", "statefulset"])
def test_an_example_is_one_of_the_files(mode: str) -> None:
    path, link = logs(mode).example_paths
    assert glob_matches(logs(mode).file_glob, path)
    assert glob_matches(f"/var/log/containers/gateway-*_telemetry_{CONTAINER}-*.log", link)


def test_the_pods_of_a_sidecar_are_not_known() -> None:
    assert (logs("sidecar").file_glob, logs("sidecar").example_paths) == ("", ())
