# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import carried_identity
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import collector

ROLE = {"eks.amazonaws.com/role-arn": "arn:a"}


def test_a_change_of_identity_replaces_pods_and_nothing_else_does() -> None:
    plain = collector(name="one")
    key = f"{plain.namespace}/{plain.service_account_name}"
    one, same, other = (carried_identity.add_identity(plain, {key: {**ROLE, "b": text}}) for text in ("1", "1", "2"))
    assert one.service_account_annotations == {**ROLE, "b": "1"}
    assert one == same
    assert (
        one.pod_annotations[carried_identity.IDENTITY_STAMP] != other.pod_annotations[carried_identity.IDENTITY_STAMP]
    )
    assert carried_identity.add_identity(plain, {"elsewhere/one": ROLE}) is plain


def test_an_annotation_of_the_users_own_that_says_otherwise_is_refused() -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:b"}
    own = collector(name="one", service_account_annotations=role)
    key = f"{own.namespace}/{own.service_account_name}"
    with pytest.raises(Problem, match=r"have another eks\.amazonaws\.com/role-arn than its identity"):
        carried_identity.add_identity(own, {key: ROLE})
    assert carried_identity.add_identity(own, {key: role}).pod_annotations[carried_identity.IDENTITY_STAMP]
