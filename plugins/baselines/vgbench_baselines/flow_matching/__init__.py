"""Flow matching: noise and the first frames go in, a video comes out along straight paths (rectified flow, on pixels)."""
