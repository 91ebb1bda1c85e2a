"""Who we are at a token endpoint, proved by a signature (SMART backend services, RFC 7523)."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

SCOPE = "system/Task.read system/Task.write system/Communication.read system/Communication.write"
"""Writing is what we do; reading is how a lost answer is found out."""
# SMART backend services: "exp" no more than five minutes ahead; one is left for clocks that differ.
_ASSERTED_FOR = timedelta(minutes=4)

Key: TypeAlias = ECKey | RSAKey


class KeyInvalid(ValueError):
    """The private key is not one that SMART backend services sign with: EC P-384, or RSA."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at a token endpoint."""

    token_url: str
    client_id: str
    private_key: str = field(repr=False)
    """PEM text."""
    scope: str = SCOPE


def key_of(pem: str) -> Key:
    """The private key; raises KeyInvalid."""
    try:
        read = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as err:
        raise KeyInvalid("not a PEM private key without a password") from err
    if isinstance(read, RSAPrivateKey):
        return RSAKey.import_key(pem)
    if isinstance(read, EllipticCurvePrivateKey) and read.curve.name == "secp384r1":
        return ECKey.import_key(pem)
    raise KeyInvalid("neither an EC P-384 nor an RSA key")


def public_key_set(pem: str) -> str:
    """What the server's operator registers for us: the public half as a JSON Web Key Set."""
    key = key_of(pem)
    described = {"kid": key.thumbprint(), "alg": _algorithm(key), "use": "sig"}
    return json.dumps({"keys": [{**key.as_dict(private=False), **described}]})


def signed_assertion(client: Client, key: Key, now: datetime) -> str:
    """Proof of who we are, good once and for minutes (RFC 7523)."""
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.token_url,
        "jti": str(uuid.uuid4()),
        "iat": int(now.timestamp()),
        "exp": int((now + _ASSERTED_FOR).timestamp()),
    }
    algorithm = _algorithm(key)
    header = {"alg": algorithm, "kid": key.thumbprint(), "typ": "JWT"}
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def _algorithm(key: Key) -> str:
    return "RS384" if isinstance(key, RSAKey) else "ES384"
