"""Test computing and comparing ETags."""

import pytest

from api import etags

TAG = etags.compute(b"content")


def test_etag_depends_on_content_only() -> None:
    assert etags.compute(b"content") == TAG != etags.compute(b"contents")
    assert TAG.startswith('"')
    assert TAG.endswith('"')


@pytest.mark.parametrize("header", ["{}", "W/{}", '"x", {}', '"x",W/{} ,"y"', "*", " * "])
def test_etag_header_matches(header: str) -> None:
    assert etags.matches(header.format(TAG), TAG)
    assert etags.matches(header.format(TAG), "W/" + TAG)


@pytest.mark.parametrize("header", ["", '"x"', "W/", '"x", "y"', TAG.strip('"'), "**"])
def test_etag_header_does_not_match(header: str) -> None:
    assert not etags.matches(header, TAG)
