"""What the MLPerf Training rules say: suites, scores, selection of runs, convergence, wording."""
