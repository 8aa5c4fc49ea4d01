"""What commands say before anything runs: a forecast, the environment, the next step."""
