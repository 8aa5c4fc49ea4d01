"""Autoencoders: an encoder and a decoder, scored by what the decoder cannot give back."""
