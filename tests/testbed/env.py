"""What `env` prints: lines for a shell's `eval`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path


def with_first(folder: Path, path: str) -> str:
    """PATH with the folder in front, once."""
    others = [part for part in path.split(os.pathsep) if part and part != str(folder)]
    return os.pathsep.join([str(folder), *others])


def exports(variables: Mapping[str, str]) -> str:
    """`export` lines that any POSIX shell reads back exactly."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
