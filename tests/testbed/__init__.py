"""A real Kubernetes cluster for the demo and the tests, also on a machine that has neither Docker nor a cluster."""
