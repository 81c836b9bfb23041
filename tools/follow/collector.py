# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a Collector of a release, with every component whose module and dependencies Go's module proxy has.

`python -m tools.follow --update` asks the built program which settings its components take:

    collector = prepare_collector(folder, "v0.165.0", [("receivers", "contrib/receiver/kafkareceiver"), …])
    collector.build_program()
    run(collector.program, …)    # FOLDER/v0.165.0/otelcol-contrib

A module that the proxy does not give out is called refused. `go` tells of it while the program is built, often of one
after another, so the build has rounds. After each round with refused modules, the next one does without them:

- A component that needs a refused module of the Collector is left out, and `refusal_by_module` says why.
- A refused module of another project, such as a version between releases, is replaced by the newest release before it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from plugins.module_utils._otelcol.catalogue.rows import Module
from tools.catalogue.release_files import GO_MODULES

from . import proxy
from .proxy import run_go

# Go files that become a part of the program: it validates configs one after the other, and prints what settings its
# components take.
TESTBED_FOLDER = Path(__file__).parents[2] / "tests" / "testbed" / "go" / "otelcol"
QUESTION_FILE = Path(__file__).parents[1] / "catalogue" / "fields.go"
# The name of the program and of its Go module.
PROGRAM = "otelcol-contrib"
MODULE = "o11y.example/asked"
# The providers, which read configs from variables, files and URLs. Provider `env` is the module
# go.opentelemetry.io/collector/confmap/provider/envprovider.
PROVIDERS = ("env", "file", "yaml", "http", "https")
_PROVIDER = "confmap/provider/"
# Modules that the program requires though its files may not import them: where a package moved to another module, the
# older version of the module has it too, and `go` would find the package twice.
COLLECTOR_MODULES = ("go.opentelemetry.io/collector", proxy.OTELCOL_MODULE)
_BUILDER = "go.opentelemetry.io/collector/cmd/builder"
# How `go` tells of a module that the proxy refuses: `MODULE@v1.2.3: reading https://…: 404`.
_REFUSED_MODULE = re.compile(r"(\S+)@(v[^\s:]+): reading \S+: \d+")
# How `go` begins the errors of a package that it cannot compile: `# PACKAGE`.
_BROKEN_PACKAGE = re.compile(r"^# (\S+)$", re.MULTILINE)
# How many rounds a build has at most.
_MAX_ROUNDS = 20


def prepare_collector(folder: Path, version: str, components: Iterable[Module]) -> Collector:
    """Return the Collector of a release with all components whose modules the proxy has; others are refused.

    `version` is that of the release, such as `v0.165.0`. A stable module of contrib has a version of its own.
    """
    sections_by_path = {_go_path(module): section for section, module in components}
    stable_versions: dict[str, str] = {}
    refused_modules: dict[str, str] = {}
    for download in proxy.download_modules(f"{path}@{version}" for path in sections_by_path):
        if not download.get("Error"):
            continue
        own_version = proxy.find_own_stable_version(download["Path"], version)
        if own_version:
            stable_versions[download["Path"]] = own_version
        else:
            refused_modules[download["Path"]] = download["Error"]
    modules = {path: section for path, section in sections_by_path.items() if path not in refused_modules}
    return Collector(folder / version, version, modules, refused_modules, version_by_stable_module=stable_versions)


@dataclass
class Collector:
    """A Collector of a release such as `v0.165.0`: a folder with the builder's manifest, Go files and the program.

    Until it is built, `section_by_module` has the components that are wanted, and then those that the program has.
    """

    folder: Path
    version: str
    section_by_module: dict[str, str]
    """By the path of a component's module, the section of its configs, such as `receivers`."""
    refusal_by_module: dict[str, str] = field(default_factory=dict)
    """By the path of a module that is left out, the error of `go`."""
    release_by_module: dict[str, str] = field(default_factory=dict)
    """By the path of another project's module, the release that replaces the required version."""
    version_by_stable_module: dict[str, str] = field(default_factory=dict)
    """By the path of a stable module of contrib, its version in the release."""

    @property
    def program(self) -> Path:
        """The program: it prints what its components take, or validates configs."""
        return self.folder / PROGRAM

    def build_program(self) -> None:
        """Build the program, unless an earlier update has. Raises RefusedModule if nothing can be built.

        Each round does without the modules that the rounds before found to be refused.
        """
        built_file = self.folder / "built.json"
        if built_file.exists():
            self._restore_modules(built_file)
            return
        for _round in range(_MAX_ROUNDS):
            self._generate_sources()
            # Only what can be resolved is compiled, since compiling takes minutes.
            refused_modules = self._find_unresolved() or self._find_uncompiled()
            if not refused_modules:
                self._save_modules(built_file)
                return
            self._do_without(refused_modules)
        raise proxy.RefusedModule(
            f"{self.folder}: still refused after {_MAX_ROUNDS} rounds: {list(self.refusal_by_module)}"
        )

    def _save_modules(self, built_file: Path) -> None:
        """Write which modules the program has. The file also says that the program is built.

        It has a list of three mappings: `[{MODULE: "receivers", …}, {MODULE: ERROR, …}, {MODULE: "v1.2.3", …}]`.
        """
        modules = [self.section_by_module, self.refusal_by_module, self.release_by_module]
        built_file.write_text(json.dumps(modules), encoding="utf-8")

    def _restore_modules(self, built_file: Path) -> None:
        """Read which modules the program has that an earlier update built, as `_save_modules` writes them."""
        modules = json.loads(built_file.read_text(encoding="utf-8"))
        self.section_by_module, self.refusal_by_module, self.release_by_module = modules

    def _generate_sources(self) -> None:
        """Write the program's Go files, and a go.mod that requires every module at the version of the release."""
        self.folder.mkdir(parents=True, exist_ok=True)
        manifest = self.folder / "manifest.yaml"
        manifest.write_text(yaml.safe_dump(self._build_manifest(), sort_keys=False), encoding="utf-8")
        options = ("--config", str(manifest), "--skip-compilation", "--skip-get-modules")
        run_go("run", f"{_BUILDER}@{self.version}", *options, folder=self.folder)
        for file in (TESTBED_FOLDER / "validate_each.go", QUESTION_FILE):
            shutil.copy(file, self.folder)
        self._write_go_mod()

    def _write_go_mod(self) -> None:
        """Write a go.mod that requires the modules of the components and the Collector's own, with what is replaced."""
        for name in ("go.mod", "go.sum"):
            (self.folder / name).unlink(missing_ok=True)
        run_go("mod", "init", MODULE, folder=self.folder)
        version_by_module = {module: self._find_version(module) for module in self.section_by_module}
        version_by_module |= self._list_own_modules()
        require_options = (f"-require={module}@{version}" for module, version in version_by_module.items())
        replace_options = (
            f"-replace={module}={module}@{version}" for module, version in self.release_by_module.items()
        )
        run_go("mod", "edit", *require_options, *replace_options, folder=self.folder)

    def _build_manifest(self) -> dict[str, Any]:
        """Return the manifest for the builder: the providers, and the modules of each section, such as

        {dist: {name: otelcol-contrib, version: 0.165.0, …},
         providers: [{gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v1.71.0}, …],
         receivers: [{gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.165.0}, …]}
        """
        section_modules: dict[str, list[dict[str, str]]] = {"providers": []}
        for module, version in self._list_own_modules().items():
            if _PROVIDER in module:
                section_modules["providers"].append({"gomod": f"{module} {version}"})
        for module, section in sorted(self.section_by_module.items()):
            section_modules.setdefault(section, []).append({"gomod": f"{module} {self._find_version(module)}"})
        distribution = {"module": MODULE, "name": PROGRAM, "output_path": str(self.folder)}
        return {"dist": {**distribution, "version": self.version.removeprefix("v")}, **section_modules}

    def _find_version(self, module: str) -> str:
        """Return the version that a component's module has in the release."""
        return self.version_by_stable_module.get(module, self.version)

    def _list_own_modules(self) -> dict[str, str]:
        """Return the modules of the Collector itself that the program imports, at the versions of the release."""
        stable_version = proxy.find_stable_version(self.version)
        core_prefix = GO_MODULES["core/"]
        version_by_module = dict.fromkeys(COLLECTOR_MODULES, self.version)
        version_by_module[f"{core_prefix}confmap"] = stable_version
        for name in PROVIDERS:
            version_by_module[f"{core_prefix}{_PROVIDER}{name}provider"] = stable_version
        return version_by_module

    def _do_without(self, refused_modules: Mapping[str, str]) -> None:
        """Let the next round replace what is refused, or leave out the components that need it.

        `refused_modules` has the modules of these components, each with the error of `go`.
        """
        replaced_before = dict(self.release_by_module)
        for module, error_text in refused_modules.items():
            if not self._replace_refused_module(error_text, replaced_before):
                self.refusal_by_module[module] = error_text
                self.section_by_module.pop(module, None)

    def _replace_refused_module(self, error_text: str, replaced_before: Mapping[str, str]) -> bool:
        """Replace the module that an error names by its newest release before that. Return whether it is replaced.

        For the error `example.com/lib@v1.2.1-0.2026: reading https://…: 404`, release v1.2.0 replaces the version. A
        module of the Collector is not replaced, nor one whose replacement an earlier round has tried.
        """
        match = _REFUSED_MODULE.search(error_text)
        if match is None:
            return False
        module, version = match.groups()
        is_of_collector = module.startswith(tuple(GO_MODULES.values()))
        if is_of_collector or module in replaced_before:
            return False
        if module not in self.release_by_module:
            older_releases = [
                release for release in proxy.list_releases(module) if _parse_number(release) <= _parse_number(version)
            ]
            if older_releases:
                self.release_by_module[module] = older_releases[-1]
        return module in self.release_by_module

    def _find_unresolved(self) -> dict[str, str]:
        """Return the modules of components that need a package which is refused, each with the error of `go`.

        Raises RefusedModule for modules of a later release.
        """
        run_go("mod", "tidy", "-e", folder=self.folder, check=False)
        self._check_release()
        package_documents = run_go("list", "-e", "-deps", "-json=ImportPath,Error", ".", folder=self.folder).stdout
        unresolved_modules: dict[str, str] = {}
        for package in proxy.parse_json_documents(package_documents):
            error = package.get("Error") or {}
            module = self._find_first_component(error.get("ImportStack") or ())
            if module:
                unresolved_modules[module] = error["Err"]
        return unresolved_modules

    def _check_release(self) -> None:
        """Raise RefusedModule if a module of the Collector is of a later release than the others.

        The answers would be those of neither release.
        """
        go_mod_text = (self.folder / "go.mod").read_text(encoding="utf-8")
        # A line such as `go.opentelemetry.io/collector/pdata v1.71.0`. Groups: the module, the first two numbers.
        required_modules = re.findall(
            rf"^\s*((?:{'|'.join(GO_MODULES.values())})\S*) v(\d+)\.(\d+)", go_mod_text, re.MULTILINE
        )
        # Modules of the release have one of two versions, such as v0.165.0 and v1.71.0: then this is {0: 165, 1: 71}.
        minor_by_major: dict[int, int] = {}
        for version in (self.version, proxy.find_stable_version(self.version)):
            major_number, minor_number, *_patch = _parse_number(version)
            minor_by_major[major_number] = minor_number
        later_modules = []
        for module, major, minor in required_modules:
            if int(minor) > minor_by_major[int(major)]:
                later_modules.append(f"{module} v{major}.{minor}")
        if later_modules:
            raise proxy.RefusedModule(
                f"{self.folder}/go.mod requires modules of a later release: {', '.join(later_modules)}"
            )

    def _find_uncompiled(self) -> dict[str, str]:
        """Compile, and return the modules of components that need a package which does not, each with the reason.

        Raises RefusedModule if the fault is in no component.
        """
        flags = ("-trimpath", "-gcflags=all=-dwarf=false -l", "-ldflags=-s -w")
        completed = run_go("build", *flags, "-o", PROGRAM, ".", folder=self.folder, check=False)
        if not completed.returncode:
            return {}
        broken_packages = set(_BROKEN_PACKAGE.findall(completed.stderr))
        package_documents = run_go(
            "list", "-e", "-json=ImportPath,Deps", *self.section_by_module, folder=self.folder
        ).stdout
        uncompiled_modules: dict[str, str] = {}
        for package in proxy.parse_json_documents(package_documents):
            module = package["ImportPath"]
            needed_broken = broken_packages & {module, *package.get("Deps", ())}
            if needed_broken:
                uncompiled_modules[module] = f"needs {' '.join(sorted(needed_broken))}, which do not compile"
        if not uncompiled_modules:
            raise proxy.RefusedModule(completed.stderr)
        return uncompiled_modules

    def _find_first_component(self, packages: Iterable[str]) -> str:
        """Return the first of packages that is a component's module; empty if none is."""
        for package in packages:
            if package in self.section_by_module:
                return package
        return ""


def _parse_number(version: str) -> tuple[int, ...]:
    """Return the numbers of a version before its dash: `v1.2.1-0.2026` is `(1, 2, 1)`."""
    return tuple(int(part) for part in version.removeprefix("v").partition("-")[0].split("."))


def _go_path(module: str) -> str:
    """Return the Go path of a module as the catalogue writes it, such as `contrib/receiver/kafkareceiver`."""
    repository = next(name for name in GO_MODULES if module.startswith(name))
    return GO_MODULES[repository] + module.removeprefix(repository)
