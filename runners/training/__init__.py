"""The training loop, its clock and its log: everything that all workloads have in common."""
