"""Our words as FHIR R4 JSON."""
