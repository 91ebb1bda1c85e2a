"""What can go wrong in the service, as a tree: ServiceError and its kinds.

ServiceError
├── settings.SettingsInvalid, site.SiteInvalid
├── database.DatabaseError and its kinds
├── pipeline.NotThere, pipeline.EvidenceChanged
├── beside.protocol.ProtocolBroken, beside.server.PeerRefused
└── CommandFailed
"""


class ServiceError(Exception):
    """The service cannot do what was asked."""


class CommandFailed(ServiceError):
    """The command could not do what was asked."""
