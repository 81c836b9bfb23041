# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.imported RESULT LOG`: check that galaxy-importer had no warning and found all documentation.

Its own exit code is 0 with warnings too, and without the documentation of a module.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMPLAINTS = ("WARNING", "ERROR")  # how such a line of the log begins
DOCUMENTED = ("module", "filter", "inventory", "lookup")


def main(result: Path, log: Path) -> int:
    """Print what is wrong with an import, or how many plugins are documented; return how many faults there are.

    `result` is the JSON file that galaxy-importer writes, `log` the file of its log.
    """
    imported = json.loads(result.read_text(encoding="utf-8"))
    pages = imported["docs_blob"]["contents"]
    faults = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith(COMPLAINTS)]
    faults += _faults_of_pages(pages)
    faults += _roles_without_description(imported["contents"])
    plugins = [page for page in pages if page["content_type"] in DOCUMENTED]
    if not plugins:
        faults.append(f"galaxy-importer found no module, filter, inventory or lookup: see {result}")
    print("\n".join(faults) or f"{len(plugins)} documented plugins, no warning")
    return len(faults)


def _faults_of_pages(pages: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the plugins without documentation and the roles without a page."""
    for page in pages:
        kind, name = page["content_type"], page["content_name"]
        if kind in DOCUMENTED and not page.get("doc_strings"):
            yield f"{kind} {name} has no documentation"
        if kind == "role" and not page.get("readme_html"):
            yield f"role {name} has no page"


def _roles_without_description(contents: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the roles without a description."""
    for content in contents:
        if content["content_type"] == "role" and not content["description"]:
            yield f"role {content['name']} has no description"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])) != 0)
