# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release deprecates and plans is quoted from its own texts, and a plan is no deprecation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checkout import import_tools_from_checkout

with import_tools_from_checkout():
    from tools.follow import announced, proxy

CHANGELOG = """# Changelog
## v1.71.0/v0.165.0

### 🛑 Breaking changes 🛑

- `pkg/confighttp`: Remove deprecated fields. (#15973)
  More about it.

### 💡 Enhancements 💡

- `pkg/pdata`: Improve performance. (#16282)
- `pkg/service`: Warn at startup when a pipeline batches twice. (#15965)

## v1.66.0/v0.160.0

### 🚩 Deprecations 🚩

- `pkg/confighttp`: Deprecate flat keepalive fields. (#14020)
"""
PLAN = """# Batches
The first release is tentatively **v0.160.0**.
| 3   | Removed   | v0.166.0 |
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the Collector's module, as the proxy brings it."""
    (tmp_path / "docs" / "rfcs").mkdir(parents=True)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    (tmp_path / "docs" / "rfcs" / "batches.md").write_text(PLAN, encoding="utf-8")
    monkeypatch.setattr(proxy, "download_modules", lambda _modules: iter([{"Dir": str(tmp_path)}]))
    return tmp_path


def test_what_a_release_deprecates_and_plans_has_its_source(module: Path) -> None:
    assert announced.describe_release("v0.165.0").splitlines() == [
        "# v0.165.0 of the Collector",
        "",
        "## What it deprecates or breaks",
        "",
        "- `pkg/confighttp`: Remove deprecated fields. (#15973)"
        " (go.opentelemetry.io/collector@v0.165.0/CHANGELOG.md, line 6)",
        "- `pkg/service`: Warn at startup when a pipeline batches twice. (#15965)"
        " (go.opentelemetry.io/collector@v0.165.0/CHANGELOG.md, line 12)",
        "",
        "## What it plans",
        "",
        "- | 3 | Removed | v0.166.0 | (go.opentelemetry.io/collector@v0.165.0/docs/rfcs/batches.md, line 3)",
    ]


def test_a_release_without_announcements_says_so(module: Path) -> None:
    assert announced.describe_release("v0.166.0").count("Nothing.") == 2


def test_a_release_that_the_proxy_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "download_modules", lambda _modules: iter([{"Error": "not found"}]))
    with pytest.raises(proxy.RefusedModule, match="not found"):
        announced.describe_release("v0.999.0")
