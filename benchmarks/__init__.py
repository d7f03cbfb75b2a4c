"""Benchmarks against peers: ``python -m benchmarks --help``."""
