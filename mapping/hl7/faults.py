"""Why a message cannot be understood.

Exception
└── Unreadable
"""


class Unreadable(Exception):
    """The message lacks what its event needs; it is parked until a person has looked at it."""

    def __init__(self, reason: str, code: int = 101, location: str = "MSH^1") -> None:
        """Take words without patient data, the HL7 table 0357 code and the place (ERR-2 form)."""
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.location = location
