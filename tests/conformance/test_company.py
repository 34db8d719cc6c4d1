"""What cases say is told from what applications say, and from what other cases say."""

from __future__ import annotations

from sockproof.conformance.context.company import KEPT_LEAKS, Company, Saying


def test_contents_are_whose_mark_they_carry() -> None:
    company = Company()
    one, other = company.mark("one"), company.mark("other")
    assert one != other
    assert company.whose(f'["said-{one}",7]') == Saying("one")
    assert company.whose(b"\xff" + other.encode()) == Saying("other")
    assert company.whose('["said-of-an-application",7]') is None
    assert Company().whose(one) is None  # a mark of another run


def test_contents_without_a_mark_are_whose_case_alone_said_them() -> None:
    company = Company()
    company.said("one", "hello")
    assert company.whose("hello") == Saying("one")
    assert company.whose(b"hello") is None  # octets are no text
    company.said("other", "hello")
    assert company.whose("hello") is None
    company.said("one", "hello")
    assert company.whose("hello") is None


def test_what_is_meant_for_an_audience_is_for_it_and_for_the_cases_own_peers() -> None:
    company = Company()
    mark = company.mark("one")
    company.said("one", f"{mark} to all", meant_for="/")
    company.said("one", f"{mark} to a room")
    to_all, to_a_room = _of(company, f"{mark} to all"), _of(company, f"{mark} to a room")
    assert to_all.is_meant_for(None, "/")
    assert not to_all.is_meant_for(None, "/custom")
    assert to_a_room.is_meant_for("one")
    assert not to_a_room.is_meant_for("other", "/")
    # What was said to all and comes changed may be either.
    assert _of(company, f"{mark} to al").is_meant_for(None, "/")


def _of(company: Company, contents: str) -> Saying:
    saying = company.whose(contents)
    assert saying is not None
    return saying


def test_leaks_name_both_and_are_bounded() -> None:
    company = Company()
    for _ in range(2 * KEPT_LEAKS):
        leak = company.leaked(Saying("one"), "a bystander in /", b"hello")
    assert str(leak) == "what one said is heard by a bystander in /: b'hello'"
    assert len(company.leaks) == KEPT_LEAKS
