# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Collector of a release, with every component whose module and whose dependencies the proxy has.

A component that needs a refused module of the Collector is left out and named. A refused module of another project,
such as a version between releases, is replaced by the newest release before it.
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

from . import proxy
from .proxy import REPOSITORIES, go

TESTBED = Path(__file__).parents[2] / "tests" / "testbed" / "go" / "otelcol"
QUESTION = Path(__file__).parents[1] / "catalogue" / "fields.go"
PROGRAM = "otelcol-contrib"
_PROVIDER = "confmap/provider/"
PROVIDERS = ("env", "file", "yaml", "http", "https")
MODULE = "o11y.example/asked"
# Where a package moved to another module, the older version of the module has it too.
OWN = ("go.opentelemetry.io/collector", proxy.OTELCOL)
_BUILDER = "go.opentelemetry.io/collector/cmd/builder"
_REFUSED = re.compile(r"(\S+)@(v[^\s:]+): reading \S+: \d+")
_BROKEN = re.compile(r"^# (\S+)$", re.MULTILINE)
_ROUNDS = 20


@dataclass
class Collector:
    """A folder with the builder's manifest, Go files and program of a release such as `v0.165.0`."""

    folder: Path
    version: str
    modules: dict[str, str]  # path of a component's module → section
    refused: dict[str, str] = field(default_factory=dict)  # path of a module → why
    replaced: dict[str, str] = field(default_factory=dict)  # path of another project's module → release
    stable: dict[str, str] = field(default_factory=dict)  # path of a stable module of contrib → its version

    @property
    def program(self) -> Path:
        """The program: it prints what its components take, or validates configs."""
        return self.folder / PROGRAM

    def build(self) -> None:
        """Build the program, unless it is there. Raises Refused if nothing can be built."""
        done = self.folder / "built.json"
        if done.exists():
            self.modules, self.refused, self.replaced = json.loads(done.read_text(encoding="utf-8"))
            return
        for _round in range(_ROUNDS):
            self._generate()
            if not self._drop(self._unresolved()) and not self._drop(self._uncompiled()):
                done.write_text(json.dumps([self.modules, self.refused, self.replaced]), encoding="utf-8")
                return
        raise proxy.Refused(f"{self.folder}: still refused after {_ROUNDS} rounds: {list(self.refused)}")

    def _generate(self) -> None:
        """Write the program's Go files, and a go.mod that requires every module at the version of the release."""
        self.folder.mkdir(parents=True, exist_ok=True)
        manifest = self.folder / "manifest.yaml"
        manifest.write_text(yaml.safe_dump(self._manifest(), sort_keys=False), encoding="utf-8")
        options = ("--config", str(manifest), "--skip-compilation", "--skip-get-modules")
        go("run", f"{_BUILDER}@{self.version}", *options, folder=self.folder)
        for file in (TESTBED / "validate_each.go", QUESTION):
            shutil.copy(file, self.folder)
        self._require()

    def _require(self) -> None:
        """Write a go.mod that requires the modules of the components and the Collector's own, with what is replaced."""
        for name in ("go.mod", "go.sum"):
            (self.folder / name).unlink(missing_ok=True)
        go("mod", "init", MODULE, folder=self.folder)
        wanted = {module: self._version_of(module) for module in self.modules} | self._own()
        required = (f"-require={module}@{version}" for module, version in wanted.items())
        replaced = (f"-replace={module}={module}@{version}" for module, version in self.replaced.items())
        go("mod", "edit", *required, *replaced, folder=self.folder)

    def _manifest(self) -> dict[str, Any]:
        """Return the manifest for the builder: the providers, and the modules of each section."""
        parts: dict[str, list[dict[str, str]]] = {"providers": []}
        for module, version in self._own().items():
            if _PROVIDER in module:
                parts["providers"].append({"gomod": f"{module} {version}"})
        for module, section in sorted(self.modules.items()):
            parts.setdefault(section, []).append({"gomod": f"{module} {self._version_of(module)}"})
        about = {"module": MODULE, "name": PROGRAM, "output_path": str(self.folder)}
        return {"dist": {**about, "version": self.version.removeprefix("v")}, **parts}

    def _version_of(self, module: str) -> str:
        """Return the version that a component's module has in the release."""
        return self.stable.get(module, self.version)

    def _own(self) -> dict[str, str]:
        """Return the modules of the Collector itself that the program imports, at the versions of the release."""
        stable, core = proxy.stable(self.version), REPOSITORIES["core/"]
        providers = {f"{core}{_PROVIDER}{name}provider": stable for name in PROVIDERS}
        return dict.fromkeys(OWN, self.version) | {f"{core}confmap": stable} | providers

    def _drop(self, refused: dict[str, str]) -> bool:
        """Replace what is refused, or leave out the components that need it; return whether there was anything.

        `refused` has the modules of components, each with the error of `go`.
        """
        replaced_before = dict(self.replaced)
        for module, why in refused.items():
            if not self._replace(why, replaced_before):
                self.refused[module] = why
                self.modules.pop(module, None)
        return bool(refused)

    def _replace(self, why: str, replaced_before: Mapping[str, str]) -> bool:
        """Replace the module that an error says is refused by its newest release before that. Return whether it is.

        A module of the Collector is not replaced, nor one whose replacement an earlier round has tried.
        """
        match = _REFUSED.search(why)
        if match is None:
            return False
        module, version = match.groups()
        is_of_collector = module.startswith(tuple(REPOSITORIES.values()))
        if is_of_collector or module in replaced_before:
            return False
        if module not in self.replaced:
            older = [release for release in proxy.releases(module) if _number(release) <= _number(version)]
            if older:
                self.replaced[module] = older[-1]
        return module in self.replaced

    def _unresolved(self) -> dict[str, str]:
        """Return the modules of components that need a package which is refused, each with the error of `go`.

        Raises Refused for modules of a later release.
        """
        go("mod", "tidy", "-e", folder=self.folder, check=False)
        self._check_release()
        text = go("list", "-e", "-deps", "-json=ImportPath,Error", ".", folder=self.folder).stdout
        found: dict[str, str] = {}
        for package in proxy.json_documents(text):
            error = package.get("Error") or {}
            module = self._first_component(error.get("ImportStack") or ())
            if module:
                found[module] = error["Err"]
        return found

    def _check_release(self) -> None:
        """Raise Refused if a module of the Collector is of a later release: the answers would be those of neither."""
        text = (self.folder / "go.mod").read_text(encoding="utf-8")
        own = re.findall(rf"^\s*((?:{'|'.join(REPOSITORIES.values())})\S*) v(\d+)\.(\d+)", text, re.MULTILINE)
        # Modules of the release have one of two versions, such as v0.165.0 and v1.71.0.
        minors: dict[int, int] = {}
        for version in (self.version, proxy.stable(self.version)):
            major_number, minor_number, *_patch = _number(version)
            minors[major_number] = minor_number
        later = [f"{module} v{major}.{minor}" for module, major, minor in own if int(minor) > minors[int(major)]]
        if later:
            raise proxy.Refused(f"{self.folder}/go.mod requires modules of a later release: {', '.join(later)}")

    def _uncompiled(self) -> dict[str, str]:
        """Compile, and return the modules of components that need a package which does not, each with the reason.

        Raises Refused if the fault is in no component.
        """
        flags = ("-trimpath", "-gcflags=all=-dwarf=false -l", "-ldflags=-s -w")
        done = go("build", *flags, "-o", PROGRAM, ".", folder=self.folder, check=False)
        if not done.returncode:
            return {}
        broken = set(_BROKEN.findall(done.stderr))
        text = go("list", "-e", "-json=ImportPath,Deps", *self.modules, folder=self.folder).stdout
        found: dict[str, str] = {}
        for package in proxy.json_documents(text):
            module = package["ImportPath"]
            needed = broken & {module, *package.get("Deps", ())}
            if needed:
                found[module] = f"needs {' '.join(sorted(needed))}, which do not compile"
        if not found:
            raise proxy.Refused(done.stderr)
        return found

    def _first_component(self, packages: Iterable[str]) -> str:
        """Return the first of packages that is a component's module; empty if none is."""
        for package in packages:
            if package in self.modules:
                return package
        return ""


def _number(version: str) -> tuple[int, ...]:
    """Return a version such as `v1.2.1-0.2026` without what follows its dash, as numbers."""
    return tuple(int(part) for part in version.removeprefix("v").partition("-")[0].split("."))


def of_release(folder: Path, version: str, components: Iterable[Module]) -> Collector:
    """Return the Collector of a release with all components whose modules the proxy has; others are refused.

    `version` is that of the release, such as `v0.165.0`. A stable module of contrib has a version of its own.
    """
    paths = {_path(module): section for section, module in components}
    stable: dict[str, str] = {}
    refused: dict[str, str] = {}
    for row in proxy.downloaded(f"{path}@{version}" for path in paths):
        if not row.get("Error"):
            continue
        own_version = proxy.stable_of(row["Path"], version)
        if own_version:
            stable[row["Path"]] = own_version
        else:
            refused[row["Path"]] = row["Error"]
    modules = {path: section for path, section in paths.items() if path not in refused}
    return Collector(folder / version, version, modules, refused, stable=stable)


def _path(module: str) -> str:
    """Return the Go path of a module as the catalogue writes it, such as `contrib/receiver/kafkareceiver`."""
    repository = next(name for name in REPOSITORIES if module.startswith(name))
    return REPOSITORIES[repository] + module.removeprefix(repository)
