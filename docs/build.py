"""`make docs`: fill in what is read from the code or was measured.

Pages hold blocks between ``<!-- name -->`` and ``<!-- /name -->``; only what is
inside them is replaced. The parts:

- ``reference``: commands, the fields of the bout rule and the public names, read
  from the code (docs/reference);
- ``bench``: the tables and charts of the last ``make bench`` (docs/reference/benchmark.md,
  and a short table in README.md);
- ``picture``: docs/pictures/night.png, by running the demo with the builtin.

The same code and the same results give the same files.
"""

import argparse
import ast
import dataclasses
import inspect
import json
import re
import shutil
import sys
import tempfile
import types
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "build" / "bench"
PARTS = ("reference", "bench", "picture")
ROOMS = (
    "harken.sound",
    "harken.hearing",
    "harken.episodes",
    "harken.evidence",
    "harken.journal",
    "harken.answering",
    "harken.exchange",
    "harken.insight",
    "harken.studies",
    "harken.simulate",
)
MEASURED = ("clips", "levels", "corpora", "scenes", "speed")
CHARTS = {
    "roc.svg": "Share of cries found against false alarms on clips",
    "snr.svg": "Event F1 against signal-to-noise ratio in rendered rooms",
}
SHORT = {
    "builtin": "builtin",
    "yamnet+head": "yamnet",
    "YAMNet": "YAMNet alone",
    "Frigate": "Frigate's rule",
}
"""Columns of the short table: names in the results, and what people read."""


class BuildError(Exception):
    """Something that is needed is missing; one line that says what to do."""


def fill(text: str, name: str, content: str, *, where: str) -> str:
    r"""Replace what is inside a block.

    Parameters
    ----------
    text : str
        The page.
    name : str
        Of the block.
    content : str
        Markdown.
    where : str
        What a message calls the page.

    Returns
    -------
    str

    Raises
    ------
    BuildError
        If the page does not hold the block exactly once.

    Examples
    --------
    >>> fill("<!-- a -->old<!-- /a -->", "a", "new", where="page")
    '<!-- a -->\nnew\n<!-- /a -->'
    """
    block = re.compile(
        rf"(<!-- {re.escape(name)} -->).*?(<!-- /{re.escape(name)} -->)", flags=re.DOTALL
    )
    found = len(block.findall(text))
    if found != 1:
        raise BuildError(
            f"{where} holds {found} blocks {name!r}, not 1: "
            f"put <!-- {name} --> and <!-- /{name} --> where it belongs"
        )
    return block.sub(lambda match: f"{match[1]}\n{content.strip()}\n{match[2]}", text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in line) + " |"
        for line in lines
    )


def commands() -> dict[str, tuple[Any, Any]]:
    """Give every command, groups included, and its context, by what is typed."""
    from typer.main import get_command

    from harken.cli.app import app

    found: dict[str, tuple[Any, Any]] = {}

    def walk(command: Any, typed: str, name: str, parent: Any) -> None:
        context = command.make_context(name, [], parent=parent, resilient_parsing=True)
        found[typed] = command, context
        for below, one in getattr(command, "commands", {}).items():
            walk(one, f"{typed} {below}", below, context)

    walk(get_command(app), "harken", "harken", None)
    return found


def parameters(command: Any, context: Any) -> list[tuple[Any, tuple[str, str]]]:
    """Give the arguments and options of a command, each with how and what its help says."""
    with context:
        pairs = [(one, one.get_help_record(context)) for one in command.get_params(context)]
    return [(one, record) for one, record in pairs if record is not None]


def describe_commands() -> str:
    """Write every command with its arguments and options."""
    parts = []
    for typed, (command, context) in commands().items():
        parts += [f"## {typed}", _prose(command.help or "")]
        arguments, options = [], []
        for one, (how, what) in parameters(command, context):
            is_option = one.param_type_name == "option"
            name = how if is_option else how.split(" <")[0]
            row = [f"`{name}`", what.replace("  [", " [")]
            (options if is_option else arguments).append(row)
        if arguments:
            parts.append(table(["argument", "meaning"], arguments))
        if options:
            parts.append(table(["option", "meaning"], options))
        below = getattr(command, "commands", {})
        if below:
            links = [f"[{typed} {one}](#{f'{typed} {one}'.replace(' ', '-')})" for one in below]
            parts.append("Commands: " + ", ".join(links) + ".")
    return "\n\n".join(parts)


def _prose(text: str) -> str:
    """Turn the bold examples of a command's help into code."""
    paragraphs = [" ".join(one.split()) for one in inspect.cleandoc(text).split("\n\n")]
    lines = []
    for one in paragraphs:
        example = re.fullmatch(r"\*\*(harken .*)\*\*", one)
        lines.append(f"```console\n$ {example[1]}\n```" if example else one)
    return "\n\n".join(lines).replace("```\n\n```console\n", "")


def describe_rule() -> str:
    """Write the fields of the bout rule, from its docstring and defaults."""
    from harken.episodes import BoutRule

    fields = {field.name: field for field in dataclasses.fields(BoutRule)}
    rows = []
    for names, kind, meaning in _numpydoc(BoutRule, "Parameters"):
        for name in names:
            default = fields[name].default
            text = "the detector's" if default is dataclasses.MISSING else f"{default:g}"
            rows.append(
                [f"`{name}`", text, kind.removeprefix("float, ").replace("[s]", "s"), meaning]
            )
    return table(["field", "default", "range", "meaning"], rows)


def describe_settings() -> str:
    """Write every setting of the hub, with its variable, default and meaning."""
    from harken.settings import Settings

    rows = []
    for name, one in Settings.model_fields.items():
        default = one.get_default(call_default_factory=True)
        shown = "none" if default is None else json.dumps(default)
        rows.append([f"`{name}`", f"`HARKEN_{name.upper()}`", f"`{shown}`", one.description or ""])
    return table(["setting", "variable", "default", "meaning"], rows)


def describe_kinds() -> str:
    """Write every kind of event of the journal, with its data and who may send it."""
    from harken.episodes.events import KINDS

    def data(of: Any, kind: str) -> list[str]:
        return [
            f"`{key}` ({'one of ' + ', '.join(check) if isinstance(check, tuple) else check})"
            for key, check in getattr(of, kind).items()
        ]

    rows = []
    for name, one in KINDS.items():
        may = [f"{entry}?" for entry in data(one, "may")]
        rows.append(
            [
                f"`{name}`",
                one.says,
                ", ".join([*data(one, "needs"), *may]) or "–",
                "people" if one.people else "the hub",
            ]
        )
    return table(["kind", "meaning", "data", "written by"], rows)


def _numpydoc(of: Any, section: str) -> list[tuple[list[str], str, str]]:
    """Give names, type and meaning of each entry of a docstring's section."""
    text = inspect.getdoc(of) or ""
    found = re.search(rf"^{section}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", text, re.DOTALL | re.M)
    entries = (
        re.findall(r"^(\S[^\n]*?) : ([^\n]*)\n((?:[ ]+[^\n]*\n?|\n)*)", found[1], re.M)
        if found
        else []
    )
    return [
        ([name.strip() for name in names.split(",")], kind, " ".join(meaning.split()))
        for names, kind, meaning in entries
    ]


def describe_room(room: str) -> str:
    """Write the public names of a room, each with the first sentence of its documentation."""
    module = import_module(room)
    notes = _notes(room)
    rows = []
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, types.UnionType):
            doc = "One of " + ", ".join(f"`{one.__name__}`" for one in value.__args__) + "."
        elif name in notes:
            doc = notes[name]
        else:
            doc = inspect.getdoc(value) or ""
        rows.append([f"`{name}`", _first_sentence(doc)])
    return table(["name", "what it is"], rows)


def _notes(room: str) -> dict[str, str]:
    """Give what stands under the constants of a room's files."""
    notes = {}
    for path in sorted((ROOT / "src" / Path(*room.split("."))).glob("*.py")):
        body = ast.parse(path.read_text("utf-8")).body
        for one, below in pairwise(body):
            if (
                isinstance(one, ast.Assign)
                and isinstance(one.targets[0], ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                notes[one.targets[0].id] = inspect.cleandoc(below.value.value)
    return notes


def _first_sentence(doc: str) -> str:
    paragraph = " ".join(doc.split("\n\n")[0].split()).replace("``", "`")
    sentence = re.match(r".*?\.(?=\s|$)", paragraph)
    return sentence[0] if sentence else f"{paragraph}."


def read_results(folder: Path) -> tuple[dict[str, Any], str]:
    """Read what `make bench` left.

    Returns
    -------
    tuple of (dict, str)
        The results, and all tables as Markdown.

    Raises
    ------
    BuildError
        If it was not run, or not all of it.
    """
    try:
        results = json.loads((folder / "results.json").read_text("utf-8"))
        tables = (folder / "table.md").read_text("utf-8")
    except (OSError, ValueError) as error:
        raise BuildError(
            f"no benchmark results in {folder}: run 'make bench' first, "
            "or 'make docs ARGS=\"--only reference\"'"
        ) from error
    absent = [part for part in MEASURED if part not in results]
    if absent or not results.get("table"):
        raise BuildError(
            f"the benchmark results in {folder} are without {', '.join(absent) or 'a table'}: "
            "run 'make bench' without --only"
        )
    return results, tables


def short_table(results: dict[str, Any]) -> str:
    """Write the lines of the main table without intervals, for the README."""
    rows = [
        [
            row["what"],
            row["target"],
            *(re.sub(r" \[[^\]]*\]", "", row["cells"].get(name, "–")) for name in SHORT),
        ]
        for row in results["table"]
    ]
    return table(["", "target", *SHORT.values()], rows)


def long_tables(results: dict[str, Any], tables: str, charts: Sequence[str]) -> str:
    """Write all tables and charts, and on what they were measured."""
    models = ", ".join(
        f"`{name}` {digest[:12]}" for name, digest in sorted(results["models_sha256"].items())
    )
    about = [
        f"Machine: {results['machine']}.",
        f"Data: SHA-256 {results['data_sha256'][:12]}. Models: {models}.",
    ]
    pictures = [f"![{CHARTS[name]}](../pictures/{name})" for name in charts]
    lines = [re.sub(r"^### ", "## ", tables.strip(), flags=re.M)]
    return "\n\n".join([*about, *pictures, *lines])


def build_reference() -> dict[Path, str]:
    """Give the pages that are read from the code, filled in."""
    blocks = {
        "commands.md": {"commands": describe_commands},
        "rule.md": {"rule": describe_rule},
        "settings.md": {"settings": describe_settings},
        "household-events.md": {"kinds": describe_kinds},
        "python.md": {room: lambda room=room: describe_room(room) for room in ROOMS},
    }
    pages = {}
    for name, parts in blocks.items():
        path = DOCS / "reference" / name
        text = path.read_text("utf-8")
        for block, write in parts.items():
            text = fill(text, block, write(), where=str(path.relative_to(ROOT)))
        pages[path] = text
    return pages


def build_bench(folder: Path) -> dict[Path, str]:
    """Give the pages with what was measured, filled in; copies the charts."""
    results, tables = read_results(folder)
    charts = [name for name in CHARTS if (folder / name).exists()]
    page, readme = DOCS / "reference" / "benchmark.md", ROOT / "README.md"
    pages = {
        page: fill(
            page.read_text("utf-8"),
            "bench",
            long_tables(results, tables, charts),
            where="docs/reference/benchmark.md",
        ),
        readme: fill(readme.read_text("utf-8"), "bench", short_table(results), where="README.md"),
    }
    for name in charts:
        shutil.copyfile(folder / name, DOCS / "pictures" / name)
    return pages


def build_picture() -> None:
    """Run the demo and keep its picture."""
    from harken.cli.demo import demo

    with tempfile.TemporaryDirectory() as folder:
        demo(Path(folder), model="builtin")
        drawn = Path(folder) / "night.png"
        if not drawn.exists():
            raise BuildError("the demo drew no picture: pip install 'harken[plot]'")
        (DOCS / "pictures").mkdir(exist_ok=True)
        shutil.copyfile(drawn, DOCS / "pictures" / "night.png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the parts that are asked for; no page is written if one of them fails."""
    parse = argparse.ArgumentParser(prog="docs/build.py", description=main.__doc__)
    parse.add_argument("--only", default=",".join(PARTS), help=f"parts of {','.join(PARTS)}")
    parse.add_argument("--results", type=Path, default=RESULTS, help="what make bench left")
    ask = parse.parse_args(arguments)
    parts = ask.only.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        parse.error(f"--only: unknown part {unknown[0]!r}; there are {', '.join(PARTS)}")
    from harken.errors import HarkenError

    try:
        pages = build_reference() if "reference" in parts else {}
        if "bench" in parts:
            pages |= build_bench(ask.results)
        if "picture" in parts:
            build_picture()
    except (BuildError, HarkenError) as error:
        print(f"docs: {error}", file=sys.stderr)
        return 1
    for path, text in pages.items():
        if text != path.read_text("utf-8"):
            path.write_text(text, encoding="utf-8")
            print(f"docs: {path.relative_to(ROOT)} is new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
