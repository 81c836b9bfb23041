# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.catalogue --sources DIR [--check]: rewrites _data/catalogue, or says what is stale there."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from .clones import Missing
from .generate import HAND_KEPT, generate, tidy
from .tables import Unadvised

CATALOGUE = Path(__file__).parents[2] / "plugins" / "plugin_utils" / "_data" / "catalogue"


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 when --check finds a difference, 2 when a source or a decision is missing."""
    parser = argparse.ArgumentParser(prog="python -m tools.catalogue", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder with the clones that README.md lists")
    parser.add_argument("--check", action="store_true", help="write nothing; print what differs and exit 1")
    options = parser.parse_args(arguments)
    try:
        wanted = generate(options.sources)
    except (Missing, Unadvised) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    wanted |= {f"{name}.json": tidy(CATALOGUE / f"{name}.json") for name in HAND_KEPT}
    changed = [name for name, text in sorted(wanted.items()) if _apply(CATALOGUE / name, text, check=options.check)]
    return 1 if options.check and changed else 0


def _apply(path: Path, text: str, *, check: bool) -> bool:
    """Write a file, or print what differs from it; return whether anything did."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before == text:
        return False
    if check:
        names = (path.name, f"{path.name} regenerated")
        lines = difflib.unified_diff(before.splitlines(), text.splitlines(), *names, n=0, lineterm="")
        print("\n".join(lines))
    else:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
    return True


sys.exit(main())
