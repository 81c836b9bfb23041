# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rewrites _data/catalogue from clones and Go's module cache, or says what is stale there.

python -m tools.catalogue --sources DIR --modules $(go env GOMODCACHE) [--answers FILE …]
python -m tools.catalogue --sources DIR --check
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from . import fields, opaque, ottl, schemas, scrapers
from .clones import MissingClone
from .generate import HAND_KEPT_TABLES, generate_texts, tidy_table
from .removals import MissingAdvice

CATALOGUE_FOLDER = Path(__file__).parents[2] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue"


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 when --check finds a difference, 2 when a source or a decision is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.catalogue", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sources", type=Path, required=True, help="folder with the clones that README.md lists")
    parser.add_argument("--modules", type=Path, help="Go's module cache; writes the tables of settings too")
    parser.add_argument("--answers", nargs="*", default=[], help="answers of fields.go, for fields.json")
    parser.add_argument("--check", action="store_true", help="write nothing; print what differs and exit 1")
    options = parser.parse_args(arguments)
    try:
        generated_texts = generate_texts(options.sources)
    except (MissingClone, MissingAdvice) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    generated_texts |= {f"{name}.json": tidy_table(CATALOGUE_FOLDER / f"{name}.json") for name in HAND_KEPT_TABLES}
    changed_names = [
        name
        for name, text in sorted(generated_texts.items())
        if _write_or_compare(CATALOGUE_FOLDER / name, text, check_only=options.check)
    ]
    if options.modules and not options.check:
        _write_settings(options.sources, options.modules, options.answers)
    return 1 if options.check and changed_names else 0


def _write_settings(sources: Path, modules: Path, answers: list[str]) -> None:
    """Write the tables of settings, functions and secrets."""
    fields.main(answers)
    schemas.main(["--sources", str(sources), "--modules", str(modules), *ottl.VERSIONS])
    scrapers.main(str(modules), *ottl.VERSIONS)
    ottl.main(modules)
    vendor_folder = sources / "aws-otel-collector" / "vendor"
    if vendor_folder.is_dir():
        opaque.main([modules, vendor_folder])
    else:
        print(f"kept {opaque.OPAQUE_FILE}: {vendor_folder} is missing, so check aws-otel-collector out")


def _write_or_compare(path: Path, text: str, *, check_only: bool) -> bool:
    """Write a file, or print what differs from it; return whether anything did."""
    current_text = path.read_text(encoding="utf-8") if path.exists() else ""
    if current_text == text:
        return False
    if check_only:
        labels = (path.name, f"{path.name} regenerated")
        lines = difflib.unified_diff(current_text.splitlines(), text.splitlines(), *labels, n=0, lineterm="")
        print("\n".join(lines))
    else:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
    return True


if __name__ == "__main__":
    sys.exit(main())
