"""Messages of up to a megabyte, each made to be dear in its own way."""

from hashlib import sha256

from tests.support.adt_text import a_message

MEGABYTE = 1_000_000
MOST = 49_000
"""Separators that the door still lets in."""
RANDOM = "".join(sha256(str(number).encode()).hexdigest() for number in range(200))
"""Compressing it does not help."""
HOSTILE = [
    (a_message() + "\rZZ1|" + "x" * 900_000 + "\r" + "\r".join(["y"] * 1_980), "lines of a field"),
    (a_message() + "\rZZ1|" + "\U0001f600" * 200_000 + "\ry" * 1_980, "and of wide characters"),
    (a_message(pid={"f3": "~".join(map(str, range(MOST)))}), "numbers of one patient"),
    (a_message(pid={"f3": "~".join(f"{n:010d}^^^NHS" for n in range(12_000))}), "NHS numbers"),
    (a_message(pid={"f13": "~" * MOST}), "telephones"),
    (a_message(pid={"f32": "~".join(["02"] * MOST)}), "statuses"),
    (a_message(pid={"f5": "\\X41" * 40_000}), "escapes that do not end"),
    (a_message(pid={"f5": "\\E\\" * 24_000}), "escapes"),
    (a_message(pid={"f5": "\\X" + "41" * 450_000 + "G\\"}), "a long escape that is none"),
    (a_message(pid={"f5": "É" * 450_000}), "a long name"),
    (a_message(pid={"f7": "2" * 900_000}), "a long date"),
    (a_message(pv1={"f19": "V" * 900_000}), "a long visit"),
    (a_message(pv1={"f19": RANDOM}), "a visit that no index of PostgreSQL can hold"),
    (a_message(pv1={"f3": f"{RANDOM}^^^L302H"}), "a ward that none can hold"),
    (a_message(version="2" * 900_000), "a long version"),
    (a_message().replace("|C1|", "|" + "9" * 900_000 + "|"), "a long control id"),
    (a_message("A01", *["NK1|1|" + "A" * 400 + "^B|20"] * 1_990), "next of kin"),
    (a_message(pid={"f60": "|" * MOST}), "fields"),
    (" " * 900_000 + a_message(), "blanks"),
    ("Z\r" * 500_000, "segments alone"),
    *[(a_message() + "\rZZ1|" + sign * MEGABYTE, f"only {sign}") for sign in "~^&|\\"],
    (a_message() + "\rZ" * 500_000, "segments"),
]
