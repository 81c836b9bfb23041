# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options by which modules connect to a Kubernetes cluster. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of CLUSTER_ARG_SPEC, and what every connection needs."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig, or its content as a mapping.
      - Without it E(K8S_AUTH_KUBECONFIG), the ServiceAccount of the pod that the module runs in, E(KUBECONFIG), and
        C(~/.kube/config).
    type: raw
  context:
    description: Context of the kubeconfig. Without it E(K8S_AUTH_CONTEXT), or the current context.
    type: str
  host: {description: "URL of the API server. Without it E(K8S_AUTH_HOST), or the kubeconfig.", type: str}
  api_key: {description: "Bearer token. Without it E(K8S_AUTH_API_KEY), or the kubeconfig.", type: str}
  username: {description: User name for HTTP basic authentication. Without it E(K8S_AUTH_USERNAME)., type: str}
  password: {description: Password for HTTP basic authentication. Without it E(K8S_AUTH_PASSWORD)., type: str}
  validate_certs:
    description:
      - Whether to verify the certificate of the API server. Without it E(K8S_AUTH_VERIFY_SSL), or the kubeconfig.
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description:
      - Path of the CA certificates that the API server is verified with. Without it E(K8S_AUTH_SSL_CA_CERT),
        or the kubeconfig.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description: Path of a client certificate. Without it E(K8S_AUTH_CERT_FILE), or the kubeconfig.
    type: path
    aliases: [cert_file]
  client_key:
    description: Path of the key of O(client_cert). Without it E(K8S_AUTH_KEY_FILE), or the kubeconfig.
    type: path
    aliases: [key_file]
  proxy: {description: URL of an HTTP proxy. Without it E(K8S_AUTH_PROXY)., type: str}
  no_proxy:
    description:
      - Hosts, domains and CIDR ranges to reach without O(proxy), with commas between them. Without it
        E(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description: Headers for the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - User name and password for the proxy, with a colon between them. Without it
            E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
        type: str
      basic_auth:
        description:
          - User name and password for the API server, with a colon between them. Without it
            E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH).
        type: str
      user_agent: {description: The user agent. Without it E(K8S_AUTH_PROXY_HEADERS_USER_AGENT)., type: str}
  persist_config:
    description:
      - Whether the Kubernetes client writes renewed tokens back to the kubeconfig. Without it
        E(K8S_AUTH_PERSIST_CONFIG).
    type: bool
  impersonate_user: {description: User to act as. Without it E(K8S_AUTH_IMPERSONATE_USER)., type: str}
  impersonate_groups:
    description: Groups to act as. Without it E(K8S_AUTH_IMPERSONATE_GROUPS), with commas between them.
    type: list
    elements: str
  eks_cluster:
    description:
      - An EKS cluster by its name, in place of a kubeconfig and of the AWS CLI.
      - AWS is asked for its endpoint and its CA, and only a server with a certificate from that CA is talked to.
        The token is made from the AWS credentials of the environment or of a profile, for this cluster only,
        and made anew during long waits.
      - It cannot stand beside options that name a cluster or an identity too. Their environment variables do not count.
      - The environment variable E(O11Y_EKS_CLUSTER) may give it, such as V(name=prod region=eu-west-1).
      - A kubeconfig of C(aws eks update-kubeconfig) needs no AWS CLI either.
    type: dict
    suboptions:
      name: {description: The name of the cluster., type: str, required: true}
      region: {description: "The region. Without it E(AWS_REGION), or what the profile says.", type: str}
      profile:
        description: The profile. Without it E(AWS_PROFILE), or the credentials of the environment.
        type: str
      role_arn: {description: The ARN of a role to assume first., type: str}
requirements:
  - kubernetes >= 29.0.0
  - PyYAML >= 6.0
"""
