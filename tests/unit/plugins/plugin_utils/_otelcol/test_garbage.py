# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When Python looks for garbage, and in which objects."""

from __future__ import annotations

import gc

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _garbage


def test_the_collector_of_garbage_pauses_and_goes_on_also_after_an_error() -> None:
    with pytest.raises(ValueError, match="any"), _garbage.without_garbage_collection():
        assert not gc.isenabled()
        raise ValueError("any")
    assert gc.isenabled()


def test_a_collector_of_garbage_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with _garbage.without_garbage_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_is_there_is_never_looked_at_again_and_what_comes_later_is() -> None:
    earlier = [object()]
    try:
        _garbage.freeze_present_objects()
        later = [object()]
        looked_at = {id(each) for each in gc.get_objects()}
        assert id(earlier) not in looked_at
        assert id(later) in looked_at
    finally:
        gc.unfreeze()
