"""The comment language of pages: each sentence of it, and all that is none."""

from dataclasses import FrozenInstanceError

import pytest

from pageproof.comments import CommentError, Directive, directives

OUTPUT = "<!--pytest-codeblocks:expected-output-->"


@pytest.mark.parametrize(
    ("comment", "name", "value"),
    [
        (OUTPUT, "output", ""),
        ("<!--pytest.mark.raises(ValueError)-->", "raises", "ValueError"),
        (
            "<!--pytest.mark.raises(torch.linalg.Error)-->",
            "raises",
            "torch.linalg.Error",
        ),
        ("<!--pytest.mark.warns(UserWarning)-->", "warns", "UserWarning"),
        ("<!--pytest.mark.requires(cuda)-->", "requires", "cuda"),
        ("<!--pytest.mark.timed(figure)-->", "timed", "figure"),
        ('<!--pytest.mark.skip(reason="it\'s (1)")-->', "skip", "it's (1)"),
        ("<!--pytest.mark.skip(reason='a b')-->", "skip", "a b"),
    ],
)
def test_each_directive_is_read_with_its_line(comment, name, value):
    prose = ["one", f"  {comment} ", "", OUTPUT]
    expected = [Directive(1, name, value), Directive(3, "output")]
    assert directives(prose) == expected


@pytest.mark.parametrize(
    "remark",
    [
        "a <!-- note: a remark --> b",
        "<!-- note a remark -->",
        "<!-- note over",
    ],
)
def test_a_remark_means_nothing(remark):
    prose = [remark, "two -->"] if "-->" not in remark else [remark]
    assert directives(prose) == []


KNOWN = (
    "raises(ValueError), warns(UserWarning), requires(cuda), timed(figure), "
    'skip(reason="why")'
)


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("<!-- never closed", "an HTML comment that is never closed"),
        ("<!---->", "<!----> means nothing here"),
        ("<!--note-->", "<!--note--> means nothing here"),
        (
            "<!-- notes -->",
            "<!-- notes --> means nothing here: expected "
            f"{OUTPUT}, <!--pytest.mark...-->, or a remark that begins with "
            "'<!-- note '",
        ),
        ("<!-- pytest-codeblocks:expected-output -->", "means nothing here"),
        ("<!--pytest.mark.raises(A)--> x", "must stand on a line of its own"),
        (f"x {OUTPUT}", f"{OUTPUT!r} must stand on a line of its own"),
        ("<!--pytest.marks.skip-->", "means nothing here"),
        ("<!--pytest.mark.skp-->", f"may not be marked skp: expected one of {KNOWN}"),
        ("<!--pytest.mark.xfail-->", "a block may not be marked xfail: say what is"),
        (
            "<!--pytest.mark.xfail-->",
            "say what is raised and show it: raises(ValueError)",
        ),
        (
            "<!--pytest.mark.skipif(True, reason='a')-->",
            "marked skipif: a condition can be written the wrong way round: use "
            "requires(cuda)",
        ),
        (
            "<!--pytest.mark.parametrize('a', [1])-->",
            "marked parametrize: a page is run once, from top to bottom",
        ),
        (
            "<!--pytest.mark.skip-->",
            'expected pytest.mark.skip(reason="why"), got skip()',
        ),
        ('<!--pytest.mark.skip(reason=" ")-->', 'got skip(reason=" ")'),
        (
            "<!--pytest.mark.skip(reason='')-->",
            'expected pytest.mark.skip(reason="why")',
        ),
        (
            "<!--pytest.mark.raises(1 + 1)-->",
            "pytest.mark.raises(ValueError), got raises(",
        ),
        ("<!--pytest.mark.warns()-->", "pytest.mark.warns(UserWarning), got warns()"),
        (
            "<!--pytest.mark.requires(tpu)-->",
            "pytest.mark.requires(cuda), got requires(",
        ),
        (
            "<!--pytest.mark.timed(output)-->",
            "pytest.mark.timed(figure), got timed(out",
        ),
    ],
)
def test_what_means_nothing_is_refused_with_its_line(comment, says):
    with pytest.raises(CommentError) as caught:
        directives(["one", "<!-- note: fine -->", comment, "four"])
    assert caught.value.line == 2
    assert says in str(caught.value)


def test_a_directive_does_not_go_over_lines():
    with pytest.raises(CommentError) as caught:
        directives(["", "<!--pytest.mark.raises(", "ValueError)-->"])
    assert caught.value.line == 1
    comment = "<!--pytest.mark.raises(\nValueError)-->"
    assert str(caught.value) == f"{comment!r} must stand on a line of its own"


def test_a_directive_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Directive(0, "output").line = 1
