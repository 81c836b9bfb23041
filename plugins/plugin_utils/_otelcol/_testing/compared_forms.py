# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two forms of a config whose work is compared: with another config, or in another Collector. Private.

A form is a bench (bench.py): a config with the Collector that runs it. The old form is the one of the tests or of the
cluster, the new form what the option `compare` names. comparing.py runs both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ....module_utils._otelcol.config.config_secrets import find_secrets
from ....module_utils._otelcol.config.masking import make_masker
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.rules.build_facts import TargetBuild
from ....module_utils._otelcol.testing.case import Suite
from .. import _binary, _builds, _inputs, _placeholders, _yaml
from .._isolation import choice
from .bench import Bench
from .running_configs import find_input_in_cluster, is_compared_with_cluster


@dataclass(frozen=True)
class ConfigForms:
    """The two forms of a config. `old_bench` is None if the old form should be in the cluster and is not there."""

    old_bench: Bench | None
    new_bench: Bench


class ConfigPair(NamedTuple):
    """A config before a change and after it: its name, both forms, and the build that runs it."""

    name: str
    old_form: Any
    new_form: Any
    target: TargetBuild


def build_forms_of_tests(suite: Suite, bench: Bench, arguments: Mapping[str, Any]) -> ConfigForms:
    """Return the config of tests as the old form, and as the new one what `compare` names.

    With `compare.running`, the old form is what runs in the cluster. Raises Problem if nothing is named.
    """
    new_bench = _build_compared_bench(bench, arguments["compare"])
    if not is_compared_with_cluster(arguments):
        return ConfigForms(bench, new_bench)
    running_input = find_input_in_cluster(suite, arguments["collectors"], arguments["resources"])
    return ConfigForms(None if running_input is None else _replace_config(bench, running_input.config), new_bench)


def _build_compared_bench(bench: Bench, options: Mapping[str, Any]) -> Bench:
    """Return what runs the config, the program, or both that `compare` names. Raises Problem."""
    if not any(options.get(name) for name in ("config", "binary", "running")):
        raise Problem("nothing is named to compare with", where="compare", fix="Give `config`, `binary` or `running`.")
    if options.get("config"):
        bench = _replace_config(bench, _read_config(options["config"]))
    return _replace_program(bench, options["binary"]) if options.get("binary") else bench


def _read_config(path: str) -> Any:
    """Return the config in a file. Raises Problem unless there is one."""
    inputs = _inputs.collect_inputs([path], None).inputs
    if len(inputs) != 1:
        wrong = f"{path} has {len(inputs)} configs, and tests are compared with one"
        raise Problem(wrong, where="compare.config", fix="Name a file with one config.")
    return inputs[0].config


def _replace_config(bench: Bench, config: Mapping[str, Any]) -> Bench:
    """Return a bench that runs another config, and hides the secrets of both."""
    mask = make_masker(find_secrets(config))
    environment = {**_placeholders.build_placeholder_environment(config, None), **bench.environment}
    return replace(
        bench, config=config, environment=environment, hide_secrets=lambda text: mask(bench.hide_secrets(text))
    )


def _replace_program(bench: Bench, binary: str) -> Bench:
    """Return a bench that runs another Collector. Raises Problem if there is none, and for a program that is none."""
    chosen_program = _binary.choose_program(binary, None)
    if isinstance(chosen_program, _binary.Unavailable):
        raise Problem(f"there is no other Collector: {chosen_program.reason}", fix="Give the path of one.")
    _binary.check_program(chosen_program.path, bench.isolation.is_isolated)
    return replace(
        bench, program=chosen_program.path, otlp_http=_find_otlp_http_name(chosen_program.path, bench.isolation)
    )


def _find_otlp_http_name(program: str, isolation: choice.Isolation) -> str:
    """Return the name that the exporter otlp_http has in a Collector; the newest one if its version is not known."""
    version = _binary.read_program_version(program, isolation.is_isolated)
    return _builds.load_catalogue().choose_name("exporters", "otlp_http", version) if version else "otlp_http"


def build_forms_of_configs(pair: ConfigPair, options: Mapping[str, Any]) -> ConfigForms:
    """Return both forms of a config in the Collector of its build, or in those that `options` name.

    Raises Problem if there is no Collector.
    """
    program = _choose_program(pair.target, options)
    isolation = choice.choose_isolation(options.get("isolation") or choice.AUTO, lambda _text: None)
    _binary.check_program(program, isolation.is_isolated)
    bench = Bench(
        program=program,
        config=pair.old_form,
        environment=_placeholders.build_placeholder_environment(pair.old_form, pair.target),
        cluster_objects={},
        otlp_http=_find_otlp_http_name(program, isolation),
        dump_yaml=_yaml.dump,
        hide_secrets=make_masker(find_secrets(pair.old_form) | find_secrets(pair.new_form)),
        isolation=isolation,
    )
    environment = _placeholders.build_placeholder_environment(pair.new_form, pair.target)
    new_bench = replace(bench, config=pair.new_form, environment=environment)
    old_bench = _replace_program(bench, options["before"]) if options.get("before") else bench
    return ConfigForms(old_bench, new_bench)


def _choose_program(target: TargetBuild, options: Mapping[str, Any]) -> str:
    """Return the Collector that `binary` names, or that of a build. Raises Problem if there is none."""
    binary = options.get("binary") or _binary.AUTO
    chosen_program = _binary.choose_program(binary, target if binary == _binary.AUTO else None)
    if isinstance(chosen_program, _binary.Unavailable):
        wrong = f"there is no Collector to compare the configs: {chosen_program.reason}"
        raise Problem(wrong, fix="Give the path of one with `compare.binary`.")
    return chosen_program.path
