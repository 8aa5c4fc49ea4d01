"""Variational autoencoders: a posterior over the code of each sample."""
