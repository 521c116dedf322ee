"""Motion: clips go in, how much and how they move comes out."""
