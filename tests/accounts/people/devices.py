"""Build the devices of users: an authenticator app, and a device with a passkey."""

import base64
import hashlib
import hmac
import secrets
import struct
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

ORIGIN = "https://app.agency.example"
PRESENT = AuthenticatorData.FLAG.UP
VERIFIED = PRESENT | AuthenticatorData.FLAG.UV


def totp_code(secret: str, *, steps: int = 0) -> str:
    """Return the code that an authenticator app shows, some steps of thirty seconds from now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def encode(data: bytes) -> str:
    """Return base64url without padding, as browsers write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """Create and use one passkey, as a browser does with the device of its user."""

    origin: str = ORIGIN
    site: str = "app.agency.example"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: str = ""

    def create(self, options: dict[str, Any], *, flags: AuthenticatorData.FLAG = VERIFIED) -> dict[str, Any]:
        """Answer options of `navigator.credentials.create()`."""
        self.user_handle = options["publicKey"]["user"]["id"]
        public_key = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        credential = AttestedCredentialData.create(Aaguid.NONE, self.credential_id, public_key)
        data = self._data(flags | AuthenticatorData.FLAG.AT, credential)
        attestation = AttestationObject.create("none", data, {})
        return self._credential(
            clientDataJSON=encode(self._client_data("webauthn.create", options)),
            attestationObject=encode(attestation),
        )

    def get(self, options: dict[str, Any], *, flags: AuthenticatorData.FLAG = VERIFIED) -> dict[str, Any]:
        """Answer options of `navigator.credentials.get()`."""
        client_data, data = self._client_data("webauthn.get", options), self._data(flags)
        signed = data + hashlib.sha256(client_data).digest()
        return self._credential(
            clientDataJSON=encode(client_data),
            authenticatorData=encode(data),
            signature=encode(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            userHandle=self.user_handle,
        )

    def _client_data(self, kind: str, options: dict[str, Any]) -> CollectedClientData:
        challenge = decode(options["publicKey"]["challenge"])
        return CollectedClientData.create(type=kind, challenge=challenge, origin=self.origin)

    def _data(
        self, flags: AuthenticatorData.FLAG, credential: AttestedCredentialData | bytes = b""
    ) -> AuthenticatorData:
        site = hashlib.sha256(self.site.encode()).digest()
        data: AuthenticatorData = AuthenticatorData.create(site, flags, 0, credential)
        return data

    def _credential(self, **response: str) -> dict[str, Any]:
        identifier = encode(self.credential_id)
        return {
            "id": identifier,
            "rawId": identifier,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {"credProps": {"rk": True}},
        }
