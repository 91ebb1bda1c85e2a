"""Every way out, by the name that the site file gives it."""

from alerts.channels.fhir_rest import FhirServer
from alerts.channels.inbox import Inbox
from alerts.channels.kafka_topic import KafkaTopic
from alerts.channels.smtp import Mail

CHANNELS = {
    "inbox": Inbox,
    "fhir": FhirServer,
    "kafka": KafkaTopic,
    "smtp": Mail,
}
