# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable under its collection name, and the generated cases the same in every run."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tools import leftovers

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / ".ansible" / "collections"


def _link() -> None:
    """Link the checkout into a collection path, as `make setup` does; another process may be as quick."""
    link = COLLECTIONS / "ansible_collections" / "o11y" / "opentelemetry"
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(Path("../../../.."), target_is_directory=True)


_link()
leftovers.remove()
# A namespace package is the union of its folders on the path: collections that are installed stay importable.
sys.path.insert(0, str(COLLECTIONS))

settings.register_profile("o11y", deadline=None, derandomize=True, database=None, max_examples=60)
settings.register_profile("thorough", deadline=None, database=None, max_examples=3000)
settings.load_profile("o11y")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the golden files; see tests/contract/test_examples.py."""
    parser.addoption("--regenerate", action="store_true", help="write the golden files of examples/ anew")
