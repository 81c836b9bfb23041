# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.catalogue.bundle FILE`: write the tables to one file, for an older version of the collection.

Option `catalogue` of pipeline_validate takes it. The tables are the JSON files beside fields.json. Two of them are not
among `TABLES`, the names that the rules read in rows.py: `provenance` and `request_limits`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from plugins.module_utils._otelcol.catalogue.rows import TABLE_FORMAT, TABLES

from .fields_facts import FIELDS_FILE


def bundle_tables() -> str:
    """Return the text of the file."""
    table_names = (*TABLES, "provenance", "request_limits")
    tables = {
        name: json.loads(FIELDS_FILE.with_name(f"{name}.json").read_text(encoding="utf-8")) for name in table_names
    }
    return json.dumps({"format": TABLE_FORMAT, "tables": tables}, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(bundle_tables(), encoding="utf-8")
