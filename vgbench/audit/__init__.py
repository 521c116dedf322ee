"""Metrics and a protocol's clips go in; how each metric answers graded distortions comes out."""
