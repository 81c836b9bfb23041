# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable under its collection name, and the generated cases the same in every run."""

from __future__ import annotations

import contextlib
import gc
import sys
from functools import partialmethod
from pathlib import Path

import pytest
from hypothesis import settings
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from tools import leftovers

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / ".ansible" / "collections"


def _link() -> None:
    """Link the checkout into a collection path, as `make setup` does; another process may be as quick."""
    link = COLLECTIONS / "ansible_collections" / "o11y" / "opentelemetry"
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(Path("../../../.."), target_is_directory=True)


class Compiled(BytecodeCache):
    """The templates of this process, compiled once; the text of a template is part of the key."""

    def __init__(self) -> None:
        self.code: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket, if its template is known."""
        if code := self.code.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self.code[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


_link()
# Whoever renders a file makes an environment for it, and tests render the same files hundreds of times.
setattr(Environment, "__init__", partialmethod(Environment.__init__, bytecode_cache=Compiled()))  # noqa: B010
leftovers.remove()
# A namespace package is the union of its folders on the path: collections that are installed stay importable.
sys.path.insert(0, str(COLLECTIONS))

settings.register_profile("o11y", deadline=None, derandomize=True, database=None, max_examples=60)
settings.register_profile("thorough", deadline=None, database=None, max_examples=3000)
settings.load_profile("o11y")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the golden files; see tests/contract/test_examples.py."""
    parser.addoption("--regenerate", action="store_true", help="write the golden files of examples/ anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what shares a long play: a worker takes over tests from the end, and would play it again."""
    items.sort(key=lambda item: "played" not in getattr(item, "fixturenames", ()))


def pytest_collection_finish() -> None:
    """Leave the tests themselves, which stay until the end, out of every search for garbage."""
    gc.collect()
    gc.freeze()
