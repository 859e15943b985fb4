"""Export as part of a run: which files are regenerated, saved under another name, or left."""


def test_a_run_exports_what_changed(classroom):
    classroom.checkpoint("00")
    words = classroom.root / "mini/core/words.py"
    before = words.stat().st_mtime_ns
    classroom.edit("src/01_numbers.py", "return a + b", "return b + a")
    classroom.checkpoint("00")
    assert "return b + a" in (classroom.root / "mini/core/numbers.py").read_text()
    assert words.stat().st_mtime_ns == before


def test_an_edit_of_a_generated_file_is_kept_aside(every_way):
    every_way.checkpoint("00")
    every_way.edit("mini/core/numbers.py", "return a + b", "return a + b + 1")
    said = every_way.says("--checkpoint", "00")
    assert "mini/core/numbers.py is generated, and was edited by hand." in said
    assert "saved as mini/core/numbers.py.edited; make the change in src/01_numbers.py:11" in said
    assert "5 passed" in said
    kept = (every_way.root / "mini/core/numbers.py.edited").read_text()
    assert "return a + b + 1" in kept
    assert "return a + b\n" in (every_way.root / "mini/core/numbers.py").read_text()


def test_no_export_tests_the_package_as_it_stands(classroom):
    classroom.checkpoint("00")
    classroom.edit("src/01_numbers.py", "return a + b", "return a - b")
    assert classroom.checkpoint("00", "--no-export").ret == 0
    assert classroom.checkpoint("00").ret == 1


def test_no_export_records_nothing_for_code_that_was_not_tested(classroom):
    classroom.checkpoint("00")
    classroom.edit("src/01_numbers.py", "return a + b", "return a - b")
    said = classroom.says("--checkpoint", "00", "--no-export")
    assert "mini/core/numbers.py does not match src/: other code was tested" in said
    assert classroom.states()["00"] == "stale"


def test_no_export_without_a_package(classroom):
    result = classroom.checkpoint("00", "--no-export")
    assert result.ret == 4
    assert "--no-export: mini/ is not there; run `tito export --all`" in "\n".join(result.errlines)


def test_a_directive_that_exports_nothing_costs_its_own_cell_and_is_named(classroom):
    classroom.edit("src/02_words.py", "#| export", "#| export core.nowhere")
    said = classroom.says("--checkpoint", "all")
    assert "src/02_words.py:3: this cell is not exported: `core.nowhere` is not an" in said
    assert "but its cell says `#| export core.nowhere`, which exports nothing" in said
    assert "1 failed, 5 passed" in said


def test_a_misspelled_directive_is_named(classroom, run_tito, monkeypatch):
    classroom.edit("src/02_words.py", "#| export", "#| exprot")
    monkeypatch.chdir(classroom.root)
    code, lines = run_tito("export", "--all")
    assert code == 0 and lines[-1] == (
        "src/02_words.py:3: '#| exprot' exports nothing: write `#| export` or `#| export core.name`"
        " (did you mean 'export'?)"
    )


def test_another_package_of_the_same_name_is_not_graded(classroom, tmp_path_factory):
    other = tmp_path_factory.mktemp("site")
    (other / "mini").mkdir()
    (other / "mini/__init__.py").write_text("def add(a, b): return a + b\n")
    (classroom.root / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(other)!r})\nimport mini\n"
    )
    said = classroom.says("--checkpoint", "01")
    assert "not this course's mini/; uninstall the other one: `pip uninstall mini`" in said
    assert "1 error" in said and classroom.states()["01"] == "failing"
