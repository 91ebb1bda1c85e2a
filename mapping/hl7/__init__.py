"""HL7 v2 ADT messages to the events of a stay."""
