# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is the IAM role of a service account called? Private.

The name has no region until a module talks to one, which options, variables or a profile may give:

    fill_role_name("", "prod", ServiceAccount("obs", "gateway")) → prod-{region}-obs-gateway
    role_name_in_region("prod-{region}-obs-gateway", "eu-west-1") → prod-eu-west-1-obs-gateway
"""

from __future__ import annotations

import hashlib
import re

from .._otelcol.errors import Problem, suggest_word
from .iam_policy import ServiceAccount

# Source: IAM User Guide, "IAM and STS quotas".
LONGEST_ROLE = 64
# Characters that a name cannot have. Source: CreateRole in the IAM API reference.
_REFUSED_CHARACTERS = re.compile(r"[^A-Za-z0-9+=,.@_-]+")
# A name that is too long ends with a digest of so many characters.
_DIGEST_LENGTH = 8
_DEFAULT_TEMPLATE = "{cluster}-{region}-{namespace}-{service_account}"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# The placeholder that stays.
_REGION = "{region}"


def fill_role_name(template: str, cluster: str, account: ServiceAccount) -> str:
    """Return the name of a role: a template with its placeholders filled in, but not the one of the region.

    An empty template is the default one. Raises Problem for a placeholder that does not exist.
    """
    values = {
        "cluster": cluster,
        "namespace": account.namespace,
        "service_account": account.name,
        "region": _REGION,
    }
    full_template = template or _DEFAULT_TEMPLATE
    for placeholder in _PLACEHOLDER.finditer(full_template):
        if placeholder[1] not in values:
            fix = f"Use {', '.join(f'{{{name}}}' for name in values)}."
            wrong = f"no such placeholder as {placeholder[0]}{suggest_word(placeholder[1], values)}"
            raise Problem(wrong, asked="Name the IAM role", where="otel_identity_role_name", fix=fix)
    filled_name = _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], full_template)
    # Braces are refused, and those of the placeholder stay.
    parts = [_REFUSED_CHARACTERS.sub("-", part) for part in filled_name.split(_REGION)]
    return _REGION.join(parts)


def role_name_in_region(name: str, region: str) -> str:
    """Return the name of a role with its region, cut to what IAM takes: clusters of two regions may have one name."""
    name = name.replace(_REGION, region)
    if len(name) <= LONGEST_ROLE:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: LONGEST_ROLE - _DIGEST_LENGTH - 1]}-{digest}"
