# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the same telemetry through two configs, or two Collectors, and says what differs.

`pipeline_test` compares tests, and the modules that migrate configs compare generated telemetry. Each comparison has
two setups, which compared_setups.py makes: a config with its Collector before a change, and after it. An example: a
migration renames a span attribute, so the row of the config has ::

    "differences": ["otlp_grpc: spans: ~ {name: GET /}: attributes.url.path: '/' → nothing"], "same": False

Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from ....module_utils._otelcol.config.masking import mask_and_clean
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import comparison
from ....module_utils._otelcol.testing.case import ConfigCase
from ....module_utils._otelcol.testing.generated_case import GENERATED, generate_case
from ....module_utils._otelcol.testing.records import RECORD_KINDS
from .. import _yaml
from .collector_setup import CollectorSetup
from .compared_setups import ComparedSetups, ConfigPair, build_setups_of_configs, build_setups_of_tests
from .result_rows import ComparedConfigRow, ComparedTestRow, ComparisonRow
from .run_case import RunOutcome, run_case
from .scheduled_cases import ScheduledCase

# How many configs are compared at once: each runs two Collectors, one after the other.
_PARALLEL_COMPARISONS = 2
_NOT_RUNNING = "before: the cluster has no such collector with one config"
_NOTHING_LEAVES = "no record leaves either form, so nothing was compared. Give records with a test"


def compare_tests(
    scheduled_cases: Sequence[ScheduledCase], arguments: Mapping[str, Any], pool: Executor
) -> list[ComparedTestRow]:
    """Return for each test what differs if another config or Collector gets the same telemetry. Raises Problem.

    `arguments` are those of `pipeline_test`, and `pool` runs the Collectors.
    """
    compared_setups = _build_setups_of_tests(scheduled_cases, arguments)
    return list(pool.map(lambda scheduled: _compare_test(scheduled, compared_setups[scheduled.setup]), scheduled_cases))


def _build_setups_of_tests(
    scheduled_cases: Sequence[ScheduledCase], arguments: Mapping[str, Any]
) -> dict[CollectorSetup, ComparedSetups]:
    """Return both setups of a comparison by the setup of the tests, made once for all of its tests. Raises Problem."""
    suite_by_setup = {scheduled.setup: scheduled.suite for scheduled in scheduled_cases}
    if arguments["compare"].get("config"):
        _check_one_config(suite_by_setup)
    return {setup: build_setups_of_tests(suite, setup, arguments) for setup, suite in suite_by_setup.items()}


def _check_one_config(setups: Iterable[CollectorSetup]) -> None:
    """Raise Problem if tests of several configs are to be compared with one."""
    if len({_yaml.dump(setup.config) for setup in setups}) > 1:
        wrong = "the tests are about several configs, and `compare.config` is one"
        raise Problem(wrong, where="compare.config", fix="Name the tests of one config with `paths`.")


def _compare_test(scheduled: ScheduledCase, setups: ComparedSetups) -> ComparedTestRow:
    """Return what a test shows of a change, with the name of the test."""
    return {"name": scheduled.case.name, "file": scheduled.suite.file, **_compare_setups(setups, scheduled.case)}


def compare_configs(pairs: Sequence[ConfigPair], options: Mapping[str, Any]) -> list[ComparedConfigRow]:
    """Return for each config what it does otherwise after a change, with generated telemetry.

    `options` are those below `compare` of `pipeline_migrate`. Raises Problem without a Collector.
    """
    with ThreadPoolExecutor(_PARALLEL_COMPARISONS) as pool:
        return list(pool.map(lambda pair: _compare_config(pair, options), pairs))


def _compare_config(pair: ConfigPair, options: Mapping[str, Any]) -> ComparedConfigRow:
    """Return what generated telemetry shows of the change of a config, with the name of the config."""
    return {"config": pair.name, **_compare_setups(build_setups_of_configs(pair, options), None)}


def _compare_setups(setups: ComparedSetups, case: ConfigCase | None) -> ComparisonRow:
    """Return what a comparison found. Without a case, or if it gives nothing, telemetry is generated."""
    if setups.before is None:
        return build_comparison_row(why=_NOT_RUNNING)
    try:
        compared_case = case if case and case.given else generate_case(setups.before.config)
        return compare_case(setups.before, setups.after, compared_case)
    except Problem as problem:  # no telemetry can be generated for this config
        return build_comparison_row(why=problem.wrong)


def compare_case(setup_before: CollectorSetup, setup_after: CollectorSetup, case: ConfigCase) -> ComparisonRow:
    """Return how many records leave the config of before, and what differs after; or why one of them does not run."""
    try:
        outcome_before = _run_side("before", setup_before, setup_before, case)
        outcome_after = _run_side("after", setup_after, setup_before, case)
    except Problem as problem:
        return build_comparison_row(why=problem.wrong)
    difference_lines = comparison.list_exporter_differences(
        outcome_before.arrived_records,
        outcome_after.arrived_records,
        comparison.map_new_ids(outcome_before.exporters, outcome_after.exporters),
    )

    def hide_secrets(text: str) -> str:
        return setup_after.hide_secrets(setup_before.hide_secrets(text))

    masked_lines = [mask_and_clean(line, mask=hide_secrets) for line in difference_lines]
    record_count = _count_records(outcome_before)
    if not record_count and not masked_lines and case.name == GENERATED:
        return build_comparison_row(why=_NOTHING_LEAVES)
    return build_comparison_row(record_count, masked_lines)


def _run_side(side: str, setup: CollectorSetup, setup_before: CollectorSetup, case: ConfigCase) -> RunOutcome:
    """Return what one side of a comparison, `before` or `after`, makes of a case for the config of before.

    Raises Problem if it does not run, which names the side and shows no secret.
    """
    try:
        return run_case(setup, comparison.readdress_case(case, setup_before.config, setup.config))
    except Problem as problem:
        raise Problem(f"{side}: {mask_and_clean(problem.wrong, mask=setup.hide_secrets)}") from problem


def _count_records(outcome: RunOutcome) -> int:
    """Return how many records reached the exporters."""
    record_count = 0
    for exporter in outcome.exporters:
        by_signal = outcome.arrived_records.get(exporter, {})
        record_count += sum(len(by_signal.get(signal, ())) for signal in RECORD_KINDS)
    return record_count


def build_comparison_row(records: int = 0, differences: Sequence[str] = (), why: str = "") -> ComparisonRow:
    """Return what a comparison found. Both sides are the same only if they ran, and nothing was different.

    `why` says why one of them did not run; empty if both ran.
    """
    return {"records": records, "differences": list(differences), "why": why, "same": not differences and not why}


def format_comparison(rows: Sequence[ComparedTestRow]) -> Iterator[str]:
    """Yield a summary, a line for each test that differs or was not compared, and below it the details.

    For example `compared: 1 of 2 the same`, then `differs gateway_test.yml: Health checks are dropped`.
    """
    same_count = sum(row["same"] for row in rows)
    skipped_count = sum(bool(row["why"]) for row in rows)
    summary = f"compared: {same_count} of {len(rows)} the same"
    yield f"{summary}, {skipped_count} not compared" if skipped_count else summary
    for row in rows:
        if row["same"]:
            continue
        outcome_word = "not compared" if row["why"] else "differs"
        yield f"{outcome_word} {row['file']}: {row['name']}"
        detail_lines = row["differences"] or [row["why"]]
        yield from (f"    {line}" for line in detail_lines)
