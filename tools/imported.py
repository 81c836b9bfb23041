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

COMPLAINT_PREFIXES = ("WARNING", "ERROR")  # how such a line of the log begins
DOCUMENTED_TYPES = ("module", "filter", "inventory", "lookup")


def main(result_file: Path, log_file: Path) -> int:
    """Print what is wrong with an import, or how many plugins are documented; return how many faults there are.

    `result_file` is the JSON file that galaxy-importer writes, `log_file` the file of its log.
    """
    import_result = json.loads(result_file.read_text(encoding="utf-8"))
    pages = import_result["docs_blob"]["contents"]
    faults = [line for line in log_file.read_text(encoding="utf-8").splitlines() if line.startswith(COMPLAINT_PREFIXES)]
    faults += _find_page_faults(pages)
    faults += _find_undescribed_roles(import_result["contents"])
    plugins = [page for page in pages if page["content_type"] in DOCUMENTED_TYPES]
    if not plugins:
        faults.append(f"galaxy-importer found no module, filter, inventory or lookup: see {result_file}")
    print("\n".join(faults) or f"{len(plugins)} documented plugins, no warning")
    return len(faults)


def _find_page_faults(pages: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the plugins without documentation and the roles without a page."""
    for page in pages:
        content_type, name = page["content_type"], page["content_name"]
        if content_type in DOCUMENTED_TYPES and not page.get("doc_strings"):
            yield f"{content_type} {name} has no documentation"
        if content_type == "role" and not page.get("readme_html"):
            yield f"role {name} has no page"


def _find_undescribed_roles(contents: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the roles without a description."""
    for content in contents:
        if content["content_type"] == "role" and not content["description"]:
            yield f"role {content['name']} has no description"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])) != 0)
