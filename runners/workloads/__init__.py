"""The benchmarks that can be run; ``registry`` knows them all, each has a folder of its own."""
