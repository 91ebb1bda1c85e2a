"""A certificate authority for tests: PEM files as an installation has them, and what goes wrong."""

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID

from service.settings import Settings

NOW = datetime.now(UTC)
HOST = "localhost"


@dataclass
class Authority:
    """Issues what a test asks for, below one folder."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.server = self.issue(HOST)

    @property
    def ca_file(self) -> Path:
        return self._written("ca.pem", self.ca.cert_pem.bytes())

    def issue(self, *names: str, common_name: str | None = None, days: float = 90) -> "Pair":
        """A certificate that runs out in so many days, in files of its own."""
        issued = self.ca.issue_cert(
            *names,
            common_name=common_name,
            not_before=NOW - timedelta(days=400),
            not_after=NOW + timedelta(days=days),
        )
        stem = f"{common_name or names[0]}-{len(list(self.folder.iterdir()))}"
        chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
        return Pair(
            self._written(f"{stem}.pem", chain),
            self._written(f"{stem}.key", issued.private_key_pem.bytes()),
        )

    def issue_for_servers_alone(self, name: str) -> "Pair":
        """As public CAs do it: no client authentication among its uses."""
        issued = self.issue(name)
        servers = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        old = x509.load_pem_x509_certificate(issued.cert.read_bytes())
        made = self._like(old, NOW + timedelta(days=90)).add_extension(servers, critical=False)
        issued.cert.write_bytes(self._signed(made))
        return issued

    def root(self, days: float) -> bytes:
        """This CA anew, as it runs out in so many days."""
        old = x509.load_pem_x509_certificate(self.ca.cert_pem.bytes())
        return self._signed(self._like(old, NOW + timedelta(days=days)))

    def ca_file_revoking(self, *pairs: "Pair", days: float = 7) -> Path:
        """The CA and its list of what is revoked, in one file."""
        made = x509.CertificateRevocationListBuilder(
            x509.load_pem_x509_certificate(self.ca.cert_pem.bytes()).subject,
            NOW - timedelta(days=10),
            NOW + timedelta(days=days),
        )
        for pair in pairs:
            made = made.add_revoked_certificate(
                x509.RevokedCertificateBuilder(pair.serial, NOW - timedelta(days=1)).build()
            )
        listed = made.sign(self._key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return self._written("ca-and-crl.pem", self.ca.cert_pem.bytes() + listed)

    def settings(self, client_ca: Path | None = None, server: "Pair | None" = None) -> Settings:
        """Mutual TLS."""
        own = server or self.server
        return Settings(
            mllp_tls_cert=own.cert,
            mllp_tls_key=own.key,
            mllp_tls_client_ca=client_ca or self.ca_file,
        )

    def sender(self, shown: "Pair | None" = None) -> ssl.SSLContext:
        """What a sender speaks: trusts us, and shows that certificate if any."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca_file)
        if shown is not None:
            context.load_cert_chain(shown.cert, shown.key)
        return context

    def _like(self, old: x509.Certificate, until: datetime) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            old.issuer,
            old.subject,
            old.public_key(),
            old.serial_number,
            NOW - timedelta(days=400),
            until,
        )

    def _signed(self, made: x509.CertificateBuilder) -> bytes:
        signed = made.sign(self._key(), hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def _key(self) -> EllipticCurvePrivateKey:
        key = serialization.load_pem_private_key(self.ca.private_key_pem.bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        return key

    def _written(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


@dataclass(frozen=True)
class Pair:
    """A certificate chain and its key, as files."""

    cert: Path
    key: Path

    @property
    def serial(self) -> int:
        return x509.load_pem_x509_certificate(self.cert.read_bytes()).serial_number
