# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import the Python libraries that the collection works with, and tell what to run for one that does not load.

It may be missing, too old or broken; `pip install` alone does nothing for a library that is installed. Private.

Four names have to be told apart. A module is what Python imports, such as `yaml.nodes`, and its top module is `yaml`.
The library, or package, has a name for pip, such as `PyYAML`. A parent library is one that brings another along in its
own version, as `boto3` brings `botocore`: only the parent is required and installed.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any, TypeVar

from ansible.module_utils.basic import missing_required_lib

from ..._otelcol.errors import Problem
from ..._otelcol.yaml.yaml_documents import load_data_or_none

Result = TypeVar("Result")

# As requirements.txt has them, which is no part of a module on another machine.
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
# Libraries that come with another one, the parent, and in its version.
_PARENT_LIBRARIES = {"botocore": "boto3"}
# What pip calls what is imported by another name.
_PIP_NAMES = {"dateutil": "python-dateutil", "google": "protobuf", "socks": "PySocks", "yaml": "PyYAML"}


def call_importing(make: Callable[[], Result]) -> Result:
    """Return what a call returns. Raises Problem if a library that the call imports is missing."""
    try:
        return make()
    except ImportError as error:
        raise explain_import_error(error, "", "") from error


def import_library(name: str, package: str = "") -> Any:
    """Return a heavy or optional library, imported only where it is used.

    `package` is its name for pip where that differs. Raises Problem, with the command that mends it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise explain_import_error(error, name, package) from error


def parse_foreign_yaml(text: str) -> Any:
    """Return the data of YAML that somebody else wrote, read with limits; None if it is not YAML."""
    return load_data_or_none(import_library("yaml", "PyYAML"), text)


def explain_import_error(error: ImportError, name: str, package: str) -> Problem:
    """Return why a module cannot be imported, and the command that mends it.

    `name` is the module that was asked for, and `package` the name of its library for pip, each empty if unknown.
    """
    module_name = error.name or name
    if not module_name:  # a library raises an ImportError of its own
        return Problem(f"a Python library does not load: {error}", fix=f"Run: {sys.executable} -m pip check")
    library = _top_module(module_name)  # the one that was asked for, or one that it needs
    is_requested = library == _top_module(name)
    pip_name = (package if is_requested else "") or _PIP_NAMES.get(library, library)
    if _is_too_old(pip_name):
        wrong = f"{_describe_library(pip_name)} is too old: o11y.opentelemetry works with {_requirement(pip_name)}"
        return Problem(wrong, where=str(error), fix=_upgrade_command(pip_name))
    # A part is missing too where another library of the same namespace is installed.
    is_missing = error.name == library or not _installed_version(pip_name)
    if is_missing:
        return Problem(missing_required_lib(pip_name), where=str(error), fix=_pip_install_command(pip_name))
    fix = _pip_install_command(f"--force-reinstall {_quoted_requirement(pip_name)}")
    return Problem(f"{_describe_library(pip_name)} does not load", where=str(error), fix=fix)


def missing_part_problem(package: str, part: str, task: str) -> Problem:
    """Return the problem of a library that has no such part yet."""
    return Problem(f"{_describe_library(package)} does not know {part}", asked=task, fix=_upgrade_command(package))


# ── What to run ──


def _upgrade_command(package: str) -> str:
    return _pip_install_command(f"--upgrade {_quoted_requirement(package)}")


def _pip_install_command(arguments: str) -> str:
    return f"Run: {sys.executable} -m pip install {arguments}"


def _quoted_requirement(package: str) -> str:
    """Return a library with its versions, as a shell takes it, such as `'boto3>=1.35.0'`."""
    requirement = _requirement(package)
    return f"'{requirement}'" if ">" in requirement else requirement


# ── Libraries and versions ──


def _top_module(module_name: str) -> str:
    return module_name.partition(".")[0]


def _describe_library(package: str) -> str:
    """Return a library with its installed version, if it has one."""
    return f"{_PARENT_LIBRARIES.get(package, package)} {_installed_version(package)}".rstrip()


def _requirement(package: str) -> str:
    """Return a library with the versions that the collection works with, such as `boto3>=1.35.0`."""
    name = _PARENT_LIBRARIES.get(package, package)
    return name + LIBRARIES.get(name, "")


def _is_too_old(package: str) -> bool:
    version = _installed_version(package)
    oldest = _requirement(package).partition(">=")[2].partition(",")[0]
    return bool(version) and _parse_numbers(version) < _parse_numbers(oldest)


def _installed_version(package: str) -> str:
    """Return the installed version of a library, empty if there is none."""
    try:
        return metadata.version(_PARENT_LIBRARIES.get(package, package)) or ""
    except metadata.PackageNotFoundError:
        return ""


def _parse_numbers(version: str) -> list[int]:
    """Return the numbers of a version without zeros at the end: 6 and 6.0 are the same."""
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers
