"""Accuracy and speed beside peers: `python -m benchmarks`, one table."""
