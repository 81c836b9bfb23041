# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the same telemetry through two configs, or two Collectors. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from ....module_utils._otelcol.config.masking import quoted
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import comparison
from ....module_utils._otelcol.testing.case import Case
from ....module_utils._otelcol.testing.records import SIGNALS
from .. import _yaml
from .bench import Bench, Outcome, run_case
from .compared_forms import ConfigPair, Forms, forms_of_configs, forms_of_tests
from .config_jobs import ConfigJob

# How many configs are compared at once: each runs two Collectors, one after the other.
_AT_ONCE = 2
_NOT_RUNNING = "before: the cluster has no such collector with one config"
_NOTHING_LEAVES = "no record leaves either form, so nothing was compared. Give records with a test"
Row = dict[str, Any]


def compare_tests(jobs: Sequence[ConfigJob], arguments: Mapping[str, Any], pool: Executor) -> list[Row]:
    """Return for each test what the other config, or the other Collector, makes of what it gives. Raises Problem."""
    forms = _forms_by_bench(jobs, arguments)
    return list(pool.map(lambda job: _row_of_test(job, forms[id(job.bench)]), jobs))


def _forms_by_bench(jobs: Sequence[ConfigJob], arguments: Mapping[str, Any]) -> dict[int, Forms]:
    """Return the forms for each bench by its id, made once for all of its tests. Raises Problem."""
    job_of_bench = {id(job.bench): job for job in jobs}
    if arguments["compare"].get("config"):
        _check_one_config([job.bench for job in job_of_bench.values()])
    return {key: forms_of_tests(job.suite, job.bench, arguments) for key, job in job_of_bench.items()}


def _check_one_config(benches: Sequence[Bench]) -> None:
    """Raise Problem if tests of several configs are to be compared with one."""
    if len({_yaml.dump(bench.config) for bench in benches}) > 1:
        wrong = "the tests are about several configs, and `compare.config` is one"
        raise Problem(wrong, where="compare.config", fix="Name the tests of one config with `paths`.")


def _row_of_test(job: ConfigJob, forms: Forms) -> Row:
    """Return what the new form makes of a test, with the name of the test."""
    return {"name": job.case.name, "file": job.suite.file, **_compare_forms(forms, job.case)}


def compare_configs(pairs: Sequence[ConfigPair], options: Mapping[str, Any]) -> list[Row]:
    """Return for each config what its new form makes of generated telemetry. Raises Problem without a Collector."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda pair: _row_of_config(pair, options), pairs))


def _row_of_config(pair: ConfigPair, options: Mapping[str, Any]) -> Row:
    """Return what the new form of a config makes of generated telemetry, with the name of the config."""
    return {"config": pair.name, **_compare_forms(forms_of_configs(pair, options), None)}


def _compare_forms(forms: Forms, case: Case | None) -> Row:
    """Return what a comparison found. What no test gives is generated."""
    if forms.old is None:
        return comparison_row(why=_NOT_RUNNING)
    try:
        given = case if case and case.given else comparison.generated_case(forms.old.config)
        return compare_case(forms.old, forms.new, given)
    except Problem as problem:  # no telemetry can be generated for this config
        return comparison_row(why=problem.wrong)


def compare_case(old: Bench, new: Bench, case: Case) -> Row:
    """Return how many records leave the old form, and what the new form changes; or why one of them does not run."""
    before = _outcome_or_reason("before", old, old, case)
    if isinstance(before, str):
        return comparison_row(why=before)
    after = _outcome_or_reason("after", new, old, case)
    if isinstance(after, str):
        return comparison_row(why=after)
    names = comparison.new_ids(before.exporters, after.exporters)
    lines = comparison.exporter_differences(before.got, after.got, names)
    shown = [quoted(line, mask=lambda text: new.hidden(old.hidden(text))) for line in lines]
    records = _number_of_records(before)
    if not records and not shown and case.name == comparison.GENERATED:
        return comparison_row(why=_NOTHING_LEAVES)
    return comparison_row(records, shown)


def _outcome_or_reason(which: str, bench: Bench, old: Bench, case: Case) -> Outcome | str:
    """Return what one form makes of a case for the old one, or why it does not run. `which` names it in the reason."""
    try:
        return run_case(bench, comparison.readdressed_case(case, old.config, bench.config))
    except Problem as problem:
        return f"{which}: {quoted(problem.wrong, mask=bench.hidden)}"


def _number_of_records(outcome: Outcome) -> int:
    """Return how many records reached the exporters."""
    number = 0
    for exporter in outcome.exporters:
        by_signal = outcome.got.get(exporter, {})
        number += sum(len(by_signal.get(signal, ())) for signal in SIGNALS)
    return number


def comparison_row(records: int = 0, differences: Sequence[str] = (), why: str = "") -> Row:
    """Return what a comparison found. Two forms are the same only if they ran, and nothing was different."""
    return {"records": records, "differences": list(differences), "why": why, "same": not differences and not why}


def comparison_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each test that runs otherwise, and below it what is different."""
    same = sum(row["same"] for row in rows)
    not_compared = sum(bool(row["why"]) for row in rows)
    summary = f"compared: {same} of {len(rows)} the same"
    yield f"{summary}, {not_compared} not compared" if not_compared else summary
    for row in rows:
        if row["same"]:
            continue
        verdict = "not compared" if row["why"] else "differs"
        yield f"{verdict} {row['file']}: {row['name']}"
        for line in row["differences"] or [row["why"]]:
            yield f"    {line}"
