"""Wiring, workers, web pages and the command line."""
