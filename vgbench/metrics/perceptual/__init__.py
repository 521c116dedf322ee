"""LPIPS and VMAF, models of what people see: pairs of clips go in, a distance or a score for each frame comes out."""
