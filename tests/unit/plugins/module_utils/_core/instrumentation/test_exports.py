# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each language exports, and which protocols cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.instrumentation.languages import (
    GRPC,
    HTTP,
    LANGUAGES,
)

from .helpers import instrumentation


def test_every_language_sends_its_default_to_the_port_of_that() -> None:
    found = {item.language.name: (item.protocol, item.endpoint.port) for item in instrumentation(*LANGUAGES).exports}
    http, grpc = (HTTP, 4318), (GRPC, 4317)
    assert found == {
        "java": http,
        "nodejs": http,
        "python": http,
        "dotnet": http,
        "go": http,
        "apache_httpd": grpc,
        "nginx": grpc,
    }


@pytest.mark.parametrize(
    ("language", "options", "says"),
    [
        ("python", {"protocol": "grpc"}, "Python cannot export by grpc.*or an `image` of your own"),
        ("nginx", {"protocol": "http/protobuf", "image": "mine"}, "nginx cannot export by http/protobuf.*Use grpc"),
        ("java", {"protocol": "grcp"}, "did you mean 'grpc'"),
        (
            "python",
            {"endpoint": "http://g.t.svc:4317"},
            r"Python exports by http/protobuf, but port 4317 .* is that of grpc. Send it to port 4318; ",
        ),
        ("java", {"endpoint": "http://g.t.svc:4317"}, "Send it to port 4318, or give it `protocol: grpc`"),
        ("java", {"endpoint": "http://g.t.svc:4318", "protocol": "grpc"}, "Send it to port 4317"),
        ("nginx", {"endpoint": "http://g.t.svc:4318", "image": "mine"}, "Send it to port 4317; "),
    ],
)
def test_a_protocol_that_is_not_spoken_is_told_with_the_way_out(
    language: str, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(Problem, match=f"instrumentation 'default': .*{says}"):
        instrumentation(language, **{language: options})


def test_an_image_of_ones_own_may_speak_more() -> None:
    (found,) = instrumentation("python", python={"protocol": "grpc", "image": "mine"}).exports
    assert (found.protocol, found.endpoint.port) == (GRPC, 4317)


def test_of_other_ports_nothing_is_guessed() -> None:
    (found,) = instrumentation("python", collector={}, endpoint="http://g.t.svc:80").exports
    assert found.endpoint.port == 80


def test_somewhere_it_must_send() -> None:
    with pytest.raises(Problem, match="does not say where to send to"):
        instrumentation("python", collector={})


def test_certificates_need_https() -> None:
    tls = {"ca_file": "/etc/ca.crt"}
    with pytest.raises(Problem, match="has `tls`, but Python sends to http://g:4318"):
        instrumentation("python", collector={}, endpoint="http://g:4318", tls=tls)
    assert instrumentation("python", tls=tls).exports[0].endpoint.scheme == "https"


@pytest.mark.parametrize(
    ("common", "own", "signals"),
    [
        ({}, {}, ("traces", "metrics", "logs")),
        ({"OTEL_METRICS_EXPORTER": "none"}, {}, ("traces", "logs")),
        (
            {"OTEL_METRICS_EXPORTER": "none"},
            {"OTEL_METRICS_EXPORTER": "prometheus,otlp"},
            ("traces", "metrics", "logs"),
        ),
        ({}, {"OTEL_LOGS_EXPORTER": {"config_map": "a", "key": "b"}}, ("traces", "metrics", "logs")),
    ],
)
def test_what_is_switched_off_is_not_sent(common: Any, own: Any, signals: tuple[str, ...]) -> None:
    (found,) = instrumentation("python", env=common, python={"env": own}).exports
    assert found.signals == signals
