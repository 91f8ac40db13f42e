"""The functions of other packages, under their names and with their signatures, on Halo's kernels."""
