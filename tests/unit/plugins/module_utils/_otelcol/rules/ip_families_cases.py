# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on addresses of IPv4 and IPv6."""

CASES = """
unbracketed-address:
  given: {in.mode: deployment}
  two listeners:
    receivers.otlp.protocols: {grpc: {endpoint: "${env:MY_POD_IP}:4317"}, http: {endpoint: "${env:MY_POD_IP}:4318"}}
    finds: "receivers.otlp.protocols.grpc.endpoint: grpc.endpoint, receivers.otlp.protocols.http.endpoint Write
      `\\"[${env:MY_POD_IP}]:4317\\"`, which works with IPv4 too"
  an older spelling: {receivers.zipkin.endpoint: "${POD_IP}:9411",
    finds: "receivers.zipkin.endpoint: Write `\\"[${POD_IP}]:9411\\"`"}
  a file that nobody deploys: {receivers.zipkin.endpoint: "${env:POD_IP}:9411", in: null,
    finds: "receivers.zipkin.endpoint: does not start in an IPv6 cluster"}
  an IPv6 cluster: {receivers.zipkin.endpoint: "${env:MY_POD_IP}:9411", in.ip_families: [IPv6],
    finds: "receivers.zipkin.endpoint: '${env:MY_POD_IP}:9411' is no address in an IPv6 cluster"}
  a URL in an IPv6 cluster: {receivers.kubelet_stats.endpoint: "https://${env:K8S_NODE_IP}:10250", signal: metrics,
    in.ip_families: [IPv6, IPv4],
    finds: "receivers.kubelet_stats.endpoint: Write `\\"https://[${env:K8S_NODE_IP}]:10250\\"`"}
  a URL, whose brackets IPv4 does not take: {receivers.kubelet_stats.endpoint: "https://${env:K8S_NODE_IP}:10250",
    signal: metrics}
  brackets: {receivers.otlp.protocols: {grpc: {endpoint: "[${env:MY_POD_IP}]:4317"}}, in.ip_families: [IPv6]}
  an IPv4 cluster: {receivers.zipkin.endpoint: "${env:MY_POD_IP}:9411", in.ip_families: [IPv4]}
  a name: {receivers.zipkin.endpoint: "${env:MY_POD_NAME}:9411", in.ip_families: [IPv6]}
ipv4-listener:
  given: {in.mode: deployment}
  in an IPv6 cluster: {receivers.zipkin.endpoint: "0.0.0.0:9411", in.ip_families: [IPv6],
    finds: "receivers.zipkin.endpoint: Write `endpoint: \\"[::]:9411\\"`"}
  with two families: {receivers.zipkin.endpoint: "0.0.0.0:9411", in.ip_families: [IPv4, IPv6],
    finds: "receivers.zipkin.endpoint: which no IPv6 address reaches"}
  all addresses: {receivers.zipkin.endpoint: "[::]:9411", in.ip_families: [IPv6]}
  in an IPv4 cluster: {receivers.zipkin.endpoint: "0.0.0.0:9411", in.ip_families: [IPv4]}
  nobody knows: {receivers.zipkin.endpoint: "0.0.0.0:9411"}
"""
