"""What the demo's models have in common: they predict, and tell the exporter what they predicted and what came true."""
