"""The APIs of the simulator: one module for each, between its requests and answers and the simulator's own."""
