# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of encodings are those that the Collector decodes."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.go_encodings import is_encoding


def test_names_of_encodings_have_any_case() -> None:
    wrong = ("utf-9", "utf-7", "utf-32", "cp1252", "UTF8 ", " nop", "latin 1", "base64")
    assert [name for name in wrong if is_encoding(name)] == []
    known = ("", "UTF-8", " utf-8", "Nop", "us-ascii ", "Latin1", "ISO_8859-1:1987", "437", "CSUTF8", "utf8-raw")
    assert [name for name in known if not is_encoding(name)] == []
