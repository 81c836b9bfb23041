"""The cases of the rules, and what checks them."""

import pytest

# A case that fails shows what the rule said.
pytest.register_assert_rewrite(f"{__name__}.cases")
