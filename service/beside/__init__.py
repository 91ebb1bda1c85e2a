"""Commands that write, run by the service that holds the SQLite file."""
