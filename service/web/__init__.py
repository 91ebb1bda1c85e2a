"""What people and machines see: pages, the FHIR façade, health and metrics."""
