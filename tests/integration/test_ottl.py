# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OTTL: what the real Collector says of every path, function, enum and of many texts, against what the rules say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.collector_versions import parse_version
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild, build_of

from .collector import Validate
from .ottl_texts import CONDITIONS, MISSED, STATEMENTS
from .real_collector_cases import Broken, changed
from .test_real_collector import compare, program, target, validate, verdict

__all__ = ["program", "target", "validate"]
SECTIONS = {"log": "log", "span": "trace", "spanevent": "trace", "metric": "metric", "datapoint": "metric"}
SECTIONS |= {"exemplar": "metric", "profile": "profile", "scope": "log", "resource": "log", "otelcol": "log"}


def transform(context: str, statements: Iterable[str], name: str = "") -> Broken:
    """Return a config with statements in a context; no rule is named, so that only the verdicts are compared."""
    given = "log" if context == "otelcol" else context
    group = {"context": given, "statements": list(statements)}
    config = changed({f"processors/transform/{SECTIONS[context]}_statements": [group]})
    return Broken(name or f"{context}: {'; '.join(statements)}"[:100], "", config)


def _paths(target: TargetBuild) -> Iterator[tuple[str, str, bool]]:
    for context in build_of(target).ottl_language.contexts.values():
        for path, keyed in context.key_flag_by_path.items():
            yield context.name, f"{context.name}.{path}", keyed


def test_every_path_exists_and_takes_keys_as_the_table_says(
    validate: Validate, target: TargetBuild, tmp_path: Path
) -> None:
    by_context: dict[str, list[str]] = {}
    for context, path, keyed in _paths(target):
        keys = '["a"]' if keyed else ""
        by_context.setdefault(context, []).append(f"set({path}{keys}, {path})")
    assert (
        compare(validate, target, tmp_path, [transform(context, texts) for context, texts in by_context.items()]) == []
    )


@pytest.mark.parametrize("suffix", [".nosuch", '["a"]'])
def test_no_path_has_more_than_the_table_says(
    validate: Validate, target: TargetBuild, tmp_path: Path, suffix: str
) -> None:
    cases = [
        transform(context, [f"set({path}{suffix}, 1)"])
        for context, path, keyed in _paths(target)
        if not (keyed and suffix != ".nosuch")
    ]
    assert (
        compare(validate, target, tmp_path, [Broken(name, "ottl-name", config) for name, _no, config, _ in cases]) == []
    )


@pytest.mark.parametrize("context", [name for name in SECTIONS if name != "otelcol"])
def test_every_function_and_enum_exists(validate: Validate, target: TargetBuild, tmp_path: Path, context: str) -> None:
    """Call each function with a wrong argument: the Collector finds this fault, not an unknown function."""
    language = build_of(target).ottl_language
    functions = language.find_functions("statement", context).values()
    version = parse_version(target.version)
    known = [
        one.name
        for one in functions
        if parse_version(one.since_version) <= version
        and (not one.until_version or version < parse_version(one.until_version))
    ]
    calls = [f"{name}(no_such=1)" if name[0].islower() else f"set(cache, {name}(no_such=1))" for name in known]
    said = verdict(validate, target, tmp_path, (0, transform(context, calls))).message
    assert "incorrect number of arguments" in said
    assert re.findall(r'undefined function \\?"\w+', said) == []
    enums = [f"set(cache, {enum})" for enum in language.contexts[context].enum_names]
    assert compare(validate, target, tmp_path, [transform(context, enums)] if enums else []) == []


def test_texts(validate: Validate, target: TargetBuild, tmp_path: Path) -> None:
    """Every text that the rules refuse is refused; what only the Collector refuses is in MISSED."""
    cases = [transform("log", [text], text) for text in STATEMENTS]
    cases += [Broken(text, "", changed({"processors/filter/logs/log_record": [text]})) for text in CONDITIONS]
    bad = [item for item in compare(validate, target, tmp_path, cases) if item.kind != "both refuse"]
    assert {item.name for item in bad} == set(MISSED)
    assert {item.kind for item in bad} == {"missed"}
