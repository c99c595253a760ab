"""Validators: the same content has the same tag, however it was packed."""

import pytest

from api import etags

TAG = etags.of(b"content")


def test_a_tag_is_of_the_content_alone() -> None:
    assert etags.of(b"content") == TAG != etags.of(b"contents")
    assert TAG.startswith('"')
    assert TAG.endswith('"')


@pytest.mark.parametrize("header", ["{}", "W/{}", '"x", {}', '"x",W/{} ,"y"', "*", " * "])
def test_a_header_names_a_tag(header: str) -> None:
    assert etags.names(header.format(TAG), TAG)
    assert etags.names(header.format(TAG), "W/" + TAG)


@pytest.mark.parametrize("header", ["", '"x"', "W/", '"x", "y"', TAG.strip('"'), "**"])
def test_a_header_names_another_one_or_none(header: str) -> None:
    assert not etags.names(header, TAG)
