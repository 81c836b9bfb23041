# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that connect to a cluster. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of CLUSTER_ARG_SPEC, and the requirements of a connection."""

    DOCUMENTATION = r"""
attributes:
  check_mode: {description: "Changes nothing in check mode, and predicts the changes.", support: full}
  diff_mode: {description: "Returns the difference, also in check mode.", support: none}
  platform: {description: Supported operating systems., support: full, platforms: all}
options:
  kubeconfig:
    description:
      - Path of a kubeconfig, or its content as a mapping. Defaults to E(K8S_AUTH_KUBECONFIG), the ServiceAccount of the
        pod that the module runs in, E(KUBECONFIG), and C(~/.kube/config).
    type: raw
  context:
    description: Context of the kubeconfig. Defaults to E(K8S_AUTH_CONTEXT), or the current context.
    type: str
  host: {description: "URL of the API server. Defaults to E(K8S_AUTH_HOST), or the kubeconfig.", type: str}
  api_key: {description: "Bearer token. Defaults to E(K8S_AUTH_API_KEY), or the kubeconfig.", type: str}
  username: {description: User name for HTTP basic authentication. Defaults to E(K8S_AUTH_USERNAME)., type: str}
  password: {description: Password for HTTP basic authentication. Defaults to E(K8S_AUTH_PASSWORD)., type: str}
  validate_certs:
    description: Whether to verify the API server's certificate. Defaults to E(K8S_AUTH_VERIFY_SSL), or the kubeconfig.
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description: Path of the API server's CA certificates. Defaults to E(K8S_AUTH_SSL_CA_CERT), or the kubeconfig.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description: Path of a client certificate. Defaults to E(K8S_AUTH_CERT_FILE), or the kubeconfig.
    type: path
    aliases: [cert_file]
  client_key:
    description: Path of the key of O(client_cert). Defaults to E(K8S_AUTH_KEY_FILE), or the kubeconfig.
    type: path
    aliases: [key_file]
  proxy: {description: URL of an HTTP proxy. Defaults to E(K8S_AUTH_PROXY)., type: str}
  no_proxy:
    description: Comma-separated hosts, domains and CIDR ranges without O(proxy). Defaults to E(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description: Headers for the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description: C(USER:PASSWORD) for the proxy. Defaults to E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
        type: str
      basic_auth:
        description: C(USER:PASSWORD) for the API server. Defaults to E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH).
        type: str
      user_agent: {description: The user agent. Defaults to E(K8S_AUTH_PROXY_HEADERS_USER_AGENT)., type: str}
  persist_config:
    description: Whether the client writes renewed tokens to the kubeconfig. Defaults to E(K8S_AUTH_PERSIST_CONFIG).
    type: bool
  impersonate_user: {description: User to act as. Defaults to E(K8S_AUTH_IMPERSONATE_USER)., type: str}
  impersonate_groups:
    description: Groups to act as. Defaults to E(K8S_AUTH_IMPERSONATE_GROUPS), a comma-separated list.
    type: list
    elements: str
  eks_cluster:
    description:
      - An EKS cluster by name, instead of a kubeconfig and the AWS CLI.
      - AWS returns its endpoint and CA, which verifies the server.
        The token comes from the AWS credentials of the environment or of a profile. It is valid for this cluster only,
        and renewed during long waits.
      - It excludes other options that name a cluster or an identity. Their environment variables are ignored.
      - Defaults to the environment variable E(O11Y_EKS_CLUSTER), such as V(name=prod region=eu-west-1).
      - A kubeconfig of C(aws eks update-kubeconfig) needs no AWS CLI either.
    type: dict
    suboptions:
      name: {description: The name of the cluster., type: str, required: true}
      region: {description: The region. Defaults to E(AWS_REGION) or the profile's., type: str}
      profile: {description: The profile. Defaults to E(AWS_PROFILE) or the environment's credentials., type: str}
      role_arn: {description: The ARN of a role to assume first., type: str}
requirements:
  - kubernetes >= 29.0.0
  - PyYAML >= 6.0
"""
