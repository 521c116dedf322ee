"""SimVP: convolutions alone, frames in and frames out (Gao et al., 2022), with three translators between encoder and decoder."""
