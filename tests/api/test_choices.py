"""Test the wording of refused names and choices."""

from api import choices


def test_unknown_name_has_nearest() -> None:
    detail = choices.unknown(
        "metirc", what="a parameter of this endpoint", accepted=["metric", "marketplace"]
    )

    assert detail == "`metirc` is not a parameter of this endpoint; did you mean `metric`?"


def test_unknown_name_has_list_without_near_one() -> None:
    detail = choices.unknown("colour", what="a parameter of this endpoint", accepted=["metric", "as_of"])

    assert detail == "`colour` is not a parameter of this endpoint; expected one of metric, as_of."


def test_unknown_name_is_cut_off() -> None:
    assert f"`{'x' * 60}` is not" in choices.unknown("x" * 5000, what="a field", accepted=[])


def test_unknown_name_without_accepted_ones() -> None:
    assert choices.unknown("a", what="a parameter", accepted=[]).endswith("; there are none.")


def test_expected_choice_never_repeats_value() -> None:
    assert choices.expected(["open", "resolved"], given="Jane Doe") == "Expected one of open, resolved."
    assert choices.expected(["open", "resolved"], given=["open"]) == "Expected one of open, resolved."


def test_expected_choice_names_nearest_in_any_case() -> None:
    detail = choices.expected(["open", "resolved"], given="RESOLVD")

    assert detail == "Did you mean `resolved`? Expected one of open, resolved."


def test_long_list_ends_with_number_of_others() -> None:
    listed = choices.listed(f"name_{number:04}" for number in range(500))

    assert len(listed) < 830
    assert listed.endswith(" and 428 more")
