# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the same telemetry through two configs, or two Collectors. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ....module_utils._otelcol.config.config_secrets import secrets_in
from ....module_utils._otelcol.config.masking import masker, quoted
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.kube.objects import Ref, ref
from ....module_utils._otelcol.kube.pod_references import needed_objects
from ....module_utils._otelcol.rules.view import Target
from ....module_utils._otelcol.testing import comparison
from ....module_utils._otelcol.testing.case import Case, Suite
from ....module_utils._otelcol.testing.records import SIGNALS
from .. import _binary, _builds, _inputs, _placeholders, _yaml
from .._isolation import choice
from .bench import Bench, Outcome, run_case

_AT_ONCE = 2
Row = dict[str, Any]


def compared(old: Bench, new: Bench, case: Case) -> Row:
    """Return how many records leave the old form, and what the new form changes; or why one of them does not run."""
    outcomes: list[Outcome] = []
    for which, bench in (("before", old), ("after", new)):
        try:
            outcomes.append(run_case(bench, comparison.readdressed_case(case, old.config, bench.config)))
        except Problem as problem:
            return comparison_row(why=f"{which}: {quoted(problem.wrong, mask=bench.hidden)}")
    before, after = outcomes
    names = comparison.new_ids(before.exporters, after.exporters)
    lines = comparison.exporter_differences(before.got, after.got, names)
    number = sum(len(before.got.get(name, {}).get(signal, ())) for name in before.exporters for signal in SIGNALS)
    shown = [quoted(line, mask=lambda text: new.hidden(old.hidden(text))) for line in lines]
    if not number and not shown and case.name == comparison.GENERATED:
        return comparison_row(why="no record leaves either form, so nothing was compared. Give records with a test")
    return comparison_row(number, shown)


def comparison_row(records: int = 0, differences: Sequence[str] = (), why: str = "") -> Row:
    """Return what a comparison found. Two forms are the same only if they ran, and nothing was different."""
    return {"records": records, "differences": list(differences), "why": why, "same": not differences and not why}


def of_tests(jobs: Sequence[tuple[Suite, Bench, Case, Any]], arguments: Mapping[str, Any], pool: Executor) -> list[Row]:
    """Return for each test what the other config, or the other Collector, makes of what it gives."""
    # Tests share a bench, whose forms are made once.
    own = {id(bench): (suite, bench) for suite, bench, _test, _rules in jobs}
    _check_one_config([bench for _suite, bench in own.values()], arguments)
    forms = {key: _forms(suite, bench, arguments) for key, (suite, bench) in own.items()}
    tests = [test for _suite, _bench, test, _rules in jobs]
    forms_of_tests = [forms[id(bench)] for _suite, bench, _test, _rules in jobs]
    rows = pool.map(_row, forms_of_tests, tests)
    named = [{"name": test.name, "file": suite.file} for suite, _bench, test, _rules in jobs]
    return [{**name, **row} for name, row in zip(named, rows, strict=True)]


def _check_one_config(benches: Iterable[Bench], arguments: Mapping[str, Any]) -> None:
    """Raise Problem if tests of several configs are to be compared with one."""
    if arguments["compare"].get("config") and len({_yaml.dump(bench.config) for bench in benches}) > 1:
        wrong = "the tests are about several configs, and `compare.config` is one"
        raise Problem(wrong, where="compare.config", fix="Name the tests of one config with `paths`.")


@dataclass(frozen=True)
class _Forms:
    """The two forms of a config; no old one if the cluster should have it and has not."""

    old: Bench | None
    new: Bench


def _row(forms: _Forms, case: Case) -> Row:
    if forms.old is None:
        return comparison_row(why="before: the cluster has no such collector with one config")
    try:
        given = case if case.given else comparison.generated_case(forms.old.config)
        return compared(forms.old, forms.new, given)
    except Problem as problem:  # no telemetry can be generated for this config
        return comparison_row(why=problem.wrong)


def with_running(arguments: Mapping[str, Any]) -> bool:
    """Return whether the collectors of the inventory are compared with those that run."""
    return bool((arguments.get("compare") or {}).get("running"))


def _forms(suite: Suite, bench: Bench, arguments: Mapping[str, Any]) -> _Forms:
    new = _other(bench, arguments["compare"])
    if not with_running(arguments):
        return _Forms(bench, new)
    running = input_in_cluster(suite, arguments)
    old = None if running is None else _with(bench, running.config)
    return _Forms(old, new)


def input_in_cluster(suite: Suite, arguments: Mapping[str, Any]) -> _inputs.Input | None:
    """Return the config with which a collector of the inventory runs now; None if it runs with none, or with several.

    Raises Problem for tests of another config, and if the cluster was not read.
    """
    item = next((one for one in arguments["collectors"] if str(one["name"]) == suite.collector), None)
    if item is None:
        fix = "Name one with `collector`, or do without `compare.running`."
        raise Problem("only a collector of the inventory runs in its cluster", where=suite.file, fix=fix)
    if arguments["resources"] is None:
        fix = "Set `pipeline_test_cluster` to true, or give `resources`."
        raise Problem("the cluster of the collector was not read", where=suite.file, fix=fix)
    own = Ref(str(item.get("kind")), str(item.get("namespace")), suite.collector)
    used = {own}
    for workload in arguments["resources"]:
        if ref(workload) == own:
            used.update(needed_objects(workload))
    inputs = _inputs.collect_inputs([], arguments["resources"]).inputs
    own_inputs = [given for given in inputs if ref(dict(given.found.owner)) in used]
    if len(own_inputs) != 1 or not isinstance(own_inputs[0].config, Mapping):
        return None
    return own_inputs[0]


def _other(bench: Bench, options: Mapping[str, Any]) -> Bench:
    if not any(map(options.get, ("config", "binary", "running"))):
        raise Problem("nothing is named to compare with", where="compare", fix="Give `config`, `binary` or `running`.")
    if options.get("config"):
        found = _inputs.collect_inputs([options["config"]], None).inputs
        if len(found) != 1:
            wrong = f"{options['config']} has {len(found)} configs, and tests are compared with one"
            raise Problem(wrong, where="compare.config", fix="Name a file with one config.")
        bench = _with(bench, found[0].config)
    return _running(bench, options["binary"]) if options.get("binary") else bench


def _with(bench: Bench, config: Mapping[str, Any]) -> Bench:
    secret = masker(secrets_in(config))
    environment = {**_placeholders.placeholder_environment(config, None), **bench.environment}
    return replace(bench, config=config, environment=environment, hidden=lambda text: secret(bench.hidden(text)))


def _running(bench: Bench, binary: str) -> Bench:
    found, _why = _binary.program(binary, None)
    _binary.check_program(found, bench.isolation.apart)
    return replace(bench, program=found, otlp_http=_otlp_http(_binary.version_of(found, bench.isolation.apart)))


def _otlp_http(version: str) -> str:
    return _builds.tables().name_for("exporters", "otlp_http", version) if version else "otlp_http"


def of_configs(pairs: Sequence[tuple[str, Any, Any, Target]], options: Mapping[str, Any]) -> list[Row]:
    """Return for each config what its new form makes of generated telemetry, by its name."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda pair: {"config": pair[0], **_of_config(pair[1:], options)}, pairs))


def _of_config(forms: tuple[Any, Any, Target], options: Mapping[str, Any]) -> Row:
    old, new, target = forms
    binary = options.get("binary") or _binary.AUTO
    program, why = _binary.program(binary, target if binary == _binary.AUTO else None)
    if not program:
        wrong = f"there is no Collector to compare the configs: {why}"
        raise Problem(wrong, fix="Give the path of one with `compare.binary`.")
    isolation = choice.chosen_isolation(options.get("isolation") or choice.AUTO, lambda _text: None)
    _binary.check_program(program, isolation.apart)
    version = _binary.version_of(program, isolation.apart)
    hidden = masker(secrets_in(old) | secrets_in(new))
    environments = [_placeholders.placeholder_environment(config, target) for config in (old, new)]
    bench = Bench(program, old, environments[0], {}, _otlp_http(version), _yaml.dump, hidden, isolation=isolation)
    after = replace(bench, config=new, environment=environments[1])
    before = _running(bench, options["before"]) if options.get("before") else bench
    try:
        case = comparison.generated_case(old)
    except Problem as problem:
        return comparison_row(why=problem.wrong)
    return compared(before, after, case)


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
