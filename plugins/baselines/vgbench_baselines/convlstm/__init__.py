"""ConvLSTM: frames go in one after another, a prediction of the next comes out (Shi et al., 2015)."""
