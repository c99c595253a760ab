"""Read DOCUMENTS_URL: where documents are stored. Pure."""

import re
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from config.env import BadVariable

NAME = "DOCUMENTS_URL"
FOLDER = "django.core.files.storage.FileSystemStorage"
OBJECTS = "config.documents.s3.DocumentStorage"
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[\w.-]+(/[\w.-]+)*")
# The parameters of the URL, with the values that are allowed.
PARAMETERS = {
    "endpoint": re.compile(r"https?://[\w.:\[\]-]+/?"),
    "region": re.compile(r"[a-z0-9-]{1,40}"),
    "addressing": re.compile("path|virtual"),
    "encryption": re.compile("AES256|aws:kms"),
    "kms_key": re.compile(r"[\w:/-]{1,200}"),
}
FORM = (
    "must be a URL such as s3://bucket/prefix, with the optional parameters endpoint=https://host, region=, "
    "addressing=path or virtual, encryption=AES256 or aws:kms, and kms_key="
)


def storage(url: str) -> dict[str, Any]:
    """Return Django's settings of the storage at the URL: a folder if it is empty. Raises BadVariable."""
    if not url:
        return {"BACKEND": FOLDER}
    try:
        parts = urlsplit(url)
        values = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise BadVariable(f"{NAME} {FORM}.") from None
    bucket, prefix = parts.netloc, unquote(parts.path).strip("/")
    if parts.scheme != "s3" or not BUCKET.fullmatch(bucket) or parts.fragment or not _is_path(prefix):
        # Without the value: somebody may have written a password into it.
        raise BadVariable(f"{NAME} {FORM}. Credentials are read from AWS_ACCESS_KEY_ID and its like.")
    parameters = {key: _parameter(key, value) for key, value in values.items()}
    if "kms_key" in parameters and parameters.get("encryption") != "aws:kms":
        raise BadVariable(f"{NAME}: kms_key needs encryption=aws:kms.")
    if find_spec("boto3") is None or find_spec("storages") is None:
        raise BadVariable(
            f"{NAME} is set, and the packages for it are missing. Install them: pip install -r requirements.lock"
        )
    return {"BACKEND": OBJECTS, "OPTIONS": _options(bucket, prefix, parameters)}


def _is_path(prefix: str) -> bool:
    return not prefix or (PREFIX.fullmatch(prefix) is not None and not {".", ".."} & set(prefix.split("/")))


def _parameter(key: str, values: list[str]) -> str:
    if key not in PARAMETERS:
        raise BadVariable(f"{NAME} has the unknown parameter {key!r}. It {FORM}.")
    if len(values) != 1 or not PARAMETERS[key].fullmatch(values[0]):
        raise BadVariable(f"{NAME} has an invalid value of {key}. It {FORM}.")
    return values[0]


def _options(bucket: str, prefix: str, parameters: dict[str, str]) -> dict[str, Any]:
    encryption = {
        "ServerSideEncryption": parameters.get("encryption"),
        "SSEKMSKeyId": parameters.get("kms_key"),
    }
    return {
        "bucket_name": bucket,
        "location": prefix,
        "endpoint_url": parameters.get("endpoint"),
        "region_name": parameters.get("region"),
        "addressing_style": parameters.get("addressing"),
        "object_parameters": {key: value for key, value in encryption.items() if value},
    }
