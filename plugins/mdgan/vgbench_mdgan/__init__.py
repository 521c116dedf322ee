"""MD-GAN, the two-stage time-lapse generator, as a vgbench plugin."""
