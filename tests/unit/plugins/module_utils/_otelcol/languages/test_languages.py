# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages import (
    formats,
    go_addresses,
    go_urls,
    ottl_language,
    ottl_literals,
    ottl_reading,
    ottl_syntax,
    regex,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_syntax import UsedNames
from hypothesis import given
from hypothesis import strategies as st

from tests.support.growth import SLOW, is_long, measure_cpu_seconds, measure_growth

# What Go's regexp.Compile says of each.
ACCEPTED = (
    *(
        r"a*",
        r"(?<n>a)(?P<m>b)",
        r"a{1000}",
        r"\12",
        r"\_",
        r"x*?",
        r"(?i-s:a)",
        r"[]a]",
        r"[^]]",
        r"a{,5}",
        r"{",
        r"a{2",
        r"(?P<n>a)(?P<n>b)",
        r"\pl\p{^Lu}\p{ letter}[\P{any}]",
    ),
    *(r"[[:^alpha:]]", r"(|a)*", r"\pL\p{Greek}", r"\x{10FFFF}", r"\Qab(", r"^*", r"", r"[a-b-c]", r"[\w-z]", r"(?i)"),
)
REFUSED = (
    ("a**", 2, "repeats a repetition"),
    ("a++", 2, "possessive"),
    ("b(?=x)", 1, "lookahead"),
    ("(?<!x)", 0, "lookbehind"),
    ("(?>x)", 0, "atomic"),
    (r"(a)\1", 3, "backreferences"),
    ("(?<n-a>x)", 0, "name of a group"),
    ("(?x)", 0, "`(?x`"),
    ("a{1001}", 1, "at most 1000"),
    ("a{3,2}", 1, "no valid repetition"),
    ("(a{100}){11}", 8, "nested repetitions"),
    ("[z-a]", 1, "no valid range"),
    (r"[a-\d]", 1, "no valid range"),
    (r"[\b]", 1, r"`\b`"),
    (r"\Z", 0, r"`\Z`"),
    ("[[:foo:]]", 1, "[:foo:]"),
    ("*", 0, "nothing"),
    ("a|*", 2, "nothing"),
    (r"\p{Greek", 0, "Unicode"),
    (r"\p{Greec}", 0, "no Unicode class 'Greec'; did you mean 'Greek'?"),
    (r"[\px]", 1, "no Unicode class 'x'"),
    (r"\x{110000}", 0, "hexadecimal"),
    ("[a", 0, "`]`"),
    ("x(a", 1, "`)`"),
    ("a)", 1, "closes no group"),
    ("a\\", 1, "escapes nothing"),
)
# How a text begins, what it repeats, and how it ends.
HOSTILE = (
    *(("", part, "") for part in ("(", "[", "a{", "\\Q", "{", "a and ", "f(", "not ", "A")),
    *(("(?<", "a", ""), ("set(a, ", "(x, ", ""), ("set(a, [", "1 ", ""), ("set(a, ", "(", "a")),
    *(("set(", "a.a", ""), ("set(a, {", '"a": {', ""), ('"', "\\\\", "\\")),
)


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_go_compiles_is_accepted(text: str) -> None:
    assert regex.find_regex_refusal(text) is None


@pytest.mark.parametrize(("text", "start", "why"), REFUSED)
def test_what_go_does_not_compile_is_refused_at_its_place(text: str, start: int, why: str) -> None:
    refusal = regex.find_regex_refusal(text)
    assert refusal
    assert (refusal.start, why in refusal.reason) == (start, True), refusal


NETWORKS = ("10.0.0.0/8", "10.0.0.1/008", "::/0", "1:2:3:4:5:6:1.2.3.4/128", "::ffff:1.2.3.4/96")
NO_NETWORKS = ("", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.01/8", "fe80::1%eth0/64", "1::/129", "1.2.3.4/-1")


@pytest.mark.parametrize("text", [*NETWORKS, *NO_NETWORKS])
def test_networks_are_read_as_go_reads_them(text: str) -> None:
    assert bool(formats.find_network_fault(text)) == (text in NO_NETWORKS)


URLS = ("http://a.<region>.b/", "http://é:80", "grpc://h::1", "a", "//h/x", "mailto:x", "http://[::1]:80/", "#\t")
NO_URLS = ("http://a b", "http://h:x", "1:2", "http://%zz", "http://[::1", "http://h|", "x\t")


@pytest.mark.parametrize("text", [*URLS, *NO_URLS])
def test_urls_are_read_as_go_reads_them(text: str) -> None:
    assert bool(go_urls.find_url_fault(text)) == (text in NO_URLS)


ADDRESSES = ("a:1", ":1", "[::1]:4317", "dns:///a:1", "dns://[::1]:53/a:1", "https://[::1]:1")
NO_ADDRESSES = ("a", "a:", "a:b", "::1:4317", "[::1]", "a:1:2", "http://a", "http://a:1/x", "http://a:1:2")


@pytest.mark.parametrize("text", [*ADDRESSES, *NO_ADDRESSES])
def test_targets_of_grpc_are_read_as_go_reads_them(text: str) -> None:
    assert bool(go_addresses.find_address_fault(go_addresses.extract_dialed_address(text))) == (text in NO_ADDRESSES)


@pytest.mark.parametrize(("text", "refused"), [("a:1", False), ("a:0", True), ("a:65536", True), ("a:-1", True)])
def test_a_server_has_a_port_in_its_range(text: str, refused: bool) -> None:
    assert bool(go_addresses.find_address_fault(text, 1, 65535)) == refused


@pytest.mark.parametrize(
    ("text", "why", "meant"),
    [
        ("0.0.0.0", "has no port", "0.0.0.0:4317"),
        ("localhost", "has no port", "localhost:4317"),
        ("gateway", "has no port", "0.0.0.0:4317"),
        ("9411", "is a port without a host", "0.0.0.0:9411"),
        ("http://[::1]:4318/v1", "is a URL", "[::1]:4318"),
        ("https://collector", "is a URL", "0.0.0.0:4317"),
        (":70000", "not between 0 and 65535", "0.0.0.0:4317"),
        ("localhost:otlp", "names its port", "localhost:4317"),
        ("::1:4317", "stands in brackets", "[::1]:4317"),
        ("[::1]", "has no port", "[::1]:4317"),
        ("http://[2001:db8::1]/v1", "is a URL", "[2001:db8::1]:4317"),
        ("a:4317/x", "has a path", "0.0.0.0:4317"),
        (":4317", "", "0.0.0.0:4317"),
        ("localhost:", "", "localhost:4317"),
        ("localhost:https", "", "localhost:4317"),
    ],
)
def test_a_server_listens_on_a_host_and_a_port(text: str, why: str, meant: str) -> None:
    found = go_addresses.find_listener_fault(text)
    assert why in found and bool(found) == bool(why)
    assert go_addresses.suggest_listening_address(text, 4317) == meant


def test_grok_patterns_that_grow_are_not_expanded_for_long() -> None:
    language = ottl_language.OttlLanguage({}, {}, "", {"A": "%{B}" * 10_000, "B": "x" * 10_000})
    call = ottl_reading.read_ottl('ExtractGrokPatterns(a, "%{A}") == nil', statement=False)
    assert isinstance(call, UsedNames)
    asked = call.calls[0]
    given = {"Pattern": asked.arguments[1][1]}
    assert list(ottl_literals.find_argument_faults(language.grok_groups, asked, given)) == []
    spent = measure_cpu_seconds(lambda: list(ottl_literals.find_argument_faults(language.grok_groups, asked, given)))
    assert not is_long(spent)


@pytest.mark.parametrize(("head", "part", "tail"), HOSTILE)
def test_hostile_texts_take_linear_time(head: str, part: str, tail: str) -> None:
    def read(text: str) -> None:
        ottl_syntax.split_tokens.cache_clear()
        regex.find_regex_refusal(text)
        ottl_reading.read_ottl(text, statement=True)
        ottl_reading.read_ottl(text, statement=False)

    few, many = (head + part * count + tail for count in (12_500, 50_000))
    assert measure_growth(read, few, many) < SLOW


def test_a_statement_may_end_anywhere() -> None:
    assert isinstance(ottl_reading.read_ottl('set(a["', statement=True), ottl_reading.OttlTrouble)


WORDS = """ "a" a A Abc set ( ) [ ] { } , . == = => 1 2.5 - * and or not true nil where 0xff : \\ ' é """


@given(st.lists(st.sampled_from(WORDS.split()), max_size=25).map(" ".join))
def test_no_text_crashes(text: str) -> None:
    for statement in (True, False):
        found = ottl_reading.read_ottl(text, statement)
        if isinstance(found, ottl_reading.OttlTrouble):
            assert 0 <= found.start <= len(text)
            assert found.why
    regex.find_regex_refusal(text)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('set(a["b"], 1', 13),
        ("set(a, 'b')", 7),
        ("set(a, 1) where b", 17),
        ('set(a, "\\d")', 8),
        ("set(a, 1) and b", 10),
    ],
)
def test_a_fault_is_where_it_stands(text: str, start: int) -> None:
    found = ottl_reading.read_ottl(text, statement=True)
    assert isinstance(found, ottl_reading.OttlTrouble)
    assert found.start == start


def test_a_text_that_nests_too_deep_is_not_judged() -> None:
    assert ottl_reading.read_ottl("(" * 100 + "true" + ")" * 100, statement=False) is None


@pytest.mark.parametrize(
    ("text", "refused"),
    [("/a[", True), ("/a[@b='c]", True), ("/a/", True), ("//", True), (" ", True), ("", True), ("/", False)]
    + [(text, False) for text in ("/a]", "/a)", "//a[@b='[']/c", "/a[1]/@b", "/*a[", "a/", "/a::b[", "/a[]", "x y[")],
)
def test_a_path_of_xpath_is_refused_where_the_collector_certainly_refuses_it(text: str, refused: bool) -> None:
    assert bool(formats.find_xpath_fault(text)) == refused
