"""Every way out, by the name that the site file gives it."""

from alerts.channels.fhir_rest import FhirServer
from alerts.channels.inbox import Inbox

CHANNELS = {
    "inbox": Inbox,
    "fhir": FhirServer,
}
