# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What components need of AWS: actions, and the ARNs on which they are allowed.

`aws_calls.py` derives an `AwsGrant` for each call of a component. Grants are derived before account and region are
known, so ARNs hold placeholders, such as `<region>`:

    AwsGrant(("logs:PutLogEvents",), "https://…", ("arn:<partition>:logs:<region>:<account>:log-group:shop:*",))

The room `_identity` makes policies of grants. tests/integration/test_least_privilege.py removes each action from the
real Collector. Private.
"""

from __future__ import annotations

from dataclasses import dataclass

# No ARN and no name of AWS may have these characters, so nothing of a user's looks like one of them.
PARTITION = "<partition>"
REGION = "<region>"
ACCOUNT = "<account>"


@dataclass(frozen=True)
class AwsGrant:
    """Actions that a component needs, such as `logs:PutLogEvents`, and the ARNs on which they are allowed.

    `source_page` is the address of the documentation that says so. `region` restricts actions that know no resources;
    it is empty, or has a `*`, for no restriction.
    """

    actions: tuple[str, ...]
    source_page: str
    resources: tuple[str, ...] = ("*",)
    region: str = ""
