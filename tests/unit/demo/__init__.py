"""Tests of the demo: the provider, both services and the launcher, each as a real process or server."""
