"""Pixel errors and PSNR: pairs of clips go in, exact sums over each frame's pixels come out as a number for each frame."""
