# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the same telemetry through two configs, or two Collectors, and says what differs.

`pipeline_test` compares tests, and the modules that migrate configs compare generated telemetry. compared_forms.py
makes both forms of a config. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from ....module_utils._otelcol.config.masking import mask_and_clean
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import comparison
from ....module_utils._otelcol.testing.case import ConfigCase
from ....module_utils._otelcol.testing.records import SIGNALS
from .. import _yaml
from .bench import Bench, BenchOutcome, run_case
from .compared_forms import ConfigForms, ConfigPair, build_forms_of_configs, build_forms_of_tests
from .config_jobs import ConfigJob
from .result_rows import ComparedConfigRow, ComparedTestRow, ComparisonRow

# How many configs are compared at once: each runs two Collectors, one after the other.
_PARALLEL_COMPARISONS = 2
_NOT_RUNNING = "before: the cluster has no such collector with one config"
_NOTHING_LEAVES = "no record leaves either form, so nothing was compared. Give records with a test"


def compare_tests(jobs: Sequence[ConfigJob], arguments: Mapping[str, Any], pool: Executor) -> list[ComparedTestRow]:
    """Return for each test what differs if another config or Collector gets the same telemetry. Raises Problem."""
    forms = _build_forms_by_bench(jobs, arguments)
    return list(pool.map(lambda job: _compare_test(job, forms[id(job.bench)]), jobs))


def _build_forms_by_bench(jobs: Sequence[ConfigJob], arguments: Mapping[str, Any]) -> dict[int, ConfigForms]:
    """Return the forms for each bench by its id, made once for all of its tests. Raises Problem."""
    job_of_bench = {id(job.bench): job for job in jobs}
    if arguments["compare"].get("config"):
        _check_one_config([job.bench for job in job_of_bench.values()])
    return {key: build_forms_of_tests(job.suite, job.bench, arguments) for key, job in job_of_bench.items()}


def _check_one_config(benches: Sequence[Bench]) -> None:
    """Raise Problem if tests of several configs are to be compared with one."""
    if len({_yaml.dump(bench.config) for bench in benches}) > 1:
        wrong = "the tests are about several configs, and `compare.config` is one"
        raise Problem(wrong, where="compare.config", fix="Name the tests of one config with `paths`.")


def _compare_test(job: ConfigJob, forms: ConfigForms) -> ComparedTestRow:
    """Return what the new form makes of a test, with the name of the test."""
    return {"name": job.case.name, "file": job.suite.file, **_compare_forms(forms, job.case)}


def compare_configs(pairs: Sequence[ConfigPair], options: Mapping[str, Any]) -> list[ComparedConfigRow]:
    """Return for each config what its new form does otherwise with generated telemetry.

    Raises Problem without a Collector.
    """
    with ThreadPoolExecutor(_PARALLEL_COMPARISONS) as pool:
        return list(pool.map(lambda pair: _compare_config(pair, options), pairs))


def _compare_config(pair: ConfigPair, options: Mapping[str, Any]) -> ComparedConfigRow:
    """Return what the new form of a config makes of generated telemetry, with the name of the config."""
    return {"config": pair.name, **_compare_forms(build_forms_of_configs(pair, options), None)}


def _compare_forms(forms: ConfigForms, case: ConfigCase | None) -> ComparisonRow:
    """Return what a comparison found. Without a case, or if it gives nothing, telemetry is generated."""
    if forms.old_bench is None:
        return build_comparison_row(why=_NOT_RUNNING)
    try:
        compared_case = case if case and case.given else comparison.generate_case(forms.old_bench.config)
        return compare_case(forms.old_bench, forms.new_bench, compared_case)
    except Problem as problem:  # no telemetry can be generated for this config
        return build_comparison_row(why=problem.wrong)


def compare_case(old_bench: Bench, new_bench: Bench, case: ConfigCase) -> ComparisonRow:
    """Return how many records leave the old form, and what the new form changes; or why one of them does not run."""
    outcome_before = _run_or_explain("before", old_bench, old_bench, case)
    if isinstance(outcome_before, str):
        return build_comparison_row(why=outcome_before)
    outcome_after = _run_or_explain("after", new_bench, old_bench, case)
    if isinstance(outcome_after, str):
        return build_comparison_row(why=outcome_after)
    new_id_by_old = comparison.map_new_ids(outcome_before.exporters, outcome_after.exporters)
    difference_lines = comparison.list_exporter_differences(
        outcome_before.arrived_records, outcome_after.arrived_records, new_id_by_old
    )

    def hide_secrets(text: str) -> str:
        return new_bench.hide_secrets(old_bench.hide_secrets(text))

    masked_lines = [mask_and_clean(line, mask=hide_secrets) for line in difference_lines]
    records = _count_records(outcome_before)
    if not records and not masked_lines and case.name == comparison.GENERATED:
        return build_comparison_row(why=_NOTHING_LEAVES)
    return build_comparison_row(records, masked_lines)


def _run_or_explain(form_label: str, bench: Bench, old_bench: Bench, case: ConfigCase) -> BenchOutcome | str:
    """Return what one form makes of a case for the old one, or why it does not run.

    `form_label` names it in the reason.
    """
    try:
        return run_case(bench, comparison.readdress_case(case, old_bench.config, bench.config))
    except Problem as problem:
        return f"{form_label}: {mask_and_clean(problem.wrong, mask=bench.hide_secrets)}"


def _count_records(outcome: BenchOutcome) -> int:
    """Return how many records reached the exporters."""
    record_count = 0
    for exporter in outcome.exporters:
        by_signal = outcome.arrived_records.get(exporter, {})
        record_count += sum(len(by_signal.get(signal, ())) for signal in SIGNALS)
    return record_count


def build_comparison_row(records: int = 0, differences: Sequence[str] = (), why: str = "") -> ComparisonRow:
    """Return what a comparison found. Two forms are the same only if they ran, and nothing was different."""
    return {"records": records, "differences": list(differences), "why": why, "same": not differences and not why}


def format_comparison(rows: Sequence[ComparedTestRow]) -> Iterator[str]:
    """Yield a summary, a line for each test whose forms differ or were not compared, and below it the details."""
    same_count = sum(row["same"] for row in rows)
    skipped_count = sum(bool(row["why"]) for row in rows)
    summary = f"compared: {same_count} of {len(rows)} the same"
    yield f"{summary}, {skipped_count} not compared" if skipped_count else summary
    for row in rows:
        if row["same"]:
            continue
        verdict = "not compared" if row["why"] else "differs"
        yield f"{verdict} {row['file']}: {row['name']}"
        detail_lines = row["differences"] or [row["why"]]
        yield from (f"    {line}" for line in detail_lines)
