# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses go through a proxy, as Go decides."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.proxies import (
    Proxy,
    find_proxies,
    find_proxy_for,
)

from tests.support.cases import cases

PROXY = {"HTTPS_PROXY": "http://p:3128"}


@cases(
    "value, host, port",
    ("http://p:3128", "p", 3128),
    ("p:3128", "p", 3128),
    ("p", "p", 80),
    ("https://p", "p", 443),
    ("socks5://p", "p", 1080),
    ("socks5h://p", "p", 1080),
    ("http://me:secret@p:1/x", "p", 1),
    ("http://p:abc", "p", 0),
    ("http://[::1", "[::1", 0),
    ("http://me:secret@[::1", "[::1", 0),
)
def test_the_proxy_of_a_variable(value: str, host: str, port: int) -> None:
    assert find_proxy_for("gw.ns.svc", 4317, "https", {"HTTPS_PROXY": value}) == Proxy("HTTPS_PROXY", host, port)


@cases("value", "", "${env:PROXY}")
def test_a_variable_without_a_known_value_names_none(value: str) -> None:
    assert find_proxy_for("gw.ns.svc", 4317, "https", {"HTTPS_PROXY": value}) is None


# What golang.org/x/net/http/httpproxy of v0.58.0 decides.
@cases(
    "no_proxy, host, port",
    ("*", "gw.example", 4317),
    ("other,gw.example", "gw.example", 4317),
    ("example", "gw.example", 4317),
    (".example", "gw.example", 4317),
    ("*.example", "gw.example", 4317),
    ("gw.example:4317", "gw.example", 4317),
    ("gw.example:", "gw.example", 4317),
    ("GW.example", "gw.Example", 4317),
    ("10.0.0.0/8", "10.1.2.3", 4317),
    ("10.1.2.3", "10.1.2.3", 4317),
    ("10.1.2.3:4317", "10.1.2.3", 4317),
    ("fd00:0:0::1", "fd00::1", 4317),
    ("[fd00::1]:4317", "fd00::1", 4317),
    ("::ffff:10.1.2.3", "10.1.2.3", 4317),
    ("", "127.0.0.1", 4317),
    ("", "127.8.8.8", 4317),
    ("", "::1", 4317),
    ("", "::ffff:127.0.0.1", 4317),
    ("", "localhost", 4317),
)
def test_a_connection_without_the_proxy(no_proxy: str, host: str, port: int) -> None:
    assert find_proxy_for(host, port, "https", {**PROXY, "NO_PROXY": no_proxy}) is None


@cases(
    "no_proxy, host, port",
    ("", "gw.example", 4317),
    (".gw.example", "gw.example", 4317),
    ("*example", "gw.example", 4317),
    ("*example", "example", 4317),
    ("gw.example:4318", "gw.example", 4317),
    ("gw.example:https", "gw.example", 443),
    ("10.0.0.0/8", "gw.example", 4317),
    ("10.0.0.0/255.0.0.0", "10.1.2.3", 4317),
    (".2.3", "10.1.2.3", 4317),
    ("[fd00::1]", "fd00::1", 4317),
    (":4317", "gw.example", 4317),
    ("gw.example", "gw.example.", 4317),
    ("", "127.example", 4317),
)
def test_a_connection_through_the_proxy(no_proxy: str, host: str, port: int) -> None:
    assert find_proxy_for(host, port, "https", {**PROXY, "NO_PROXY": no_proxy}) == Proxy("HTTPS_PROXY", "p", 3128)


def test_one_proxy_of_several_variables_is_named_once() -> None:
    named = {"HTTP_PROXY": "p:1", "http_proxy": "q:1", "HTTPS_PROXY": "p:1"}
    assert find_proxies(named) == [Proxy("HTTP_PROXY", "p", 1), Proxy("http_proxy", "q", 1)]
