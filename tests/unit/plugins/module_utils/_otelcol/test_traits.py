# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a type of component is and does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol import traits
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.traits import Trait

QUESTIONS = (traits.prints_records, traits.is_for_trials, traits.keeps_nothing, traits.sends_nothing)


@pytest.mark.parametrize(
    ("exporter", "holding"),
    [
        ("debug/detailed", 4),
        ("logging", 4),
        ("nop", 3),
        ("file/rotated", 2),
        ("prometheus", 1),
        ("otlp_grpc", 0),
        ("acme", 0),
    ],
)
def test_each_question_about_the_end_of_data_holds_for_more_types_than_the_one_before(
    exporter: str, holding: int
) -> None:
    answers = [question(exporter) for question in QUESTIONS]
    assert answers == [False] * (len(QUESTIONS) - holding) + [True] * holding


@pytest.mark.parametrize("kind", ["round_robin", "roundrobin", "round_robin/all"])
def test_all_names_of_a_type_have_its_traits(kind: str) -> None:
    assert traits.hands_on_records(kind)
    assert traits.takes_turns(kind)
    assert not traits.takes_turns("forward")


@pytest.mark.parametrize(
    ("exporter", "protocol"),
    [("otlp", "grpc"), ("otlp_grpc/a", "grpc"), ("otlphttp", "http"), ("otlp_http", "http"), ("load_balancing", "")],
)
def test_an_exporter_of_otlp_has_one_protocol(exporter: str, protocol: str) -> None:
    assert traits.find_otlp_protocol(exporter) == protocol
    assert traits.speaks_otlp(exporter) == bool(protocol)


@pytest.mark.parametrize(
    ("question", "holds", "lacks"),
    [
        (traits.samples_records, "tail_sampling", "filter"),
        (traits.belongs_everywhere, "memory_limiter/a", "transform"),
        (traits.hands_on_records, "routing/tenants", "count"),
    ],
)
def test_a_question_is_about_types_of_one_section(question: Callable[[str], bool], holds: str, lacks: str) -> None:
    assert question(holds)
    assert not question(lacks)


def test_types_are_found_by_any_of_their_traits_within_their_section() -> None:
    assert traits.types_with_traits("exporters", Trait.PRINTS, Trait.DISCARDS) == ("debug", "logging", "nop")
    assert traits.types_with_traits("receivers", Trait.PRINTS) == ()
    assert traits.traits_of("receivers", "acme") == frozenset()
