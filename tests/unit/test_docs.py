"""What the documents name exists: commands and their options, files, links, a page for each driver and each model."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic.fields import FieldInfo

from calibration.__main__ import parser as calibration_parser
from central.cli import main as central
from central.cli import parser as central_parser
from edge.cli import parser as edge_parser
from edge.config import EdgeConfig, parse_config
from edge.config.fields import Section
from hardware.registry import drivers
from models.catalogue import CATALOGUE
from models.cli import parser as models_parser
from simulator.__main__ import parser as simulator_parser

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    ROOT / name
    for name in subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True).split()
    if name != "CHANGELOG.md"
)
PARSERS = {
    "edge": edge_parser, "central": central_parser, "calibration": calibration_parser, "models": models_parser,
    "simulator": simulator_parser,
}  # fmt: skip
CALL = re.compile(r"(?:python3? -m|\bvitrina) (edge|central|calibration|models|simulator)(?![.\w])((?: +[^\s|;&#`]+)*)")


def code(page: Path) -> Iterator[str]:
    """Lines of code of a page, continued ones joined: fenced, indented, and what stands in backticks."""
    whole = re.sub(r" \\\n\s*", " ", page.read_text(encoding="utf-8"))
    fenced = re.findall(r"```[a-z]*\n(.*?)```", whole, re.DOTALL)
    for block in fenced:
        yield from block.splitlines()
    rest = re.sub(r"```[a-z]*\n.*?```", "", whole, flags=re.DOTALL)
    yield from re.findall(r"^ {4,}\S.*$", rest, re.MULTILINE)
    yield from (re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", rest))


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """By name; none at the end of a path."""
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def mistakes(program: str, words: list[str]) -> Iterator[str]:
    """Subcommands and options that the program does not have."""
    parser = PARSERS[program]()
    while words and (choices := subcommands(parser)):
        if words[0] in {"X", "...", "COMMAND"} or words[0].startswith("-"):
            break
        names = words.pop(0).split("|")
        for name in names:
            if name not in choices:
                yield f"{parser.prog} has no {name!r}"
                return
        parser = choices[names[0]]
    known = {option for action in parser._actions for option in action.option_strings}
    for word in words:
        option = word.partition("=")[0].strip("[]().,")
        if option.startswith("--") and option not in known:
            yield f"{parser.prog} has no {option}"


def test_the_search_sees_commands_and_their_mistakes() -> None:
    assert list(mistakes("edge", ["run", "--config", "x"])) == []
    assert list(mistakes("edge", ["walk"])) == ["python -m edge has no 'walk'"]
    assert list(mistakes("central", ["staff", "add", "NAME", "--rank", "x"])) == [
        "python -m central staff add has no --rank"
    ]
    calls = [call for page in PAGES for line in code(page) for call in CALL.finditer(line)]
    assert len(calls) > 40, "and there is something to look at"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists(page: Path) -> None:
    found = [call.groups() for line in code(page) for call in CALL.finditer(line)]
    assert [one for program, words in found for one in mistakes(program, words.split())] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_file_of_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    links = [page.parent / target for target in targets if target and "://" not in target]
    named = re.findall(r"(?<![\w/.@])((?:tests|docs|calibration|simulator|ansible)/[\w./-]+\.(?:py|md|sh))\b", text)
    assert [str(path) for path in (*links, *(ROOT / name for name in named)) if not path.exists()] == []


def test_every_command_is_in_a_document() -> None:
    """Also the rare ones: what nobody can find out about might as well not be there."""
    said = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    flat = re.sub(r"\s+", " ", said)
    every = [
        f"{program} {' '.join(words)}"
        for program, make in PARSERS.items()
        for name, inner in subcommands(make()).items()
        for words in [[name, deeper] for deeper in subcommands(inner)] or [[name]]
    ]
    missing = [command for command in every if command not in flat]
    assert missing == []


def test_the_example_of_the_store_file_is_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands there, and it is the shop that the example inventory installs."""
    (text,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "store-file.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "shop.json").write_text(text, encoding="utf-8")
    words = ["import", str(tmp_path / "shop.json"), "--data", str(tmp_path / "data")]
    assert [central(words), central(words)] == [0, 0]
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said == [{"store": "shop", "products": 1, "labels": 1, "customers": 1}] * 2
    store, hosts = json.loads(text)["store"], yaml.safe_load((ROOT / "ansible/inventory.example.yml").read_text())
    node = hosts["all"]["children"]["vitrina_edge"]["hosts"]["shop-node-1"]
    assert (store["id"], store["labels"][0]["node"]) == (node["edge_store"], node["edge_node"])
    assert [(zone["id"], zone["polygon"]) for zone in store["zones"]] == [
        (zone["id"], zone["polygon"]) for zone in node["edge_zones"]
    ]
    assert [one["id"] for one in store["labels"]] == [one["id"] for one in node["edge_labels"]["map"]]
    assert [one["id"] for one in store["cameras"]] == [one["id"] for one in node["edge_cameras"]]


def test_one_card_to_a_model_and_one_page_to_a_driver() -> None:
    cards = {Path(model.card).name for model in CATALOGUE}
    assert {path.name for path in (ROOT / "docs" / "models").glob("*.md")} == cards | {"evaluation.md"}
    pages = {path.name for path in (ROOT / "docs" / "drivers").glob("*.md")}
    listed = (ROOT / "docs" / "drivers" / "README.md").read_text(encoding="utf-8")
    assert {name for name in pages - {"README.md"} if f"({name})" not in listed} == set()
    assert {Path(driver.page).name for driver in drivers()} - pages == set()


NODE_PAGE = ROOT / "docs" / "node-file.md"


def _rows() -> Iterator[tuple[str, str, str]]:
    """(section, key, default) of the table; one default for several keys holds for all."""
    for line in NODE_PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and (cells[0].startswith("`") or cells[0] == "(top)"):
            keys, defaults = re.findall(r"`(\w+)`", cells[1]), cells[2].split(", ")
            if len(defaults) != len(keys):
                defaults = [cells[2]] * len(keys)
            for key, default in zip(keys, defaults, strict=True):
                yield cells[0].strip("`()"), key, default


def _fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """(section, key, field) of the configuration; not the options of drivers, which have pages of their own."""
    for name, field in EdgeConfig.model_fields.items():
        classes = [one for one in re.findall(r"\w+Config", str(field.annotation)) if one != "EdgeConfig"]
        if not classes:
            yield "top", name, field
            continue
        section = {one.__name__: one for one in Section.__subclasses__()}[classes[-1]]
        for key, inner in section.model_fields.items():
            yield name, inner.alias or key, inner


def _said(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return "empty" if value == () else f"{value:g}" if isinstance(value, float) else str(value)


def test_every_key_of_the_nodes_file_is_explained_with_its_default() -> None:
    rows = list(_rows())
    assert [row[:2] for row in rows if [one[:2] for one in rows].count(row[:2]) > 1] == []
    told = {(section, key): default for section, key, default in rows}
    known = {(section, key): str(_said(field)) for section, key, field in _fields()}
    assert set(told) ^ set(known) == set()
    in_words = {("policy", "mode"), *(place for place, default in told.items() if default.startswith("required but"))}
    assert {place: told[place] for place in known if place not in in_words and told[place] != known[place]} == {}


def test_the_example_of_the_nodes_file_is_in_order() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", NODE_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    config = parse_config(text)
    assert [camera.id for camera in config.cameras] == ["door", "hall"]
    (shop,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "store-file.md").read_text(encoding="utf-8"), re.DOTALL)
    assert config.store == json.loads(shop)["store"]["id"]
