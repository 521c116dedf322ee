"""scikit-video's metrics that nobody else has, as a plugin of vgbench."""
