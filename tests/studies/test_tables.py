"""Tables from a run, a simulation and a lab's own files come in one form."""

import json

import pandas as pd
import pyarrow as pa
import pytest

from harken.errors import AnnotationError, ParameterError
from harken.simulate import write_cohort
from harken.studies.corpus import read_corpus
from harken.studies.provenance import recipe_of
from harken.studies.run import Study
from harken.studies.tables import read_table, study_table


def test_censoring_is_read_in_either_form():
    ours = pd.DataFrame({"child_id": [1, 2], "latency_s": [4, None], "censored_s": [None, 9]})
    theirs = pd.DataFrame({"child_id": [1, 2], "latency_s": [4, 9], "censored": [False, True]})
    for frame in (ours, theirs):
        rows = study_table(pa.Table.from_pandas(frame)).episodes
        assert rows["waited_s"].tolist() == [4, 9]
        assert rows["answered"].tolist() == [True, False]
        assert rows["child_id"].tolist() == ["1", "2"]


def test_hour_and_age_are_worked_out():
    frame = pd.DataFrame(
        {
            "child_id": ["a", "b", "c"],
            "latency_s": [1, 2, 3],
            "censored": False,
            "start_time": ["23:30", "06:00:30", None],
            "onset": [3600, 0, 0],
            "age_days": [14, 21, 28],
        }
    )
    rows = study_table(frame).episodes
    assert rows["hour"].tolist()[:2] == pytest.approx([0.5, 6 + 30 / 3600])
    assert rows["hour"].isna().tolist() == [False, False, True]
    assert rows["age_weeks"].tolist() == [2, 3, 4]


def test_what_is_left_out_is_said():
    frame = pd.DataFrame(
        {
            "child_id": ["a", "b", "c"],
            "latency_s": [1, None, 3],
            "censored": False,
            "crying_s": 5.0,
            "over": [True, True, False],
        }
    )
    children = pd.DataFrame({"child_id": ["a", "b"], "group": ["x", "y"]})
    table = study_table(frame, children=children)
    assert table.episodes["group"].tolist() == ["x"]
    assert "episodes of 1 child were left out" in table.notes[0]
    assert table.notes[0].endswith("'c'")
    assert "1 episode was left out: they have no time" in table.notes[1]
    cut = study_table(frame)
    assert cut.episodes["crying_s"].isna().tolist() == [False, True]
    assert "1 episode was cut off" in cut.notes[0]


def test_what_a_spreadsheet_writes_is_understood(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "\ufeffchild_id,group,latency_s,censored,over,age_weeks\n"
        "01, none ,4,no,yes,NA\n02,NA,9,YES,,5\n03,none,,1,TRUE,6\n,none,4,0,1,7\n04,none,5,,1,8\n",
        "utf-8",
    )
    table = read_table(path)
    rows = table.episodes
    assert rows["child_id"].tolist() == ["01", "02"]
    # A group that is called none is a group.
    assert rows["group"].tolist() == ["none", "NA"]
    assert rows["answered"].tolist() == [True, False]
    assert rows["age_weeks"].isna().tolist() == [True, False]
    assert "1 episode was left out: they name no child" in table.notes
    # Neither a latency of none nor censored or not.
    assert "2 episodes were left out: they have no time of 0 s or more" in table.notes


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("censored", "perhaps", "'censored' holds 'perhaps', which is neither true nor false"),
        ("censored", 3, "'censored' holds '3'"),
        ("over", "late", "'over' holds 'late'"),
        ("latency_s", "4,5", "'latency_s' holds what is not a number: '4,5'"),
        ("latency_s", float("inf"), "without end"),
        ("age_weeks", "old", "'age_weeks' holds what is not a number: 'old'"),
    ],
)
def test_what_is_neither_is_not_guessed(column, value, says):
    frame = pd.DataFrame({"child_id": ["a"], "latency_s": [2.0], "censored": [False]})
    frame[column] = [value]
    with pytest.raises(ParameterError, match=says):
        study_table(frame)


def test_numbers_of_children_are_names():
    frame = pd.DataFrame({"child_id": [1.0, 2.0], "latency_s": [2, 3], "censored": False})
    children = pd.DataFrame({"child_id": ["1", "2"], "group": [1.0, None]})
    assert study_table(frame, children=children).episodes["group"].tolist() == ["1", ""]


def test_runs_that_were_made_otherwise_are_said(tmp_path, long_night):
    corpus = tmp_path / "corpus.csv"
    corpus.write_text(f"recording,child_id,start_time\n{long_night},ann,20:00\n", "utf-8")
    for name, rule in (("a", ""), ("b", "max_gap=2")):
        recipe = recipe_of("builtin", rule)
        with Study(read_corpus(str(corpus)), out=tmp_path / name, recipe=recipe) as study:
            list(study.run_here())
            study.write()
    table = read_table({name: tmp_path / name for name in "ab"})
    assert any("not found in the same way" in note for note in table.notes)
    assert "a: Crying was found by Harken" in table.made
    assert "gaps of up to 2 s" in table.made
    alike = read_table(dict.fromkeys("ab", tmp_path / "a"))
    assert not any("not found in the same way" in note for note in alike.notes)
    assert alike.made.startswith("Crying was found by Harken")


def test_what_was_given_is_left_as_it_was():
    frame = pd.DataFrame({"child_id": [1], "latency_s": [2], "censored": [False]})
    before = frame.copy()
    study_table(frame, children=pd.DataFrame({"child_id": [1], "group": ["a"]}))
    pd.testing.assert_frame_equal(frame, before)


def test_simulations_are_groups(tmp_path):
    for name in ("prompt", "fixed"):
        write_cohort(name, tmp_path / name, infants=2, weeks=0.5, age_weeks=6, jobs=1)
    table = read_table({name: tmp_path / name for name in ("prompt", "fixed")})
    rows = table.episodes
    assert set(rows["child_id"]) == {"prompt/0", "prompt/1", "fixed/0", "fixed/1"}
    assert set(rows["group"]) == {"prompt", "fixed"}
    assert rows["age_weeks"].between(6, 6.5).all()
    assert rows["hour"].between(0, 24).all()
    assert (
        table.recordings["heard_s"].groupby(table.recordings["child_id"]).sum().tolist()
        == [3.5 * 86400] * 4
    )
    assert table.notes == ("these infants are simulated: no evidence about infants",)


def test_a_run_is_read_with_its_warning(tmp_path, long_night):
    corpus = tmp_path / "corpus.csv"
    corpus.write_text(f"recording,child_id,start_time\n{long_night},ann,20:00\n", "utf-8")
    recipe = recipe_of("builtin", "")
    with Study(read_corpus(str(corpus)), out=tmp_path / "run", recipe=recipe) as study:
        list(study.run_here())
        study.write()
    table = read_table(tmp_path / "run")
    assert set(table.episodes["child_id"]) == {"ann"}
    assert table.episodes["hour"].between(20, 20.3).all()
    assert table.recordings["heard_s"].tolist() == pytest.approx([750])
    assert table.recordings["start_hour"].tolist() == [20]
    assert "an answer is inferred" in table.notes[0]
    assert "detector" in table.made
    assert "An inferred response is" in table.made


def test_files_of_a_lab_are_read(tmp_path):
    frame = pd.DataFrame({"child_id": ["01"], "latency_s": [2.0], "censored": [False]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "children.csv").write_text("child_id,arm\n01,x\n", "utf-8")
    for name in ("a.csv", "a.parquet"):
        table = read_table(tmp_path / name, children=tmp_path / "children.csv", group="arm")
        assert table.episodes["group"].tolist() == ["x"]
        assert table.episodes["child_id"].tolist() == ["01"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        (b"", "cannot be read: No columns"),
        (b"\xff\xfe\x00bad", "cannot be read"),
        (b"a,b\n1,2\n", "has no column 'child_id'"),
        (b"child_id;latency_s\na;1,5\n", "save it with commas"),
    ],
)
def test_bad_files_are_one_line(tmp_path, content, says):
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((AnnotationError, ParameterError), match=says) as error:
        read_table(path)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_study_is_one_line(tmp_path):
    with pytest.raises(AnnotationError, match=r"holds no run\.json"):
        read_table(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"infants": 2}), "utf-8")
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("children", "group", "says"),
    [
        ({"name": ["a"]}, "group", "the table of children has no column 'child_id'"),
        ({"child_id": ["a", "a"]}, "group", "names child 'a' twice"),
        ({"child_id": ["z"], "group": ["x"]}, "group", "none of the children"),
        ({"child_id": ["a"], "group": ["x"]}, "arm", "children has no column 'arm'; there are"),
        ({"child_id": ["a"], "arm": ["x"]}, "group", "name the one to compare with --group"),
        ({"child_id": ["a"], "age_days": [3]}, "arm", "no table has the column 'arm'"),
    ],
)
def test_bad_tables_of_children_are_one_line(children, group, says):
    frame = pd.DataFrame({"child_id": ["a"], "latency_s": [2.0], "censored": [False]})
    with pytest.raises(ParameterError, match=says):
        study_table(frame, children=pd.DataFrame(children), group=group)
