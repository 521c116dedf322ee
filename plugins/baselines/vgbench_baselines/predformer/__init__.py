"""PredFormer: a transformer over space and time in turn; patches of frames go in, patches of later frames come out."""
