# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both sides of a comparison: a config with its Collector before a change, and after it. Private.

comparing.py runs both. What changes is the config, the Collector or both, as the option `compare` says:

| the caller | before | after |
|---|---|---|
| `pipeline_test`, `compare: {config: new.yaml}` | the config of the tests | `new.yaml` |
| `pipeline_test`, `compare: {binary: /opt/otelcol}` | the Collector of the tests | `/opt/otelcol` |
| `pipeline_test`, `compare: {running: true}` | what runs in the cluster | the collector of the inventory |
| `pipeline_migrate`, `compare: {}` | the config as it was | the migrated config |
| `pipeline_migrate`, `compare: {before: /opt/otelcol}` | as it was, in `/opt/otelcol` | the migrated config |
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
from .collector_setup import CollectorSetup
from .running_configs import find_input_in_cluster, is_compared_with_cluster


@dataclass(frozen=True)
class ComparedSetups:
    """Both sides of a comparison. `before` is None if it should be in the cluster and is not there."""

    before: CollectorSetup | None
    after: CollectorSetup


class ConfigPair(NamedTuple):
    """A config before a change and after it: its name, both configs, and the build that runs them."""

    name: str
    config_before: Any
    config_after: Any
    target: TargetBuild


def build_setups_of_tests(suite: Suite, setup: CollectorSetup, arguments: Mapping[str, Any]) -> ComparedSetups:
    """Return what the tests of a suite are compared with. `setup` is what runs the tests.

    Raises Problem if nothing is named to compare with.
    """
    setup_after = _build_compared_setup(setup, arguments["compare"])
    if not is_compared_with_cluster(arguments):
        return ComparedSetups(before=setup, after=setup_after)
    running_input = find_input_in_cluster(suite, arguments["collectors"], arguments["resources"])
    if running_input is None:
        return ComparedSetups(before=None, after=setup_after)
    return ComparedSetups(before=_replace_config(setup, running_input.config), after=setup_after)


def _build_compared_setup(setup: CollectorSetup, options: Mapping[str, Any]) -> CollectorSetup:
    """Return what runs the config, the program, or both that `compare` names. Raises Problem."""
    if not any(options.get(name) for name in ("config", "binary", "running")):
        raise Problem("nothing is named to compare with", where="compare", fix="Give `config`, `binary` or `running`.")
    if options.get("config"):
        setup = _replace_config(setup, _read_config(options["config"]))
    return _replace_program(setup, options["binary"]) if options.get("binary") else setup


def _read_config(path: str) -> Any:
    """Return the config in a file. Raises Problem unless there is one."""
    inputs = _inputs.collect_inputs([path], None).inputs
    if len(inputs) != 1:
        wrong = f"{path} has {len(inputs)} configs, and tests are compared with one"
        raise Problem(wrong, where="compare.config", fix="Name a file with one config.")
    return inputs[0].config


def _replace_config(setup: CollectorSetup, config: Mapping[str, Any]) -> CollectorSetup:
    """Return a setup that runs another config, and hides the secrets of both."""
    mask = make_masker(find_secrets(config))
    environment = {**_placeholders.build_placeholder_environment(config, None), **setup.environment}
    return replace(
        setup, config=config, environment=environment, hide_secrets=lambda text: mask(setup.hide_secrets(text))
    )


def _replace_program(setup: CollectorSetup, binary: str) -> CollectorSetup:
    """Return a setup with another Collector. Raises Problem if there is none, and for a program that is none."""
    chosen_program = _binary.choose_program(binary, None)
    if isinstance(chosen_program, _binary.Unavailable):
        raise Problem(f"there is no other Collector: {chosen_program.reason}", fix="Give the path of one.")
    _binary.check_program(chosen_program.path, setup.isolation.is_isolated)
    otlp_http = _find_otlp_http_name(chosen_program.path, setup.isolation)
    return replace(setup, program=chosen_program.path, otlp_http=otlp_http)


def _find_otlp_http_name(program: str, isolation: choice.Isolation) -> str:
    """Return the name that the exporter otlp_http has in a Collector; the newest one if its version is not known."""
    version = _binary.read_program_version(program, isolation.is_isolated)
    return _builds.load_catalogue().choose_name("exporters", "otlp_http", version) if version else "otlp_http"


def build_setups_of_configs(pair: ConfigPair, options: Mapping[str, Any]) -> ComparedSetups:
    """Return both sides for a config that changed, in the Collector of its build, or in those that `options` name.

    `options` are those below `compare` of `pipeline_migrate`. Raises Problem if there is no Collector.
    """
    program = _choose_program(pair.target, options)
    isolation = choice.choose_isolation(options.get("isolation") or choice.AUTO, lambda _text: None)
    _binary.check_program(program, isolation.is_isolated)
    setup_before = CollectorSetup(
        program=program,
        config=pair.config_before,
        environment=_placeholders.build_placeholder_environment(pair.config_before, pair.target),
        cluster_objects={},
        otlp_http=_find_otlp_http_name(program, isolation),
        dump_yaml=_yaml.dump,
        hide_secrets=make_masker(find_secrets(pair.config_before) | find_secrets(pair.config_after)),
        isolation=isolation,
    )
    environment_after = _placeholders.build_placeholder_environment(pair.config_after, pair.target)
    setup_after = replace(setup_before, config=pair.config_after, environment=environment_after)
    if options.get("before"):
        setup_before = _replace_program(setup_before, options["before"])
    return ComparedSetups(before=setup_before, after=setup_after)


def _choose_program(target: TargetBuild, options: Mapping[str, Any]) -> str:
    """Return the Collector that `binary` names, or that of a build. Raises Problem if there is none."""
    binary = options.get("binary") or _binary.AUTO
    chosen_program = _binary.choose_program(binary, target if binary == _binary.AUTO else None)
    if isinstance(chosen_program, _binary.Unavailable):
        wrong = f"there is no Collector to compare the configs: {chosen_program.reason}"
        raise Problem(wrong, fix="Give the path of one with `compare.binary`.")
    return chosen_program.path
