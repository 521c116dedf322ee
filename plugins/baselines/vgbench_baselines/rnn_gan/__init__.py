"""RNN-GAN: one frame is encoded, a recurrent state is rolled on, each state is decoded (after Zhou and Berg, 2016)."""
