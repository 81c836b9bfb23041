# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.rules [--write]: writes docs/rules.md, or says that it is stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .page import build_page

PAGE_FILE = Path(__file__).parents[2] / "docs" / "rules.md"


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 when the page is stale and --write is not given."""
    parser = argparse.ArgumentParser(prog="python -m tools.rules", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args(arguments)
    current_page = build_page()
    if options.write:
        PAGE_FILE.write_text(current_page, encoding="utf-8")
        return 0
    if PAGE_FILE.is_file() and PAGE_FILE.read_text(encoding="utf-8") == current_page:
        return 0
    print("docs/rules.md is stale; run `python -m tools.rules --write`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
