"""One module a command group; ``cli.COMMANDS`` is what the command line offers."""
