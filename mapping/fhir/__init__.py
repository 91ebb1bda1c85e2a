"""Our words as FHIR R4 JSON: what is sent, and what the façade shows."""
