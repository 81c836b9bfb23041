"""What the scenarios of EKS share: how the site is run without a kubeconfig, who sends, and what must arrive."""
