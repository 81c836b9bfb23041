# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules for AWS. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that amazon.aws gives to every module, and those for tags, service accounts and add-ons."""

    DOCUMENTATION = r"""
attributes:
  check_mode: {description: "Changes nothing in check mode, and predicts the changes.", support: full}
  diff_mode: {description: "Returns the difference, also in check mode.", support: none}
  platform: {description: Supported operating systems., support: full, platforms: all}
options:
  access_key:
    description: AWS access key ID. Defaults to E(AWS_ACCESS_KEY_ID) or E(AWS_ACCESS_KEY). It excludes O(profile).
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description: AWS secret access key. Defaults to E(AWS_SECRET_ACCESS_KEY) or E(AWS_SECRET_KEY). Excludes O(profile).
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description: Session token of temporary credentials. Defaults to E(AWS_SESSION_TOKEN). It excludes O(profile).
    type: str
    aliases: [aws_session_token]
  profile:
    description: Profile of the AWS configuration. Defaults to E(AWS_PROFILE) or E(AWS_DEFAULT_PROFILE).
    type: str
    aliases: [aws_profile]
  region:
    description: The region. Defaults to E(AWS_REGION), E(AWS_DEFAULT_REGION), or the profile's. IAM ignores it.
    type: str
    aliases: [aws_region]
  endpoint_url:
    description: URL instead of the endpoints of AWS. Defaults to E(AWS_URL).
    type: str
    aliases: [aws_endpoint_url]
  validate_certs:
    description: Whether to verify the certificates of AWS. Prefer O(aws_ca_bundle) to V(false).
    type: bool
    default: true
  aws_ca_bundle: {description: Path of the CA certificates of AWS. Defaults to E(AWS_CA_BUNDLE)., type: path}
  aws_config: {description: Settings of C(botocore.config.Config)., type: dict}
  debug_botocore_endpoint_logs:
    description: Whether to return C(resource_actions), the calls of AWS. Defaults to E(ANSIBLE_DEBUG_BOTOCORE_LOGS).
    type: bool
    default: false
requirements:
  - python >= 3.11
  - boto3 >= 1.35.0
"""

    TAGS = r"""
options:
  tags: {description: Tags of the object. Without it the tags stay unchanged., type: dict, aliases: [resource_tags]}
  purge_tags:
    description: Whether to remove tags that O(tags) lacks. Tags that begin with C(aws:) stay.
    type: bool
    default: true
"""

    SERVICE_ACCOUNT = r"""
options:
  cluster_name: {description: The name of the EKS cluster., type: str, required: true}
  namespace: {description: The namespace of the service account. Both may be created later., type: str, required: true}
  service_account: {description: The name of the service account., type: str, required: true}
"""

    DEGRADED = r"""
options:
  degraded:
    description:
      - What a wait does with a V(DEGRADED) add-on, a usual status while its pods start.
      - V(wait) waits for O(degraded_seconds), or fails at once for a permanent issue,
        such as a configuration conflict or a missing subscription.
      - V(fail) fails at once, V(accept) warns and succeeds.
    type: str
    choices: [wait, fail, accept]
    default: wait
  degraded_seconds: {description: How long an add-on may stay V(DEGRADED)., type: float, default: 300}
"""
