# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder with compiled code, which processes share: what one of them has compiled, the others read."""

from __future__ import annotations

import hashlib
import marshal
import os
from contextlib import suppress
from pathlib import Path
from types import CodeType


class CodeFolder:
    """Compiled code, in a file for each text and each way to compile it."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def find_file(self, description: str) -> Path:
        """Return the file of the code of a text. The description tells the text, and how it is compiled."""
        return self.path / hashlib.sha256(description.encode(errors="surrogatepass")).hexdigest()

    @staticmethod
    def read(file: Path) -> CodeType | None:
        """Return the code of a file, if there is one."""
        with suppress(FileNotFoundError):
            return marshal.loads(file.read_bytes())  # type: ignore[no-any-return]
        return None

    @staticmethod
    def write(file: Path, code: CodeType) -> None:
        """Keep the code of a file; another process may do the same."""
        own_file = file.with_suffix(f".{os.getpid()}")
        own_file.write_bytes(marshal.dumps(code))
        own_file.replace(file)
