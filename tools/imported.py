# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.imported RESULT LOG`: check that galaxy-importer had no warning and found all documentation.

Its own exit code is 0 with warnings too, and without the documentation of a module.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

COMPLAINTS = ("WARNING", "ERROR")
DOCUMENTED = {"module", "filter", "inventory", "lookup"}


def main(result: Path, log: Path) -> int:
    """Print what is wrong; return how many things are."""
    wrong = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith(COMPLAINTS)]
    found = json.loads(result.read_text(encoding="utf-8"))
    pages = found["docs_blob"]["contents"]
    for page in pages:
        kind, name = page["content_type"], page["content_name"]
        if kind in DOCUMENTED and not page.get("doc_strings"):
            wrong.append(f"{kind} {name} has no documentation")
        if kind == "role" and not page.get("readme_html"):
            wrong.append(f"role {name} has no page")
    for item in found["contents"]:
        if item["content_type"] == "role" and not item["description"]:
            wrong.append(f"role {item['name']} has no description")
    print(
        "\n".join(wrong)
        or f"{sum(page['content_type'] in DOCUMENTED for page in pages)} documented plugins, no warning"
    )
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])) != 0)
