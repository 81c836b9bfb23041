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
_WITH = {"botocore": "boto3"}
# What pip calls what is imported by another name.
_PACKAGES = {"dateutil": "python-dateutil", "google": "protobuf", "socks": "PySocks", "yaml": "PyYAML"}


def importing(make: Callable[[], Made]) -> Made:
    """Return what a call returns. Raises Problem if a library that the call imports is missing."""
    try:
        return make()
    except ImportError as error:
        raise unusable(error, "", "") from error


def unusable(error: ImportError, name: str, package: str) -> Problem:
    """Return why a module cannot be imported, and the command that mends it; `package` is its name for pip."""
    missing = (error.name or name).partition(".")[0]  # the library, or one that it needs
    if not missing:  # a library raises an ImportError of its own
        return Problem(f"a Python library does not load: {error}", fix=f"Run: {sys.executable} -m pip check")
    known = package if missing == name.partition(".")[0] else ""
    package = known or _PACKAGES.get(missing, missing)
    if _is_old(package):
        wrong = f"{_described(package)} is too old: o11y.opentelemetry works with {_wanted(package)}"
        return Problem(wrong, where=str(error), fix=_newer(package))
    # A part is missing too where another library of the same namespace is installed.
    if error.name == missing or not _version(package):
        return Problem(missing_required_lib(package), where=str(error), fix=_pip(package))
    fix = _pip(f"--force-reinstall {_quoted(package)}")
    return Problem(f"{_described(package)} does not load", where=str(error), fix=fix)


def lacking(package: str, what: str, asked: str) -> Problem:
    """Return the problem of a library that has no such part yet."""
    return Problem(f"{_described(package)} does not know {what}", asked=asked, fix=_newer(package))


def _newer(package: str) -> str:
    return _pip(f"--upgrade {_quoted(package)}")


def _is_old(package: str) -> bool:
    oldest = _wanted(package).partition(">=")[2].partition(",")[0]
    return bool(_version(package)) and _numbers(_version(package)) < _numbers(oldest)


def _pip(words: str) -> str:
    return f"Run: {sys.executable} -m pip install {words}"


def _described(package: str) -> str:
    return f"{_WITH.get(package, package)} {_version(package)}".rstrip()


def _quoted(package: str) -> str:
    wanted = _wanted(package)
    return f"'{wanted}'" if ">" in wanted else wanted


def _wanted(package: str) -> str:
    name = _WITH.get(package, package)
    return name + LIBRARIES.get(name, "")


def _version(package: str) -> str:
    """Return the installed version of a library, empty if there is none."""
    try:
        return metadata.version(_WITH.get(package, package)) or ""
    except metadata.PackageNotFoundError:
        return ""


def _numbers(version: str) -> list[int]:
    """Return the numbers of a version without zeros at the end: 6 and 6.0 are the same."""
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers
