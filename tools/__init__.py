"""Shared by the commands of this repository: demo, tests, docs, benchmarks and matrix."""
