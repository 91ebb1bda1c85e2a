"""What a carer is to the patient: HL7's v3-RoleCode, and the English words people write for it."""

# fmt: off
# Every code under PersonalRelationshipRoleType but ONESELF: nobody is their own carer.
CODES = frozenset({
    "FAMMEMB", "CHILD", "CHLDADOPT", "DAUADOPT", "SONADOPT", "CHLDFOST", "DAUFOST", "SONFOST",
    "DAUC", "DAU", "STPDAU", "NCHILD", "SON", "SONC", "STPSON", "STPCHLD", "EXT", "AUNT", "MAUNT",
    "PAUNT", "COUSN", "MCOUSN", "PCOUSN", "GGRPRN", "GGRFTH", "MGGRFTH", "PGGRFTH", "GGRMTH",
    "MGGRMTH", "PGGRMTH", "MGGRPRN", "PGGRPRN", "GRNDCHILD", "GRNDDAU", "GRNDSON", "GRPRN",
    "GRFTH", "MGRFTH", "PGRFTH", "GRMTH", "MGRMTH", "PGRMTH", "MGRPRN", "PGRPRN", "INLAW",
    "CHLDINLAW", "DAUINLAW", "SONINLAW", "PRNINLAW", "FTHINLAW", "MTHINLAW", "SIBINLAW",
    "BROINLAW", "SISINLAW", "NIENEPH", "NEPHEW", "NIECE", "UNCLE", "MUNCLE", "PUNCLE", "PRN",
    "ADOPTP", "ADOPTF", "ADOPTM", "FTH", "FTHFOST", "NFTH", "NFTHF", "STPFTH", "MTH", "GESTM",
    "MTHFOST", "NMTH", "NMTHF", "STPMTH", "NPRN", "PRNFOST", "STPPRN", "SIB", "BRO", "HBRO",
    "NBRO", "TWINBRO", "FTWINBRO", "ITWINBRO", "STPBRO", "HSIB", "HSIS", "NSIB", "NSIS",
    "TWINSIS", "FTWINSIS", "ITWINSIS", "TWIN", "FTWIN", "ITWIN", "SIS", "STPSIS", "STPSIB",
    "SIGOTHR", "DOMPART", "FMRSPS", "SPS", "HUSB", "WIFE", "FRND", "NBOR", "ROOM",
})
# fmt: on

_WORDS = {
    "CHILD": ("child",),
    "DAUC": ("daughter",),
    "SONC": ("son",),
    "CHLDADOPT": ("adopted child",),
    "DAUADOPT": ("adopted daughter",),
    "SONADOPT": ("adopted son",),
    "CHLDFOST": ("foster child",),
    "DAUFOST": ("foster daughter",),
    "SONFOST": ("foster son",),
    "STPCHLD": ("stepchild",),
    "STPDAU": ("stepdaughter",),
    "STPSON": ("stepson",),
    "CHLDINLAW": ("child in law",),
    "DAUINLAW": ("daughter in law",),
    "SONINLAW": ("son in law",),
    "GRNDCHILD": ("grandchild",),
    "GRNDDAU": ("granddaughter",),
    "GRNDSON": ("grandson",),
    "PRN": ("parent",),
    "MTH": ("mother", "mum", "mam"),
    "FTH": ("father", "dad"),
    "ADOPTP": ("adoptive parent",),
    "ADOPTM": ("adoptive mother",),
    "ADOPTF": ("adoptive father",),
    "PRNFOST": ("foster parent",),
    "MTHFOST": ("foster mother",),
    "FTHFOST": ("foster father",),
    "STPPRN": ("stepparent",),
    "STPMTH": ("stepmother",),
    "STPFTH": ("stepfather",),
    "PRNINLAW": ("parent in law",),
    "MTHINLAW": ("mother in law",),
    "FTHINLAW": ("father in law",),
    "GRPRN": ("grandparent",),
    "GRMTH": ("grandmother", "gran", "granny"),
    "GRFTH": ("grandfather", "grandad", "granddad"),
    "SIB": ("sibling", "brother or sister"),
    "BRO": ("brother",),
    "SIS": ("sister",),
    "HBRO": ("half brother",),
    "HSIS": ("half sister",),
    "STPBRO": ("stepbrother",),
    "STPSIS": ("stepsister",),
    "SIBINLAW": ("sibling in law",),
    "BROINLAW": ("brother in law",),
    "SISINLAW": ("sister in law",),
    "SPS": ("spouse", "husband or wife"),
    "HUSB": ("husband",),
    "WIFE": ("wife",),
    "DOMPART": ("partner", "civil partner", "domestic partner"),
    "SIGOTHR": ("girlfriend", "boyfriend", "significant other"),
    "FMRSPS": ("former spouse", "ex husband", "ex wife", "former husband", "former wife"),
    "AUNT": ("aunt",),
    "UNCLE": ("uncle",),
    "NIECE": ("niece",),
    "NEPHEW": ("nephew",),
    "NIENEPH": ("niece or nephew",),
    "COUSN": ("cousin",),
    "FRND": ("friend",),
    "NBOR": ("neighbour", "neighbor"),
    "ROOM": ("flatmate", "housemate", "roommate"),
    "INLAW": ("in law",),
    "EXT": ("extended family", "extended family member"),
    "FAMMEMB": ("family", "family member", "relative", "other relative"),
}
_BY_WORD = {word.replace(" ", ""): code for code, words in _WORDS.items() for word in words}


def relationship(text: str) -> str | None:
    """The code of a code in capitals or of a common English word; None where we know neither."""
    if text in CODES:
        return text
    return _BY_WORD.get(text.casefold().replace("-", "").replace(" ", ""))
