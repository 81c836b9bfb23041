"""What tests on a cluster share."""
