"""Weights of the networks that metrics use: known by name, fetched only when asked for, checked by their sha256."""
