"""One module a command group; COMMANDS is what the command line offers, in the order of --help."""
