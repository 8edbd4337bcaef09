"""Every command and option of the command line, and their documentation in docs/operations.md."""

import io
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from rich.console import Console

from cli import api, printful_webhook, send
from cli.commands import find
from cli.errors import INCOMPLETE, NEGATIVE, UNREACHABLE, USAGE, NotFound, Unreachable
from cli.main import main, root
from cli.output import cell, fields, money, table
from cli.overview import sparkline
from cli.stacks import Installation, Secret
from cli.webhooks import escape_controls
from local.cloud import Stack
from local.partners import SENDERS
from local.progress import LocalCloudError
from tests.support.template import ROOT

DOCUMENT = (ROOT / "docs/operations.md").read_text()


def commands(group: click.Group = root, *before: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join([*before, name]), command


COMMANDS = dict(commands())
EACH_COMMAND = pytest.mark.parametrize("name", COMMANDS)


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No installation is named, and no local cloud is running."""
    for name in ("PRESSROOM_STACK", "PRESSROOM_API_URL", "PRESSROOM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PRESSROOM_STATE_DIR", str(tmp_path))


@EACH_COMMAND
def test_every_command_has_the_common_options(name: str) -> None:
    given = {option for each in COMMANDS[name].params for option in each.opts}
    assert {"--json", "--stack", "--api-url"} <= given


@EACH_COMMAND
def test_every_command_and_option_has_a_help_text(name: str) -> None:
    assert COMMANDS[name].help
    for each in COMMANDS[name].params:
        assert isinstance(each, click.Argument) or (isinstance(each, click.Option) and each.help), each.name


@EACH_COMMAND
def test_the_document_has_every_command(name: str) -> None:
    assert name in documented()


def test_the_document_has_no_other_command() -> None:
    assert documented() - set(COMMANDS) == set()


def documented() -> set[str]:
    """Return the commands in the first column of the document's table, without their placeholders."""
    cells = re.findall(r"^\| (`[a-z][^|]*) \|", section(), re.MULTILINE)
    typed = [re.match(r"[a-z -]*", each) for cell in cells for each in re.findall(r"`(.+?)`", cell)]
    words = [each[0].split() for each in typed if each]
    return {" ".join(each[:2]) if isinstance(root.commands[each[0]], click.Group) else each[0] for each in words}


def section() -> str:
    return DOCUMENT.partition("## Command line\n")[2].partition("\n## ")[0]


def test_the_help_and_the_document_have_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for code in (0, NEGATIVE, USAGE, INCOMPLETE, UNREACHABLE, 130):
        assert re.search(rf"^ +{code} +\w", out, re.MULTILINE)
        assert f"| {code} |" in section()


@pytest.mark.parametrize(
    "typed",
    [
        ["order"],
        ["orders", "--status", "lost"],
        ["orders", "--limit", "0"],
        ["replay", "webhooks"],
        ["replay", "deliveries", "--since", "yesterday"],
        ["printful-webhook", "register", "--products", "5;12"],
        ["catalogue", "absent"],
        ["catalogue", "diff"],
        ["nothing"],
        ["orders", "--stack", "shop", "--api-url", "https://api.example"],
        ["orders", "--api-url", "http://api.example"],
        ["orders", "--api-url", "api.example"],
        ["orders", "--stack", ""],
        ["orders", "--api-url", ""],
        [],
    ],
)
def test_wrong_usage_has_exit_code_2(capsys: pytest.CaptureFixture[str], typed: list[str]) -> None:
    assert main(typed) == USAGE
    out, err = capsys.readouterr()
    assert (out, "Usage: pressroom" in err) == ("", True)


def test_without_a_stack_or_a_local_cloud_a_command_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["orders", "--json"]) == UNREACHABLE
    assert capsys.readouterr() == (
        "",
        "error: No local cloud is running, and no stack is given. Start one with `make up`, or give --stack NAME.\n",
    )


def test_an_option_overrides_the_variables_and_they_override_the_local_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    local = Stack("http://api.example", "http://localhost:4566", "here", "token", {}, {}, {})
    monkeypatch.setattr(Stack, "read", lambda _: local)
    assert find(None, None).title == "the local cloud"
    monkeypatch.setenv("PRESSROOM_STACK", "shop")
    assert find(None, None).title == "the stack shop"
    assert find("other", None).title == "the stack other"
    monkeypatch.setenv("PRESSROOM_TOKEN", "secret")
    assert find(None, "https://api.example/").api_url == "https://api.example"
    monkeypatch.setenv("PRESSROOM_API_URL", "https://api.example")
    with pytest.raises(click.UsageError, match="not both"):
        find(None, None)


def test_an_api_url_needs_a_token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable, match="PRESSROOM_TOKEN"):
        find(None, "https://api.example")


def test_ctrl_c_has_exit_code_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: Path) -> Stack:
        raise KeyboardInterrupt

    monkeypatch.setattr(Stack, "read", interrupt)
    assert main(["orders"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


def test_a_broken_local_cloud_has_exit_code_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> Any:
        raise LocalCloudError("It is broken.")

    monkeypatch.setattr(Stack, "client", broken)
    monkeypatch.setattr(Stack, "read", lambda _: Stack("http://a", "http://b", "here", "token", {}, {}, {}))
    assert main(["catalogue", "show"]) == UNREACHABLE
    assert capsys.readouterr().err == "error: It is broken.\n"


def test_the_launcher_works_from_any_folder(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PRESSROOM_STATE_DIR": str(tmp_path), "PYTHONPATH": "/nowhere"}
    (tmp_path / "cli").mkdir()  # a package of the same name in the working directory is not imported
    (tmp_path / "cli" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    launcher = ROOT / ".venv/bin/pressroom"
    ended = subprocess.run(
        [launcher, "orders"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (UNREACHABLE, "")
    assert ended.stderr.startswith("error: No local cloud is running")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('{"current": "a", "previous": "b"}', Secret(("a",), ("b",), well_formed=True)),
        ('{"current": ["a", "b"], "previous": ""}', Secret(("a", "b"), (), well_formed=True)),
        ('{"current": "a"}', Secret(("a",), (), well_formed=True)),
        ('{"current": "", "previous": ""}', Secret((), (), well_formed=True)),
        ('{"current": 7, "previous": "b"}', Secret((), ("b",), well_formed=False)),
        ('{"current": ["a", null]}', Secret((), (), well_formed=False)),
        ('"a"', Secret((), (), well_formed=False)),
        ("a", Secret((), (), well_formed=False)),
        ("", Secret((), (), well_formed=False)),
    ],
)
def test_a_secret_is_parsed_as_the_functions_parse_it(text: str, secret: Secret) -> None:
    assert Secret.of(text) == secret


@pytest.mark.parametrize(
    ("typed", "path", "text"),
    [("id=2001", ["id"], "2001"), ("a.0.b=x=y", ["a", "0", "b"], "x=y"), ("a=", ["a"], "")],
)
def test_a_change_has_a_path_and_a_value(typed: str, path: list[str], text: str) -> None:
    assert send.Change().convert(typed, None, None) == (path, text)


@pytest.mark.parametrize(
    ("before", "typed", "after"),
    [
        ('"3SCP1"', "12E45", '"12E45"'),
        ('"3SCP1"', "1.10", '"1.10"'),
        ('"3SCP1"', "null", "null"),
        ('"3SCP1"', '"x"', '"x"'),
        ('"3SCP1"', '{"a":1}', '{"a":1}'),
        ("1001", "2001", "2001"),
        ("1001", "W-1", '"W-1"'),
        ("1001", "2.5", "2.5"),
    ],
)
def test_a_changed_value_is_json_or_text_and_text_does_not_become_a_number(
    tmp_path: Path, before: str, typed: str, after: str
) -> None:
    file = tmp_path / "body.json"
    file.write_text(f'{{"a": {before}}}')
    camaloon = next(each for each in SENDERS if each.id == "camaloon")
    change = send.Change().convert(f"a={typed}", None, None)
    assert send.body_of(file, camaloon, camaloon.value, (change,)) == f'{{"a":{after}}}'.encode()


def test_a_sample_is_sent_byte_for_byte_without_changes(tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(b'{ "lines": [{"price": 27.80}],\n "apikey": "local-cloudprinter-apikey" }')
    cloudprinter = next(each for each in SENDERS if each.id == "cloudprinter")
    assert send.body_of(file, cloudprinter, cloudprinter.value, ()) == file.read_bytes()
    changes = ((["lines", "0", "sku"], "MUG"), (["lines", "0", "price"], "1"))
    assert (
        send.body_of(file, cloudprinter, "another", changes)
        == b'{"lines":[{"price":1,"sku":"MUG"}],"apikey":"another"}'
    )
    file.write_bytes(b"no json")
    assert send.body_of(file, cloudprinter, cloudprinter.value, ()) == b"no json"
    with pytest.raises(click.UsageError, match="is not JSON"):
        send.body_of(file, cloudprinter, "another", ())


@pytest.mark.parametrize(
    ("numbers", "drawn"), [([], ""), ([0, 0], "  "), ([0, 1, 1000], " ▁█"), ([4, 8, 2], "▄█▂"), ([5], "█")]
)
def test_a_sparkline_shows_every_number_above_zero(numbers: list[int], drawn: str) -> None:
    assert sparkline(numbers) == drawn


def printed(*shown: object) -> str:
    console = Console(file=io.StringIO(), width=120)
    for each in shown:
        console.print(each)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_output_can_not_move_the_cursor_or_set_colours() -> None:
    evil = "a\x1b[2Jb[red]c"
    assert "\x1b" not in printed(table(evil, {"x": "x"}, [{"x": evil}]), fields(evil, {"x": evil}), cell([evil]))
    assert "[red]" in printed(cell(evil))
    assert escape_controls("a\tb\n\x1b[2Jü\ud800") == "a\tb\n\\x1b[2Jü\\ud800"


def test_an_id_is_not_wrapped() -> None:
    row = {"order": "1" * 60, "delivery": "storefront-" + "f" * 32, "last error": "no answer " * 20}
    lines = printed(table("T", {each: each for each in row}, [row]))
    assert row["order"] in lines
    assert row["delivery"] in lines
    endless = printed(table("T", {"order": "order"}, [{"order": "2" * 500}]))
    assert endless.count("2") == 500


def test_a_table_leaves_out_empty_columns() -> None:
    rows: list[dict[str, Any]] = [{"a": "1", "b": None, "c": []}, {"a": None, "b": "", "c": []}]
    assert [line.split() for line in printed(table("T", {each: each for each in "abc"}, rows)).splitlines()] == [
        *(["T"], ["a"], ["1"], []),
    ]
    assert printed(table("T", {"a": "a"}, [])) == "T: none\n"


@pytest.mark.parametrize(("state", "is_shown"), [("changed", True), ("not_wanted", False)])
def test_differences_at_printful_are_shown_if_a_webhook_is_expected(state: str, is_shown: bool) -> None:
    text = printful_webhook.readable({"state": state, "differences": ["no URL is registered"]})
    assert text.startswith(printful_webhook.STATES[state])
    assert ("no URL is registered" in text) == is_shown


def test_an_id_is_quoted_as_one_segment_of_a_path() -> None:
    assert api.path("orders", "W/1 ü?#") == "/orders/W%252F1%20%C3%BC%253F%23"


def test_a_suggested_command_selects_the_same_installation() -> None:
    here = Stack("http://a", "http://b", "here", "token", {}, {}, {})
    places = Installation.deployed("shop"), Installation.local(here), Installation.of_api("https://a.example", "token")
    assert [each.typed("orders") for each in places] == [
        *("`pressroom orders --stack shop`", "`pressroom orders`", "`pressroom orders`"),
    ]


def test_an_empty_id_is_not_requested() -> None:
    with pytest.raises(NotFound):
        api.path("orders", "")


def test_an_invalid_url_or_token_is_a_readable_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["orders", "--api-url", "http://["]) == USAGE
    with socket.create_server(("127.0.0.1", 0)) as server:
        for token in ("€", "se\ncret"):
            monkeypatch.setenv("PRESSROOM_TOKEN", token)
            assert main(["orders", "--api-url", f"http://127.0.0.1:{server.getsockname()[1]}"]) == UNREACHABLE
            err = capsys.readouterr().err
            assert "The token contains characters" in err
            assert token not in err


def test_output_to_a_terminal_without_unicode_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", out)
    assert main(["send", "--list"]) == 0
    Console(file=out).print("ü")
    out.flush()
    assert out.buffer.getvalue().endswith(b"\\xfc\n")


def test_a_body_may_come_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (camaloon,) = (each for each in SENDERS if each.id == "camaloon")
    assert send._source(camaloon, "shipment_sent", "", pipe) == pipe


def test_the_actor_is_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "märta" * 30)
    assert api.actor().startswith(r"cli:m\xe4rta")
    assert len(api.actor()) == api.LONGEST_ACTOR

    def nobody() -> str:
        raise OSError

    monkeypatch.setattr("getpass.getuser", nobody)
    assert api.actor() == "cli:nobody"


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("12.5", "EUR", "12.50 EUR"),
        ("1200.00", "JPY", "1,200 JPY"),
        ("12.3455", "KWD", "12.346 KWD"),
        ("7", None, "7.00"),
        ("-0.5", "USD", "-0.50 USD"),
        (None, "EUR", None),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount: str | None, currency: str | None, shown: str | None) -> None:
    assert money(amount, currency) == shown
