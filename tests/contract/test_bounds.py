# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Size and depth: time that grows with the text alone, memory that has a bound, and no text that ends the process."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _validate

from tests.support.growth import is_long, measure_both

DEFAULTS = {name: option.get("default") for name, option in read_argument_spec("pipeline_validate").items()}
# Ten times the lines take ten times the time, and up to 18 times where the small one is soon done; 100 is quadratic.
# What grows with the square is found where it takes three quarters of the time of the long text.
FEW, MANY, GROWTH, FEW_PIECES = 2_500, 25_000, 30, 1_250
MEMORY, ATTACK_PIECES = 150 * 2**20, 1_250

OTLP = ["receivers: {otlp: {protocols: {grpc: null}}}"]


def right(count: int) -> Iterator[str]:
    """Exporters, and pipelines that use each of them."""
    many = count // 8
    yield from (*OTLP, "exporters:")
    for number in range(many):
        yield from (f"  otlp_grpc/{number}:", f"    endpoint: host{number}:4317", "    tls:", "      insecure: false")
        yield "    sending_queue: {queue_size: 10}"
    yield from ("service:", "  pipelines:")
    for number in range(many):
        yield from (f"    traces/{number}:", "      receivers: [otlp]", f"      exporters: [otlp_grpc/{number}]")


def misspelt(count: int) -> Iterator[str]:
    """References that are all wrong, each near to something."""
    yield from (*OTLP, "exporters:", *(f"  otlp_grpc/a{number}: {{endpoint: 'a:1'}}" for number in range(count // 5)))
    yield from ("service:", "  pipelines:", "    traces:", "      receivers: [otlp]", "      exporters:")
    yield from (f"      - otlp_grp/a{number}" for number in range(count * 4 // 5))


def unknown(count: int) -> Iterator[str]:
    """Types that no build has."""
    yield from ("exporters:", *(f"  nosuch{number}: {{}}" for number in range(count)))


def secret(count: int) -> Iterator[str]:
    """Secrets, each another one."""
    yield from (*OTLP, "exporters:")
    yield from (f"  otlp_http/{number}: {{headers: {{api-key: secret{number}}}}}" for number in range(count))


def twice(count: int) -> Iterator[str]:
    """One key, again and again."""
    yield from ("exporters:", *("  debug: {}" for _number in range(count)))


def routed(count: int) -> Iterator[str]:
    """A connector that leads to pipelines which are not there."""
    yield from (*OTLP, "exporters: {debug: {}}", "connectors:", "  routing:", "    table:")
    for number in range(count // 3):
        yield from ("    - condition: 'true'", f"      pipelines: [traces/x{number}]")
    yield from ("service:", "  pipelines:", "    traces: {receivers: [otlp], exporters: [routing]}")
    yield from (f"    traces/y{number}: {{receivers: [routing], exporters: [debug]}}" for number in range(count // 3))


@pytest.mark.parametrize("shape", [right, misspelt, unknown, secret, twice, routed], ids=lambda shape: shape.__name__)
def test_a_long_config_is_answered_soon(shape: Callable[[int], Iterator[str]]) -> None:
    few_lines, many_lines = config_text(shape, FEW), config_text(shape, MANY)
    errors: list[int] = []
    few, many = measure_both(
        lambda: count_errors(few_lines), lambda: errors.append(count_errors(many_lines)), most_times=GROWTH
    )
    assert not is_long(few, FEW_PIECES)
    assert many < GROWTH * few
    assert errors[-1] == 0 if shape is right else errors[-1] > MANY // 4


def config_text(shape: Callable[[int], Iterator[str]], lines: int) -> str:
    text = "\n".join(shape(lines)) + "\n"
    assert text.count("\n") >= lines * 0.98
    return text


def count_errors(text: str) -> int:
    result = _validate.validate_configs(
        {**DEFAULTS, "config": text, "version": "0.158.0", "fail_on": "never"}, lambda _text: None
    )
    return int(result["counts"]["error"])


LAUGHS = "\n".join(["a0: &a0 [lol, lol]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)])
MERGES = "\n".join(
    ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 40)]
)
ATTACKS = {
    "aliases": LAUGHS,
    "merge keys": MERGES,
    "brackets": "[" * 100_000,
    "closed brackets": "[" * 100_000 + "]" * 100_000,
    "braces": "{a: " * 100_000,
    "dashes": "- " * 100_000,
    "expressions": f"exporters: {{debug: {{verbosity: '{'${' * 100_000}{'}' * 100_000}'}}}}",
    "one line": "a" * 2_000_000,
    "a number": "receivers: " + "9" * 1_000_000,
    "tags": "!!python/object/apply:os.system ['true']",
    "anchors": "receivers: &a {x: *a}",
}
# A child has all that is imported here, so only what an attack adds counts.
APART = multiprocessing.get_context("fork")


def attacked(text: str, answer: Connection) -> None:
    """Send what a text is answered with, and the seconds of that, from a process with a bound on its memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
    start = time.process_time()
    try:
        result = _validate.validate_configs(
            {**DEFAULTS, "config": text, "version": "0.158.0", "fail_on": "never"}, print
        )
        said = f"{len(result['findings'])} findings"
    except Problem as problem:
        said = f"refused: {problem}"
    answer.send((said, time.process_time() - start))


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_answered_within_bounds(name: str) -> None:
    ours, theirs = APART.Pipe(duplex=False)
    process = APART.Process(target=attacked, args=(ATTACKS[name], theirs))
    process.start()
    theirs.close()
    assert ours.poll(60), "there is no answer"
    said, seconds = ours.recv()
    process.join(60)
    assert process.exitcode == 0
    assert "findings" in said or said.startswith("refused")
    assert not is_long(seconds, ATTACK_PIECES)
