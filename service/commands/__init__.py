"""One module a command group; COMMANDS is what the command line offers, in the order of --help."""

from service.commands import (
    demo,
    journal,
    keeping,
    later,
    outbox,
    probe,
    register,
    roles,
    send,
    token,
)

COMMANDS = (
    demo.register,
    roles.register,
    keeping.register,
    register.register,
    send.register,
    journal.register,
    outbox.register,
    probe.register,
    token.register,
    later.register,
)
"""In the order of ``thinkcarer --help``."""
