# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable under its collection name, and the generated cases the same in every run."""

from __future__ import annotations

import contextlib
import gc
import sys
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
import yaml
from hypothesis import settings
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from tools import bytecode

# Nothing that is imported or collected is ever garbage, and to search it again and again takes longer than to make it.
gc.disable()
# To search ten times less often costs little memory, and takes a little less time.
gc.set_threshold(20_000)
ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / ".ansible" / "collections"


def _link() -> None:
    """Link the checkout into a collection path, as `make setup` does; another process may be as quick."""
    link = COLLECTIONS / "ansible_collections" / "o11y" / "opentelemetry"
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(Path("../../../.."), target_is_directory=True)


class Compiled(BytecodeCache):
    """The templates of this process, compiled once for each text and each way to compile it."""

    def __init__(self) -> None:
        self.code: dict[tuple[Any, ...], CodeType] = {}

    @staticmethod
    def key(bucket: Bucket) -> tuple[Any, ...]:
        """Return what the code depends on."""
        settings = ("autoescape", "trim_blocks", "lstrip_blocks", "keep_trailing_newline", "undefined", "finalize")
        made = bucket.environment
        return (bucket.key, bucket.checksum, type(made), *made.extensions, *(vars(made)[name] for name in settings))

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket, if its template is known."""
        bucket.code = self.code.get(self.key(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled, as it is: nothing changes code, and to read it out of bytes takes longer."""
        assert bucket.code
        self.code[self.key(bucket)] = bucket.code


def _compile_once(made: Any, compiled: Compiled) -> None:
    """Give each environment the cache: whoever renders a file makes one, and tests render the same files often."""
    usual = made.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        usual(self, *args, **kwargs)
        self.bytecode_cache = self.bytecode_cache or compiled

    made.__init__ = init


def _read_quickly(made: Any) -> None:
    """Let tests read YAML in C, which gives the same data; the collection does not use these functions."""
    if made.__with_libyaml__:
        made.safe_load = lambda text: made.load(text, Loader=made.CSafeLoader)
        made.safe_load_all = lambda text: made.load_all(text, Loader=made.CSafeLoader)


_link()
_read_quickly(yaml)
_compile_once(Environment, Compiled())
bytecode.remove_bytecode_folders()
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
    items.sort(key=lambda item: not any(name.startswith("played") for name in getattr(item, "fixturenames", ())))


def pytest_collection_finish() -> None:
    """Leave the tests themselves, which stay until the end, out of every search for garbage."""
    gc.collect()
    gc.freeze()
    gc.enable()
