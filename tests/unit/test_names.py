"""Names of somebody else's: as files, modules and node ids, and as a part of a line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tinytorch.core.names import (
    folded,
    folder_name,
    folder_names,
    is_dotted,
    is_package,
    is_word,
    leads_out,
    safe_path,
)
from pytest_tinytorch.core.text import one_line, printable

ANY_TEXT = st.text(
    st.characters(categories=None) | st.sampled_from("[]:.\n\r\x1b\u2028 /~"), max_size=200
)
ODD = [
    "...",
    "a[b]",
    "a::b",
    "a\nPASSED b::00",
    "a\rb",
    "\x1b[2Ja",
    "x" * 5000,
    "nul",
    "\u2028a",
    "a\tb",
]


@given(ANY_TEXT)
def test_any_name_becomes_a_folder_that_every_system_can_hold(name):
    made = folder_name(name)
    assert safe_path(made) is not None and len(made.encode()) < 200
    assert made == one_line(made) or not made.isprintable()  # unassigned letters are kept
    assert len(made.splitlines()) == 1 and "::" not in made
    assert folder_name(made) == made or made.endswith(("~", "_")) or "~" in made
    assert made != name or unicodedata.normalize("NFC", name) == name


@given(st.lists(ANY_TEXT | st.sampled_from(ODD), unique=True, max_size=20))
def test_no_two_students_of_a_class_share_a_folder(names):
    made = folder_names(names)
    assert len({folded(name) for name in made.values()}) == len(names)


@given(ANY_TEXT)
def test_a_part_of_a_line_ends_no_line(text):
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1 and len(shown) <= 306
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in shown)
    shown.encode()


@pytest.mark.parametrize(
    "text, shown",
    [
        ("a\nb", "a\\x0ab"),
        ("a\tb", "a\\x09b"),
        ("a\u2028b", "a\\u2028b"),
        ("Zoë", "Zoë"),
        ("x" * 301, "x" * 300 + " [...]"),
        ("\x1b" * 300, "\\x1b" * 75 + " [...]"),
    ],
)
def test_what_is_shown_within_a_line(text, shown):
    assert one_line(text) == shown


def test_text_of_several_lines_keeps_its_newlines_and_no_other_ends_of_lines():
    assert printable("a\n\tb\u2028c\x85d") == "a\n\tb\\u2028c\\x85d"


@pytest.mark.parametrize("text", ["tensor", "_private", "größe", "A1", "match", "type"])
def test_words(text):
    assert is_word(text) and is_dotted(f"core.{text}")


@pytest.mark.parametrize(
    "text", ["", "1a", "a b", "if", "None", "__init__", "aux", "COM9", "ﬁ", "a" * 81]
)
def test_what_is_no_word(text):
    assert not is_word(text) and not is_dotted(f"core.{text}")


def test_a_package_hides_nothing_of_pythons_library():
    assert is_package("net") and not is_package("json") and not is_package("a.b")


def test_links_are_followed_before_a_file_is_written(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "in").symlink_to(root)
    (root / "loop").symlink_to(root / "loop")
    (root / "link").symlink_to(root / "any")
    (root / "folder").mkdir()
    assert [leads_out(root, root / name) for name in ("a", "new/a", "in/a", "folder/a")] == [""] * 4
    assert leads_out(root, root / "out/a") == leads_out(root, root / "../a") == "leads out"
    assert leads_out(root, tmp_path / "root2/a") == "leads out"
    assert leads_out(root, root / "loop/a") != ""
    assert leads_out(root, root / "link") == "is a link"
    assert leads_out(root, root / "folder") == "is not a plain file"
