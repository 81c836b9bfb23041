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
from collections.abc import Iterable, Iterator, Mapping
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
        self.folder.mkdir(parents=True, exist_ok=True)
        manifest = self.folder / "manifest.yaml"
        manifest.write_text(yaml.safe_dump(self._manifest(), sort_keys=False), encoding="utf-8")
        options = ("--config", str(manifest), "--skip-compilation", "--skip-get-modules")
        go("run", f"{_BUILDER}@{self.version}", *options, folder=self.folder)
        for file in (TESTBED / "validate_each.go", QUESTION):
            shutil.copy(file, self.folder)
        for name in ("go.mod", "go.sum"):
            (self.folder / name).unlink(missing_ok=True)
        go("mod", "init", MODULE, folder=self.folder)
        wanted = {module: self._of_release(module) for module in self.modules} | self._own()
        required = (f"-require={module}@{version}" for module, version in wanted.items())
        replaced = (f"-replace={module}={module}@{version}" for module, version in self.replaced.items())
        go("mod", "edit", *required, *replaced, folder=self.folder)

    def _manifest(self) -> dict[str, Any]:
        own = ((module, version) for module, version in self._own().items() if _PROVIDER in module)
        parts = {"providers": [{"gomod": f"{module} {version}"} for module, version in own]}
        for module, section in sorted(self.modules.items()):
            parts.setdefault(section, []).append({"gomod": f"{module} {self._of_release(module)}"})
        about = {"module": MODULE, "name": PROGRAM, "output_path": str(self.folder)}
        return {"dist": {**about, "version": self.version.removeprefix("v")}, **parts}

    def _of_release(self, module: str) -> str:
        return self.stable.get(module, self.version)

    def _own(self) -> dict[str, str]:
        """Return the modules of the Collector itself that the program imports, at the versions of the release."""
        stable, core = proxy.stable(self.version), REPOSITORIES["core/"]
        providers = {f"{core}{_PROVIDER}{name}provider": stable for name in PROVIDERS}
        return dict.fromkeys(OWN, self.version) | {f"{core}confmap": stable} | providers

    def _drop(self, refused: dict[str, str]) -> bool:
        """Leave modules out, and return whether another round is needed."""
        before = dict(self.replaced)
        for module, why in refused.items():
            if not self._replace(why, before):
                self.refused[module] = why
                self.modules.pop(module, None)
        return bool(refused)

    def _replace(self, why: str, before: Mapping[str, str]) -> bool:
        """Replace what is refused by its newest release before that; return False if it is of the Collector."""
        match = _REFUSED.search(why)
        if match is None or match[1].startswith(tuple(REPOSITORIES.values())) or match[1] in before:
            return False
        if match[1] not in self.replaced:
            older = [release for release in proxy.releases(match[1]) if _number(release) <= _number(match[2])]
            self.replaced |= {match[1]: older[-1]} if older else {}
        return match[1] in self.replaced

    def _unresolved(self) -> dict[str, str]:
        """Return the modules of components that need a package which is refused."""
        go("mod", "tidy", "-e", folder=self.folder, check=False)
        self._is_of_one_release()
        text = go("list", "-e", "-deps", "-json=ImportPath,Error", ".", folder=self.folder).stdout
        found: dict[str, str] = {}
        for package in _stream(text):
            error = package.get("Error") or {}
            for module in self._of(error.get("ImportStack") or ()):
                found[module] = error["Err"]
        return found

    def _is_of_one_release(self) -> None:
        """Raise Refused if a module of the Collector is of a later release: the answers would be those of neither."""
        text = (self.folder / "go.mod").read_text(encoding="utf-8")
        own = re.findall(rf"^\s*((?:{'|'.join(REPOSITORIES.values())})\S*) v(\d+)\.(\d+)", text, re.MULTILINE)
        minors = {number[0]: number[1] for number in map(_number, (self.version, proxy.stable(self.version)))}
        later = [f"{module} v{major}.{minor}" for module, major, minor in own if int(minor) > minors[int(major)]]
        if later:
            raise proxy.Refused(f"{self.folder}/go.mod requires modules of a later release: {', '.join(later)}")

    def _uncompiled(self) -> dict[str, str]:
        """Compile, and return the modules of components that need a package which does not."""
        flags = ("-trimpath", "-gcflags=all=-dwarf=false -l", "-ldflags=-s -w")
        done = go("build", *flags, "-o", PROGRAM, ".", folder=self.folder, check=False)
        if not done.returncode:
            return {}
        broken = set(_BROKEN.findall(done.stderr))
        text = go("list", "-e", "-json=ImportPath,Deps", *self.modules, folder=self.folder).stdout
        needing = {row["ImportPath"]: broken & {row["ImportPath"], *row.get("Deps", ())} for row in _stream(text)}
        found = {
            module: f"needs {' '.join(sorted(those))}, which do not compile"
            for module, those in needing.items()
            if those
        }
        if not found:
            raise proxy.Refused(done.stderr)
        return found

    def _of(self, packages: Iterable[str]) -> Iterator[str]:
        """Yield the component's module through which packages are imported."""
        for package in packages:
            if package in self.modules:
                yield package
                return


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.removeprefix("v").partition("-")[0].split("."))


def _stream(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        found, end = decoder.raw_decode(text)
        yield found
        text = text[end:]


def of_release(folder: Path, version: str, components: Iterable[Module]) -> Collector:
    """Return the Collector of a release with all components whose modules the proxy has; others are refused."""
    paths = {_path(module): section for section, module in components}
    found = {row["Path"]: row.get("Error", "") for row in proxy.downloaded(f"{path}@{version}" for path in paths)}
    stable = {path: apart for path, error in found.items() if error and (apart := proxy.stable_of(path, version))}
    refused = {path: error for path, error in found.items() if error and path not in stable}
    modules = {path: section for path, section in paths.items() if path not in refused}
    return Collector(folder / version, version, modules, refused, stable=stable)


def _path(module: str) -> str:
    repository = next(name for name in REPOSITORIES if module.startswith(name))
    return REPOSITORIES[repository] + module.removeprefix(repository)
