# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moto lacks of IAM's OIDC providers: their audiences one by one."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from tests.testbed.aws.world import ACCOUNT, AwsError, find_partition

OPERATIONS = ("AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider")


def change_audiences(operation: str, region: str, parameters: dict[str, Any]) -> str:
    """Change the audiences, and return the XML of the answer. Doing it again is no error, as in IAM."""
    providers = iam_backends[ACCOUNT][find_partition(region)].open_id_providers
    provider = providers.get(parameters["OpenIDConnectProviderArn"])
    if provider is None:
        raise AwsError(
            "NoSuchEntity", f"OpenIDConnect Provider not found for arn {parameters['OpenIDConnectProviderArn']}"
        )
    other_audiences = [audience for audience in provider.client_id_list if audience != parameters["ClientID"]]
    provider.client_id_list = (
        [*other_audiences, parameters["ClientID"]] if operation.startswith("Add") else other_audiences
    )
    namespace = "https://iam.amazonaws.com/doc/2010-05-08/"
    metadata = "<ResponseMetadata><RequestId>testbed</RequestId></ResponseMetadata>"
    return f'<{operation}Response xmlns="{namespace}">{metadata}</{operation}Response>'
