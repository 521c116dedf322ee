"""VGAN, conditional: one frame goes in, a foreground that moves over a static background comes out (Vondrick et al., 2016)."""
