"""The one training loop, and the bases of the methods that it trains."""
