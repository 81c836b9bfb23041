# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `env` prints: lines for a shell's `eval`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path


def format_exports(variables: Mapping[str, str], path: Path | None, unset_names: Sequence[str] = ()) -> str:
    """`export` lines that any POSIX shell reads back exactly; `path` goes before what PATH is in that shell."""
    lines = [f"unset {name}\n" for name in unset_names]
    lines += [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    if path:
        lines.append(f'export PATH={shlex.quote(str(path))}:"$PATH"\n')
    return "".join(lines)
