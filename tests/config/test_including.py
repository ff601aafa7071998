"""One configuration in many files: order, conflicts, origins."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import load
from gateway.config.merge import CONCATENATED, merge
from gateway.config.tree import Node, Source
from tests.config.worlds import REST, a_world, completed, loaded, snapshot_of, told, written

KEYS = REST["keys"] + "\n"


def test_maps_merge_deeply_and_the_including_file_wins(tmp_path: Path) -> None:
    snapshot = snapshot_of(
        tmp_path,
        completed("include: [base.yaml]\nserver: {max_in_flight: 5}\n"),
        **{"base.yaml": "server: {max_in_flight: 1, max_body: 1KiB}\n"},
    )
    assert (snapshot.server.max_in_flight, snapshot.server.max_body) == (5, 1024)


def test_lists_replace(tmp_path: Path) -> None:
    base = {"base.yaml": "fallbacks: {m: [n, o]}\nwildcard_models: [m, n]\n"}
    snapshot = snapshot_of(
        tmp_path, completed("include: [base.yaml]\nfallbacks: {m: [n]}\nwildcard_models: [o]\n"), **base
    )
    assert dict(snapshot.table.fallbacks) == {"m": ("n",)}
    assert snapshot.table.wildcard_models == ("o",)


def test_keys_of_all_files_are_joined(tmp_path: Path) -> None:
    team = f'keys: [{{name: team, digest: "sha256:{"2" * 64}"}}]\n'
    assert list(snapshot_of(tmp_path, completed("include: [team.yaml]\n" + KEYS), **{"team.yaml": team}).keys) == [
        "team",
        "k",
    ]


def test_one_leaf_in_two_included_files_is_a_conflict_that_names_both(tmp_path: Path) -> None:
    files = {"a.yaml": "version: 1\nserver:\n  max_body: 1KiB\n", "b.yaml": "version: 1\nserver: {max_body: 2KiB}\n"}
    loading = loaded(tmp_path, completed("include: [a.yaml, b.yaml]\n"), **files)
    assert told(loading) == [("TH1203", 2, 10)]
    (problem,) = loading.problems
    assert problem.file == str(tmp_path / "b.yaml")
    assert f"{tmp_path / 'a.yaml'}:3:13" in problem.message
    assert "overlay" in (problem.hint or "")


@pytest.mark.parametrize(
    "head", ["include: [a.yaml]\noverlay: [b.yaml]\n", "include: [a.yaml, b.yaml]\noverlay: [b.yaml]\n"]
)
def test_an_overlay_may_override(head: str, tmp_path: Path) -> None:
    files = {"a.yaml": "server: {max_body: 1KiB, workers: 1}\n", "b.yaml": "server: {max_body: 2KiB}\n"}
    assert snapshot_of(tmp_path, completed(head), **files).server.max_body == 2048


def test_a_file_included_twice_counts_once(tmp_path: Path) -> None:
    files = {
        "a.yaml": "include: [common.yaml]\n",
        "b.yaml": "include: [common.yaml]\n",
        "common.yaml": f'server: {{max_body: 1KiB}}\nkeys: [{{name: shared, digest: "sha256:{"3" * 64}"}}]\n',
    }
    assert set(snapshot_of(tmp_path, completed("include: [a.yaml, b.yaml]\n"), **files).keys) == {"shared", "k"}


def test_circles_are_shown(tmp_path: Path) -> None:
    files = {"a.yaml": "include: [b.yaml]\n", "b.yaml": "include:\n  - tokenhub.yaml\n"}
    loading = loaded(tmp_path, completed("include: [a.yaml]\n"), **files)
    assert told(loading) == [("TH1202", 2, 5)]
    assert "tokenhub.yaml -> a.yaml -> b.yaml -> tokenhub.yaml" in loading.problems[0].message


def test_problems_in_included_files_are_named_there(tmp_path: Path) -> None:
    loading = loaded(tmp_path, completed("include: [teams/*.yaml]\n"), **{"teams/x.yaml": "\n\naliases: {a: gone}\n"})
    assert told(loading) == [("TH2002", 3, 14)]
    assert loading.problems[0].file == str(tmp_path / "teams/x.yaml")


def test_a_broken_included_file_is_a_problem_of_its_own(tmp_path: Path) -> None:
    loading = loaded(tmp_path, completed("include: [x.yaml]\n"), **{"x.yaml": "aliases: {a: m\n"})
    assert told(loading) == [("TH1101", 1, 10)]


def test_patterns_are_sorted_and_relative_to_their_file(tmp_path: Path) -> None:
    files = {
        "teams/all.yaml": "include: ['[ab].yaml']\n",
        "teams/b.yaml": "aliases: {b: m}\n",
        "teams/a.yaml": "aliases: {a: m}\n",
    }
    loading = loaded(tmp_path, completed("include: [teams/all.yaml]\n"), **files)
    assert [path.name for path in loading.files] == ["tokenhub.yaml", "all.yaml", "a.yaml", "b.yaml"]
    assert tmp_path / "teams" in loading.folders


def test_a_list_of_includes_that_is_no_list_is_found_in_the_included_file(tmp_path: Path) -> None:
    loading = loaded(tmp_path, completed("include: [x.yaml]\n"), **{"x.yaml": "overlay: [5]\n"})
    assert told(loading) == [("TH1407", 1, 11)]


def test_too_many_levels_are_refused(tmp_path: Path) -> None:
    files = {f"{n}.yaml": f"include: [{n + 1}.yaml]\n" for n in range(12)} | {"12.yaml": "version: 1\n"}
    assert [code for code, _, _ in told(loaded(tmp_path, completed("include: [0.yaml]\n"), **files))] == ["TH1204"]


def test_shipped_files_are_found_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, {"main.yaml": "include: [tokenhub.yaml]\n"})
    shipped = load(path, a_world())
    assert shipped.declaration is not None, shipped.problems
    assert drive(compile_snapshot(shipped)).table.providers["demo"].dialect == "echo"


def test_the_order_of_files_and_keys_does_not_change_the_digest(tmp_path: Path) -> None:
    one = loaded(tmp_path / "one", completed("# a comment\naliases: {a: m, b: n}\nserver: {workers: 1}\n"))
    two = loaded(tmp_path / "two", completed("include: [x.yaml]\naliases: {b: n}\n"), **{"x.yaml": "aliases: {a: m}\n"})
    assert one.digest == two.digest


SOURCE = Source("x.yaml", "")


def _node(value: object) -> Node:
    if isinstance(value, dict):
        value = {name: _node(child) for name, child in value.items()}
    elif isinstance(value, list):
        value = [_node(child) for child in value]
    return Node(value, SOURCE, 1, 1, 1, False, None)


def _plain(node: Node) -> object:
    if isinstance(node.value, dict):
        return {name: _plain(child) for name, child in node.value.items()}
    return [_plain(child) for child in node.value] if isinstance(node.value, list) else node.value


leaves = st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
trees = st.dictionaries(
    st.sampled_from([*"abc", *CONCATENATED]),
    st.recursive(leaves, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=5),
    max_size=3,
)


@given(trees)
@settings(max_examples=100, deadline=None)
def test_nothing_laid_over_or_under_a_tree_changes_it(tree: dict[str, object]) -> None:
    assert _plain(merge(_node(tree), _node({}))) == tree
    assert _plain(merge(_node({}), _node(tree))) == tree


like_trees = st.dictionaries(
    st.sampled_from([*"abc", *CONCATENATED]),
    st.dictionaries(st.sampled_from("abc"), leaves, max_size=3),
    max_size=3,
)


@given(like_trees, like_trees, like_trees)
@settings(max_examples=100, deadline=None)
def test_it_does_not_matter_which_two_of_three_are_merged_first(a: object, b: object, c: object) -> None:
    left = merge(merge(_node(a), _node(b)), _node(c))
    right = merge(_node(a), merge(_node(b), _node(c)))
    assert _plain(left) == _plain(right)


@given(trees, trees)
@settings(max_examples=100, deadline=None)
def test_a_clash_is_told_exactly_where_both_set_something_else_than_maps(
    a: dict[str, object], b: dict[str, object]
) -> None:
    clashes: list[object] = []
    merge(_node(a), _node(b), lambda path, below, above: clashes.append(path))
    assert bool(clashes) == _overlap(a, b, ())


def _overlap(a: object, b: object, path: tuple[str, ...]) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return any(_overlap(a[name], b[name], (*path, name)) for name in a.keys() & b.keys())
    joined = len(path) == 1 and path[0] in CONCATENATED and isinstance(a, list) and isinstance(b, list)
    return not joined
