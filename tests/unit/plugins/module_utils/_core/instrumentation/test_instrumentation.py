# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of an Instrumentation that could not work."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from .helpers import instrumentation


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "A"}, "no valid name"),
        ({"namespace": "a_b"}, "no valid namespace"),
        ({"languages": {}}, "has no languages. Give `languages`, of java, nodejs"),
        ({"endpoint": "http://g:4318"}, "both `collector` and `endpoint`"),
        ({"resource_attributes": {"team": "a,b"}}, "'team' has a comma.*%2C"),
        ({"labels": {"a": None}}, "labels has a value that is no text"),
        ({"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://g:4318"}}, "Give `endpoint` of the language"),
        ({"python": {"env": {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}}}, "Give `protocol` of the language"),
        ({"sampler": {"type": "always_of"}}, "instrumentation 'default': there is no sampler.*'always_off'"),
    ],
)
def test_it_is_told_what_is_wrong(options: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        instrumentation(**options)


@pytest.mark.parametrize(
    "env",
    [{"API_TOKEN": "hush"}, {"DB_PASSWORD": "hush"}, {"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer hush"}],
)
def test_secrets_stand_in_no_resource_and_no_message(env: dict[str, str]) -> None:
    with pytest.raises(Problem, match=r"clear text.*secret: NAME") as caught:
        instrumentation(env=env)
    assert "hush" not in str(caught.value)


def test_references_and_harmless_headers_are_fine() -> None:
    env = {"API_TOKEN": {"secret": "a", "key": "b"}, "OTEL_EXPORTER_OTLP_HEADERS": "x-scope-orgid=shop"}
    assert instrumentation(env=env).env == env


@pytest.mark.parametrize(
    ("tls", "says"),
    [
        ({"secret_name": "a", "cert_file": "tls.crt"}, "one of cert_file and key_file"),
        ({"secret_name": "a"}, "uses no file"),
        ({"config_map_name": "a"}, "uses no file"),
        ({"ca_file": "ca.crt"}, "no config_map_name or secret_name"),
        (
            {"config_map_name": "a", "ca_file": "ca", "cert_file": "c", "key_file": "k"},
            "has cert_file, but no secret_name",
        ),
    ],
)
def test_certificates_that_the_operator_would_leave_out_are_told(tls: dict[str, str], says: str) -> None:
    with pytest.raises(Problem, match=says):
        instrumentation(tls=tls)


def test_paths_in_the_container_need_no_secret() -> None:
    tls = {"ca_file": "/ca.crt", "cert_file": "/tls.crt", "key_file": "/tls.key", "secret_name": None}
    assert set(instrumentation(tls=tls).tls) == {"ca_file", "cert_file", "key_file"}


def test_annotations_name_it_in_full() -> None:
    assert instrumentation().reference == "telemetry/default"
