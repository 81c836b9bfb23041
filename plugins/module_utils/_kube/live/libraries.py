# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python libraries the collection works with, and what to run for one that is missing, too old or broken.

`pip install` alone does nothing for a library that is installed. Private.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import metadata
from typing import TypeVar

from ansible.module_utils.basic import missing_required_lib

from ..._otelcol.errors import Problem

Made = TypeVar("Made")

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
# Libraries that come with another one, and in its version.
_PART_OF = {"botocore": "boto3"}
# What pip calls what is imported by another name.
_NAMES_OF_PIP = {"dateutil": "python-dateutil", "google": "protobuf", "socks": "PySocks", "yaml": "PyYAML"}


def importing(make: Callable[[], Made]) -> Made:
    """Return what a call returns. Raises Problem if a library that the call imports is missing."""
    try:
        return make()
    except ImportError as error:
        raise unusable(error, "", "") from error


def unusable(error: ImportError, name: str, package: str) -> Problem:
    """Return why a module cannot be imported, and the command that mends it.

    `name` is the module that was asked for, and `package` the name of its library for pip, each empty if unknown.
    """
    module_name = error.name or name
    if not module_name:  # a library raises an ImportError of its own
        return Problem(f"a Python library does not load: {error}", fix=f"Run: {sys.executable} -m pip check")
    library = _library_of(module_name)  # the one that was asked for, or one that it needs
    is_asked_one = library == _library_of(name)
    pip_name = (package if is_asked_one else "") or _NAMES_OF_PIP.get(library, library)
    if _is_too_old(pip_name):
        wrong = f"{_described(pip_name)} is too old: o11y.opentelemetry works with {_requirement(pip_name)}"
        return Problem(wrong, where=str(error), fix=_upgrade(pip_name))
    # A part is missing too where another library of the same namespace is installed.
    is_missing = error.name == library or not _version(pip_name)
    if is_missing:
        return Problem(missing_required_lib(pip_name), where=str(error), fix=_pip_install(pip_name))
    fix = _pip_install(f"--force-reinstall {_quoted_requirement(pip_name)}")
    return Problem(f"{_described(pip_name)} does not load", where=str(error), fix=fix)


def lacking(package: str, what: str, asked: str) -> Problem:
    """Return the problem of a library that has no such part yet."""
    return Problem(f"{_described(package)} does not know {what}", asked=asked, fix=_upgrade(package))


# ── What to run ──


def _upgrade(package: str) -> str:
    return _pip_install(f"--upgrade {_quoted_requirement(package)}")


def _pip_install(words: str) -> str:
    return f"Run: {sys.executable} -m pip install {words}"


def _quoted_requirement(package: str) -> str:
    """Return what a library must be, as a shell takes it."""
    requirement = _requirement(package)
    return f"'{requirement}'" if ">" in requirement else requirement


# ── Libraries and versions ──


def _library_of(module_name: str) -> str:
    return module_name.partition(".")[0]


def _described(package: str) -> str:
    """Return a library with its installed version, if it has one."""
    return f"{_PART_OF.get(package, package)} {_version(package)}".rstrip()


def _requirement(package: str) -> str:
    """Return a library with the versions that the collection works with, such as `boto3>=1.35.0`."""
    name = _PART_OF.get(package, package)
    return name + LIBRARIES.get(name, "")


def _is_too_old(package: str) -> bool:
    version = _version(package)
    oldest = _requirement(package).partition(">=")[2].partition(",")[0]
    return bool(version) and _numbers(version) < _numbers(oldest)


def _version(package: str) -> str:
    """Return the installed version of a library, empty if there is none."""
    try:
        return metadata.version(_PART_OF.get(package, package)) or ""
    except metadata.PackageNotFoundError:
        return ""


def _numbers(version: str) -> list[int]:
    """Return the numbers of a version without zeros at the end: 6 and 6.0 are the same."""
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers
