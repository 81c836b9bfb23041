# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that forks for each run of ansible-playbook: a run finds imported what every run imports.

Standard input has a line of JSON for each run, standard output its exit code. Its arguments are a folder for the code
of modules, and what modules import beside Ansible's files. Ansible compiles the files of a collection anew in every
process, and a worker of Ansible reads files of this collection that another has read; so this process does both before
the second run. A run has its own arguments, environment, output and state.
"""

from __future__ import annotations

import gc
import inspect
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

COLLECTION = "ansible_collections.o11y.opentelemetry"
IMPORTED_MODULES = (
    "executor.task_executor",
    "executor.process.worker",
    "plugins.vars.host_group_vars",
    "playbook.role_include",
)
# By the loader: what runs of most playbooks use.
LOADED_PLUGINS = {
    "action": (
        "assert",
        "copy",
        "debug",
        "fail",
        "file",
        "include_vars",
        "set_fact",
        "template",
        "validate_argument_spec",
    ),
    "cache": ("memory",),
    "callback": ("default", "junit", "minimal", "oneline", "tree"),
    "connection": ("local",),
    "inventory": ("host_list", "script", "auto", "yaml", "ini", "toml"),
    "lookup": ("env", "file", "first_found", "template", "varnames", "vars"),
    "shell": ("sh",),
    "strategy": ("linear",),
}


def iter_preparation_steps() -> Iterator[Callable[[], Any]]:
    """Yield what runs have in common, in an order in which one step needs those before."""
    loaders = import_module("ansible.plugins.loader")
    yield from (lambda name=name: import_module(f"ansible.{name}") for name in IMPORTED_MODULES)
    yield loaders.init_plugin_loader
    for kind, names in LOADED_PLUGINS.items():
        loader = getattr(loaders, f"{kind}_loader")
        yield from (lambda name=name, loader=loader: loader.get(name, class_only=True) for name in names)
    yield lambda: [*loaders.filter_loader.all(), *loaders.test_loader.all()]
    yield lambda: [*loaders.connection_loader.all(class_only=True), *loaders.shell_loader.all(class_only=True)]
    root = Path(next(iter(import_module(COLLECTION).__path__)))
    actions = [f"{COLLECTION}.plugins.action.{path.stem}" for path in root.glob("plugins/action/[!_]*.py")]
    yield from (lambda name=name: import_module(name) for name in actions)
    yield lambda: inspect.getmodule(prepare_common_state.__code__)  # Ansible looks through all modules for a warning
    documents: Any = import_module(f"{COLLECTION}.plugins.plugin_utils._otelcol._documents")
    tables: Any = import_module(f"{COLLECTION}.plugins.plugin_utils._otelcol._tables")
    files = [*root.glob("roles/*/meta/argument_specs.yml"), *root.glob("roles/otel_collector/*/**/*.yml")]
    yield from (lambda path=path: documents.read_yaml(path) for path in files)
    yield from (lambda path=path: tables.catalogue(path.stem) for path in tables.CATALOGUE.glob("*.yml"))


def prepare_common_state() -> None:
    """Do what runs have in common. What is broken here, is broken in each run, which says so."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere), suppress(Exception):
        for step in iter_preparation_steps():
            with suppress(Exception):
                step()
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    gc.collect()
    gc.freeze()  # a fork copies no page only to look for garbage on it


def import_neighbour(name: str) -> Any:
    """Import a file of this folder, which is not on the path, as it is not for ansible-playbook."""
    module_spec: Any = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module


def serve_runs() -> None:
    """For each line of JSON, fork, run ansible-playbook, and print its exit code."""
    module_host, code_folder = import_neighbour("module_host"), import_neighbour("code_folder")
    address = os.path.join(os.environ["ANSIBLE_HOME"], f"modules-{os.getpid()}")  # noqa: PTH118
    folder_of_modules, *needed_imports = sys.argv[1:]
    # Before the import of what modules do not have.
    module_host.start(address, code_folder.CodeFolder(folder_of_modules), *needed_imports)
    from ansible.cli.playbook import PlaybookCLI  # noqa: PLC0415 # in this process alone

    module_host.use(address)
    templates = tempfile.TemporaryDirectory()
    import_neighbour("kept_templates").use(code_folder.CodeFolder(templates.name))
    for number, line in enumerate(sys.stdin):
        if number == 1:  # many processes here have one run only
            prepare_common_state()
        run_request = json.loads(line)
        if child_pid := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(child_pid, 0)[1]), flush=True)
            continue
        for descriptor, path in enumerate([os.devnull, *run_request["output"]]):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), descriptor)
        os.environ.clear()
        os.environ.update(run_request["environment"])
        tempfile.tempdir = None  # that of this environment
        sys.argv = run_request["command"]
        exit_code = 1
        try:
            PlaybookCLI.cli_executor(run_request["command"])
        except SystemExit as exit_error:
            exit_code = exit_error.code if isinstance(exit_error.code, int) else int(exit_error.code is not None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(exit_code)  # what the process that has imported Ansible does at its end, is left to it


if __name__ == "__main__":
    serve_runs()
