"""A free name: nothing that has one is ever overwritten, whatever it is."""

from pytest_tinytorch.core.free_path import free_path


def names(folder, times, *arguments, **keywords):
    """The names that come one after another, when a file is made under each."""
    found = []
    for _ in range(times):
        path = free_path(folder, *arguments, **keywords)
        path.touch()
        found.append(path.name)
    return found


def test_the_first_has_the_plain_name(tmp_path):
    assert names(tmp_path, 3, "g.xml.old") == ["g.xml.old", "g.xml.old-2", "g.xml.old-3"]


def test_every_name_has_its_ending_and_its_number(tmp_path):
    found = names(tmp_path, 2, "progress.damaged", ".json", first_number=1)
    assert found == ["progress.damaged-1.json", "progress.damaged-2.json"]


def test_a_gap_is_filled_and_folders_and_dead_links_count(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a-2").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a-4").touch()
    assert free_path(tmp_path, "a").name == "a-3"


def test_what_counts_as_free_can_be_said(tmp_path):
    for name in ("a", "a-2"):
        (tmp_path / name).write_text(name)
    same = free_path(tmp_path, "a", is_free=lambda path: path.read_text() == "a-2")
    assert same.name == "a-2"
