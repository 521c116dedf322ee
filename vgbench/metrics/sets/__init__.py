"""Distances between sets of clips: features of real and generated clips go in, one distance comes out."""
