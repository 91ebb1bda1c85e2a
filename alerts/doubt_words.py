"""Words for what is doubtful: a sentence for an engineer, with the field's name, never a value."""

from alerts.model.doubts import Doubt, DoubtKind

_WORDS = {
    DoubtKind.TIME_UNREADABLE: "{} is no possible date and time",
    DoubtKind.TIME_AHEAD: "{} is in the future",
    DoubtKind.TIME_MISSING: "the message names no time; the time of arrival was taken",
    DoubtKind.HOUR_TWICE: "{} falls in the hour that came twice; the reading nearest to arrival "
    "was taken",
    DoubtKind.HOUR_SKIPPED: "{} falls in the hour that was skipped and was moved forward",
    DoubtKind.DATE_UNREADABLE: "{} is no possible date in HL7's form, YYYYMMDD",
    DoubtKind.CODE_UNKNOWN: "{} is not a code that is known here",
    DoubtKind.NUMBER_INVALID: "{} holds a number that cannot be right; it was kept as a local one",
    DoubtKind.NUMBER_UNVERIFIED: "{} holds a number that is not verified",
    DoubtKind.NUMBER_EXPIRED: "{} holds a number that is not valid today",
    DoubtKind.NUMBERS_CONFLICT: "{} holds two different numbers of one kind",
    DoubtKind.NUMBER_GUESSED: "{} holds a number without an authority, recognised by its form",
    DoubtKind.NUMBER_PADDED: "{} holds a CHI number of nine digits, read with a leading zero",
    DoubtKind.VISIT_NUMBER_PLACEHOLDER: "{} is only typed to fill the field and was not used",
    DoubtKind.PLACE_INCOMPLETE: "{} does not name both the hospital and the ward",
    DoubtKind.SEGMENT_REPEATED: "{} comes more than once; the first was read, and of what closes "
    "a gate the strictest",
    DoubtKind.VALUES_CONFLICT: "{} and another field or repetition contradict each other",
    DoubtKind.STRUCTURE_FOR_TRIGGER: "{} holds a structure where the trigger event belongs",
    DoubtKind.EXTRA_START_BLOCK: "there is a second start block before the message",
    DoubtKind.BYTES_REPLACED: "some characters could not be read and were replaced",
    DoubtKind.CHARSET_DIFFERS: "the bytes do not fit {} and were read in the feed's character set",
    DoubtKind.LINE_JOINED: "a line that is no segment was taken as part of the field before it",
    DoubtKind.SENSITIVITY_UNKNOWN: "{} holds a value that does not ask for discretion here",
    DoubtKind.DEATH_UNCLEAR: "{} says something of a death that no table knows",
    DoubtKind.DISCHARGE_WITHOUT_A03: "{} ends the stay without a discharge message",
    DoubtKind.UNCERTAIN_ADMISSION: "the admission lies in the future",
    DoubtKind.UNCERTAIN_PLAN: "the planned date lies before the admission",
    DoubtKind.UNCERTAIN_DISCHARGE: "the discharge lies before the admission or in the future",
    DoubtKind.MOVED_AFTER_LEAVING: "a new place after the end of the stay was not followed",
    DoubtKind.CANCELLED_UNKNOWN_EVENT: "it cancels an event that has not come",
}


def doubt_words(doubt: Doubt) -> str:
    """The doubt in words."""
    return _WORDS[doubt.kind].format(doubt.where or "a field")
