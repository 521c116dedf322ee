"""The networks that metrics measure with: clips and weights go in, features or logits come out."""
