# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import the Python libraries that the collection works with, and tell what to run for one that does not load. Private.

Modules import heavy or optional libraries where they use them, by `import_library`. A library may be missing, too old
or broken; `pip install` alone does nothing for a library that is installed. So the Problem has the command that helps:

    boto3 1.28.0 is too old: o11y.opentelemetry works with boto3>=1.35.0.
    Run: /usr/bin/python3 -m pip install --upgrade 'boto3>=1.35.0'

Python imports modules, such as `yaml.nodes`, whose top module is `yaml`. pip installs libraries, such as `PyYAML`.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any, NamedTuple, TypeVar

from ansible.module_utils.basic import missing_required_lib

from ..._otelcol.errors import Problem
from ..._otelcol.yaml.yaml_documents import load_data_or_none

Result = TypeVar("Result")

# The libraries by their names for pip, with their versions, as requirements.txt has them. That file is no part of
# a module on another machine.
LIBRARIES = {
    "boto3": ">=1.35.0",
    "grpcio": ">=1.60",
    "jmespath": ">=1.0",
    "jsonpatch": ">=1.33",
    "jsonschema": ">=4.18",
    "kubernetes": ">=29.0.0,!=37.0.2",
    "opentelemetry-proto": ">=1.27",
    "PyYAML": ">=6.0",
    "urllib3": ">=2.1",
}
# Libraries that pip installs as a part of another one, whose version and requirement count for both.
_PARENT_LIBRARIES = {"botocore": "boto3"}
# The names for pip of top modules that have another name.
_PIP_NAMES = {"dateutil": "python-dateutil", "google": "protobuf", "socks": "PySocks", "yaml": "PyYAML"}


# ── Imports ──


def import_library(name: str, package: str = "") -> Any:
    """Return a module of a library, such as `botocore.config`.

    `package` is the name of the library for pip if it is not that of the module. Raises Problem with the command that
    helps if the module does not load.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise explain_import_error(error, name, package) from error


def call_importing(make: Callable[[], Result]) -> Result:
    """Return what a call returns, such as `call_importing(lambda: connect(options))`.

    Raises Problem if a library that the call imports is missing.
    """
    try:
        return make()
    except ImportError as error:
        raise explain_import_error(error, "", "") from error


def parse_foreign_yaml(text: str) -> Any:
    """Return the data in a text of YAML that somebody else wrote, read with limits; None if it is no YAML."""
    return load_data_or_none(import_library("yaml", "PyYAML"), text)


# ── Problems ──


def explain_import_error(error: ImportError, name: str, package: str) -> Problem:
    """Return why a module cannot be imported, and the command that helps.

    `name` is the module that was asked for, and `package` the name of its library for pip, each empty if unknown. The
    module that is missing may be of another library, which the library that was asked for needs.

    | library of the missing module | problem | what helps |
    |---|---|---|
    | not known, as a library raised the error itself | a Python library does not load | pip check |
    | installed, in a version before the oldest one | is too old | an upgrade |
    | not installed, or in part | is missing | an installation |
    | any other | does not load | a new installation in its place |
    """
    missing_module = error.name or name
    if not missing_module:  # a library raises an ImportError of its own
        return Problem(f"a Python library does not load: {error}", fix=f"Run: {sys.executable} -m pip check")
    pip_name = _find_pip_name(missing_module, name, package)
    library = _find_library(pip_name)
    if library.is_too_old:
        wrong = f"{library.title} is too old: o11y.opentelemetry works with {library.requirement}"
        return Problem(wrong, where=str(error), fix=_build_upgrade_fix(library))
    # A part of a namespace such as `google` is missing too if another library of that namespace is installed.
    is_missing = error.name == _top_module(missing_module) or not library.installed_version
    if is_missing:
        return Problem(missing_required_lib(pip_name), where=str(error), fix=_build_install_fix(pip_name))
    fix = _build_install_fix(f"--force-reinstall {library.quoted_requirement}")
    return Problem(f"{library.title} does not load", where=str(error), fix=fix)


def missing_part_problem(package: str, part: str, task: str) -> Problem:
    """Return the problem of a library that does not have a part yet, such as boto3 without a parameter of EKS."""
    library = _find_library(package)
    return Problem(f"{library.title} does not know {part}", asked=task, fix=_build_upgrade_fix(library))


def _build_upgrade_fix(library: _PipLibrary) -> str:
    return _build_install_fix(f"--upgrade {library.quoted_requirement}")


def _build_install_fix(arguments: str) -> str:
    return f"Run: {sys.executable} -m pip install {arguments}"


# ── Libraries as pip knows them ──


class _PipLibrary(NamedTuple):
    """A library that pip installs."""

    name: str
    """Such as `boto3`."""
    versions: str
    """The versions that the collection works with, such as `>=1.35.0`; empty for any."""
    installed_version: str
    """Empty if it is not installed."""

    @property
    def title(self) -> str:
        """The library with its installed version, such as `boto3 1.28.0`."""
        return f"{self.name} {self.installed_version}".rstrip()

    @property
    def requirement(self) -> str:
        """The library with its versions, such as `boto3>=1.35.0`."""
        return self.name + self.versions

    @property
    def quoted_requirement(self) -> str:
        """The library with its versions, as a shell takes it, such as `'boto3>=1.35.0'`."""
        return f"'{self.requirement}'" if ">" in self.requirement else self.requirement

    @property
    def is_too_old(self) -> bool:
        """Whether it is installed in a version before the oldest one that the collection works with."""
        oldest_version = self.versions.partition(">=")[2].partition(",")[0]
        is_installed = bool(self.installed_version)
        return is_installed and _parse_numbers(self.installed_version) < _parse_numbers(oldest_version)


def _find_pip_name(missing_module: str, requested_module: str, requested_package: str) -> str:
    """Return the name for pip of the library that a missing module belongs to."""
    top_module = _top_module(missing_module)
    if requested_package and top_module == _top_module(requested_module):
        return requested_package
    return _PIP_NAMES.get(top_module, top_module)


def _find_library(pip_name: str) -> _PipLibrary:
    """Return a library, or the one that it comes with."""
    name = _PARENT_LIBRARIES.get(pip_name, pip_name)
    try:
        installed_version = metadata.version(name) or ""
    except metadata.PackageNotFoundError:
        installed_version = ""
    return _PipLibrary(name, LIBRARIES.get(name, ""), installed_version)


def _top_module(module_name: str) -> str:
    return module_name.partition(".")[0]


def _parse_numbers(version: str) -> list[int]:
    """Return the numbers of a version without zeros at the end: `6` and `6.0` are [6], `1.28.3` is [1, 28, 3]."""
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers
