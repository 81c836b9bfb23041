"""What tests on a cluster share."""

import pytest

# Its checks are inherited by the tests of scenarios, and should tell as much when they fail.
pytest.register_assert_rewrite("tests.support.stack")
