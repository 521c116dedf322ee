"""MD-GAN as a vgbench plugin: a time-lapse from one photograph, in two stages."""
