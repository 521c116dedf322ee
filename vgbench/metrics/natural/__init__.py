"""Clips go in, without references; how far their statistics are from those of natural pictures and videos comes out."""
