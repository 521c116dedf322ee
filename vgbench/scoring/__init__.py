"""Metrics by name, and pairs of clips, go in; values for each clip, features, and pooled numbers come out."""
