"""Ways to start a worker and to learn that it has ended."""
