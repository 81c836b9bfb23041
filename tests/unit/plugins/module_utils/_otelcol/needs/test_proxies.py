# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses NO_PROXY excepts, as golang.org/x/net/http/httpproxy reads it, and values that name no proxy."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.proxies import (
    Proxy,
    is_excepted,
    proxies,
    proxy_for,
)

from ...helpers import cases


@cases(
    "entry, host, port, excepted",
    ("*", "gw", 443, True),
    ("example.com", "example.com", 443, True),
    ("example.com", "gw.example.com", 443, True),
    ("example.com", "badexample.com", 443, False),
    (".example.com", "gw.example.com", 443, True),
    (".example.com", "example.com", 443, False),
    ("*.example.com", "gw.example.com", 443, True),
    ("*.example.com", "example.com", 443, False),
    ("*example.com", "example.com", 443, False),
    ("gw:443", "gw", 443, True),
    ("gw:443", "gw", 4317, False),
    ("gw:https", "gw", 443, False),
    (":443", "gw", 443, False),
    (" GW , a", "gw", 443, True),
    ("10.0.0.0/8", "10.1.2.3", 443, True),
    ("10.0.0.0/8", "gw", 443, False),
    ("10.0.0.0/99", "10.1.2.3", 443, False),
    ("10.1.2.3", "10.1.2.3", 443, True),
    ("10.1.2.3:80", "10.1.2.3", 443, False),
    ("2.3", "10.1.2.3", 443, True),
    ("fd00:0:0::1", "fd00::1", 443, True),
    ("[fd00::1]:443", "fd00::1", 443, True),
    ("[fd00::1]:80", "fd00::1", 443, False),
    ("fd00::/16", "fd00::1", 443, True),
)
def test_an_entry_excepts_what_go_excepts(entry: str, host: str, port: int, excepted: bool) -> None:
    assert is_excepted(host, port, {"NO_PROXY": entry}) is excepted


@cases("value", "http://[::1", "http://[foo]", "http://${env:P}")
def test_what_is_no_url_names_no_proxy(value: str) -> None:
    assert proxies({"HTTPS_PROXY": value}) == []
    assert proxy_for("gw.ns.svc", 4317, "https", {"HTTPS_PROXY": value}) is None


@cases(
    "value, port",
    ("p", 80),
    ("p:3128", 3128),
    ("https://p", 443),
    ("socks5://p", 1080),
    ("socks5h://p", 1080),
    ("http://p:x", 0),
)
def test_a_proxy_has_the_usual_port_of_its_scheme(value: str, port: int) -> None:
    assert proxies({"HTTPS_PROXY": value}) == [Proxy("HTTPS_PROXY", "p", port)]
