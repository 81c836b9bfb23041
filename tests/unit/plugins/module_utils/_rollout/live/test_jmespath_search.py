# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expressions with which modules search for failures."""

from __future__ import annotations

import jmespath
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.jmespath_search import compile_search


def test_expressions_never_fill_the_cache_of_the_library() -> None:
    """With a full cache, jmespath 1.0.0 fails on Python 3.11; later versions do not."""
    parser = jmespath.parser.Parser
    search = compile_search({f"Kind{number}": f"a == `{number}`" for number in range(200)})
    assert len(parser._CACHE) < parser._MAX_SIZE
    assert [number for number in range(400) if search(f"a > `{number}`", {"a": 1})] == [0]
    assert len(parser._CACHE) < parser._MAX_SIZE
