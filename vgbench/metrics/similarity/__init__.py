"""SSIM and MS-SSIM: pairs of clips go in, a similarity for each frame comes out."""
