"""How to reach a carer, in the words of the ward's list and the centre's inbox."""

from alerts.model.register import Carer, Registration

_BY = {
    "phone": "Phone",
    "sms": "Text",
    "email": "E-mail",
    "letter": "By letter only",
    "none": "Do not contact directly",
}
_FORMATS = {
    "large-print": "Large print letters",
    "easy-read": "Easy read",
    "braille": "Braille",
    "audio": "Audio",
}
_LANGUAGES = {
    "ar": "Arabic",
    "bn": "Bengali",
    "fr": "French",
    "gd": "Gaelic",
    "pa": "Punjabi",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ur": "Urdu",
    "zh": "Chinese",
}
BSL = "bsl"


def reach(carer: Carer) -> str:
    """``Phone 07700 900123, from 09:00. Large print letters``; empty where nothing is known."""
    parts = [_channel(carer), _needs(carer)]
    return ". ".join(part for part in parts if part)


def how(carer: Carer) -> str:
    """How a centre reaches one of its own carers; never empty."""
    if carer.is_young:
        return f"Do not contact {carer.given} directly"
    if carer.format == BSL:
        text = f"Text {carer.phone} or book" if carer.phone else "Book"
        return f"BSL user. Do not ring. {text} an interpreter"
    said = ". ".join(part for part in (_address(carer), _needs(carer)) if part)
    return said or "Look in your register"


def who(registration: Registration) -> str:
    """Whom a centre contacts: a young carer is reached through somebody who supports them."""
    carer = registration.carer
    if carer.is_young:
        support = registration.preferred_service or "The young carer’s support worker"
        return f"{support}, for {carer.given}"
    return f"{carer.given} {carer.family}"


def interpreter(carer: Carer) -> str:
    """``Urdu interpreter``, ``BSL interpreter``, or nothing."""
    if carer.format == BSL:
        return "BSL interpreter"
    code = (carer.language or "en").partition("-")[0].casefold()
    if code == "en":
        return ""
    return f"{_LANGUAGES[code]} interpreter" if code in _LANGUAGES else f"Interpreter ({code})"


def _channel(carer: Carer) -> str:
    if carer.is_young:
        return "Young carer: ask your team before you contact them"
    if carer.format == BSL:
        return f"BSL user, do not ring. Text {carer.phone}" if carer.phone else "BSL user"
    times = f", {carer.contact_times}" if carer.contact_times else ""
    address = _address(carer)
    return f"{address}{times}" if address else (carer.contact_times or "")


def _address(carer: Carer) -> str:
    word = _BY.get(carer.contact_by or "", "")
    value = carer.email if carer.contact_by == "email" else carer.phone
    if carer.contact_by in ("letter", "none"):
        return word
    if not value:
        return word
    return f"{word or 'Phone'} {value}"


def _needs(carer: Carer) -> str:
    parts = [_FORMATS.get(carer.format or "", ""), interpreter(carer)]
    return ". ".join(part for part in parts if part)
