# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A config with all that is needed to run it in a Collector on this machine.

chosen_collector.py makes a `CollectorSetup`. run_case.py runs a test with it, and replay.py a forecast; both call
`check_reach` and `build_command` first. An example of a command, for a Collector in namespaces of its own::

    CollectorCommand("/usr/bin/otelcol", "receivers: …", {"HOME": "/", "AWS_REGION": "us-east-1"}, [Path("/tmp/x")])

Private.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config import paths
from ....module_utils._otelcol.testing import harness, outreach
from ....module_utils._otelcol.testing.replaced_ends import ReplacedEnds
from .. import _builds
from .._isolation.choice import Isolation
from .collector_run import CollectorCommand


@dataclass(frozen=True, eq=False)
class CollectorSetup:
    """A config, the Collector that runs it, and what the tests of one file of tests share.

    A setup is equal to itself alone, so that it can be a key.
    """

    program: str
    """The path of the Collector."""
    config: Mapping[str, Any]
    environment: Mapping[str, str]
    """All variables of the Collector: placeholders, and over them those of the file of tests."""
    cluster_objects: Mapping[str, Any]
    """The facts of the cluster of the test, as users write them, see cluster_facts.py."""
    otlp_http: str
    """The name of that exporter in the version of the Collector."""
    dump_yaml: Callable[[Any], str]
    """Returns data as text in YAML."""
    hide_secrets: Callable[[str], str]
    """Returns a text without the secrets of the config and of its environment."""
    is_traced: bool = False
    """Whether to keep what leaves each processor."""
    may_update_golden: bool = False
    """Whether golden files that differ are written anew (golden_files.py), instead of failing the test."""
    is_check_mode: bool = False
    """Whether nothing is written."""
    locate: Callable[[paths.Path], paths.Position] = lambda _path: paths.Position()
    """Where the user wrote what stands at a path of the config."""
    isolation: Isolation = field(default_factory=Isolation)
    suite_variables: Mapping[str, str] = field(default_factory=dict)
    """The variables that the file of tests sets, as part of `environment`."""
    golden_folders: tuple[Path, ...] = ()
    """Where golden files of the tests may be."""
    extend_config: Callable[[dict[str, Any], ReplacedEnds], None] = lambda _config, _ends: None
    """Adds something to the config of the test, which has its ends already: coverage adds probes so."""


def check_reach(setup: CollectorSetup) -> None:
    """Raise Problem for a config that names files or addresses, or may reach out where nothing isolates it."""
    outreach.check_outreach(setup.config, setup.suite_variables)
    if setup.isolation.refuses_outreach:
        outreach.check_without_isolation(setup.config, setup.suite_variables, _is_known)


def _is_known(section: str, component_id: str) -> bool:
    """Return whether a distribution that we know has a component of this type."""
    return _builds.load_catalogue().is_known(section, component_id.partition("/")[0])


def build_command(setup: CollectorSetup, built_harness: harness.Harness, ends: ReplacedEnds) -> CollectorCommand:
    """Return the command of a Collector with the config of a test, which reaches its cluster at the sink."""
    folder = Path(ends.root_folder)
    environment = _build_environment(setup)
    if built_harness.uses_cluster:
        environment["KUBECONFIG"] = _write_kubeconfig(folder, ends.sink_address)
    text = setup.dump_yaml(built_harness.config)
    return CollectorCommand(setup.program, text, environment, [folder])


def _build_environment(setup: CollectorSetup) -> dict[str, str]:
    """Return the variables of the Collector. Without namespaces, it gets two of this machine too, if they are set.

    TMPDIR is where programs keep temporary files, and programs of Windows do not start without SYSTEMROOT.
    """
    if setup.isolation.is_isolated:
        return dict(setup.environment)
    inherited = {name: os.environ[name] for name in ("TMPDIR", "SYSTEMROOT") if name in os.environ}
    return {**inherited, **setup.environment}


def _write_kubeconfig(folder: Path, address: str) -> str:
    """Write how to reach the cluster of the test; return the path of the file."""
    file = folder / "kubeconfig"
    entry_name = {"name": "test"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{**entry_name, "cluster": {"server": address}}],
        "users": [{**entry_name, "user": {}}],
        "contexts": [{**entry_name, "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    return str(file)
