"""Folders and scopes as clients and people write them: expanded where that is certain, else refused in words."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import InvalidInput
from tests.support.shell import PROGRAM, Shell

HOMES = [
    "${HOME}/bank",
    "$HOME/bank",
    "$HOME//bank/",
    "${env:HOME}/bank",
    "$env:HOME/bank",
    "%HOME%\\bank",
    "%USERPROFILE%\\bank",
    "${userHome}/bank",
    "~/bank",
    "  ~/bank\n",
    "~/x/../bank",
    "${BANKS}",
    "$BANKS",
]
NO_HOMES = [
    ("${workspaceFolder}/.bank", "${workspaceFolder}"),
    ("${user_config.home}", "${user_config.home}"),
    ("${env:NOTHING}/bank", "${env:NOTHING}"),
    ("${EMPTY}/bank", "${EMPTY}"),
    ("$NOTHING/bank", "$NOTHING"),
    ("%LOCALAPPDATA%\\bank", "%LOCALAPPDATA%"),
    ("${HOME:-/tmp}/bank", "${HOME:-/tmp}"),
    ("${HOME", "${HOME"),
    ("$(pwd)/bank", "$(pwd)"),
    ("{{home}}/bank", "{{home}}"),
    ("/srv/${HOST}/bank", "${HOST}"),
    ("${command:pickFolder}", "${command:pickFolder}"),
    (".bank", "is relative"),
    ("bank", "is relative"),
    ("./bank", "is relative"),
    ("..", "is relative"),
    ("C:\\Users\\me\\bank", "is relative"),
    ("file:///srv/bank", "is relative"),
    ("~nosuchuser/bank", "a user who is not there"),
    ("~nosuchuser", "a user who is not there"),
    ("${SELF}", "${SELF}"),
]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of a user whose home is empty; that is also where `~` leads to."""
    home = tmp_path / "me"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    return {"HOME": str(home), "USERPROFILE": str(home), "BANKS": f"{home}/bank", "EMPTY": " ", "SELF": "${SELF}"}


def by_variable(environment: dict[str, str], written: str) -> Settings:
    return Settings.read(environment | {"STRATEGY_BANK_HOME": written})


def by_option(environment: dict[str, str], written: str) -> Settings:
    return Settings.read(environment, Path(written))


@pytest.mark.skipif(os.name != "posix", reason="the paths are those of this system")
@pytest.mark.parametrize("given", [by_variable, by_option])
@pytest.mark.parametrize("written", HOMES)
def test_a_home_is_expanded_where_its_variable_is_set(
    environment: dict[str, str], given: Callable[..., Settings], written: str
) -> None:
    settings = given(environment, written)
    assert settings.home == settings.location.home == Path(environment["BANKS"])


@pytest.mark.parametrize(("written", "said"), NO_HOMES)
def test_a_home_that_is_not_certain_is_refused_with_what_to_write(
    environment: dict[str, str], written: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        by_variable(environment, written)
    assert str(refused.value).startswith(f"STRATEGY_BANK_HOME: {written.strip()}")
    assert said in str(refused.value)
    assert "write it in full, such as" in str(refused.value)


@pytest.mark.parametrize(("written", "said"), [each for each in NO_HOMES if each[1] != "is relative"])
def test_on_the_command_line_too_but_there_a_relative_folder_is_one_of_here(
    environment: dict[str, str], written: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=r"^--home: ") as refused:
        by_option(environment, written)
    assert said in str(refused.value)
    assert by_option(environment, "x/../.bank").home == Path(environment["HOME"], ".bank")


def test_blanks_are_as_if_nothing_were_set(environment: dict[str, str]) -> None:
    names = ("HOME", "SCOPE", "URI", "CLAUDE_HOME", "LLM_MODEL", "LLM_TIMEOUT", "JUDGE", "HTTP_TOKEN")
    blank = {f"STRATEGY_BANK_{name}": " \t" for name in names} | {"CODEX_HOME": "  "}
    assert Settings.read(environment | blank, None, "  ") == Settings.read(environment)


@pytest.mark.parametrize("variable", ["STRATEGY_BANK_URI", "STRATEGY_BANK_CLAUDE_HOME", "STRATEGY_BANK_GEMINI_HOME"])
def test_other_folders_are_held_to_the_same(environment: dict[str, str], variable: str) -> None:
    field = variable.removeprefix("STRATEGY_BANK_").lower()
    assert str(getattr(Settings.read(environment | {variable: "${HOME}/x"}), field)) == f"{environment['HOME']}/x"
    for wrong in ("${workspaceFolder}/x", "x", "~nosuchuser/x"):
        with pytest.raises(InvalidInput, match=rf"^{variable}: .*write it in full"):
            Settings.read(environment | {variable: wrong})


def test_addresses_are_no_folders(environment: dict[str, str]) -> None:
    for address in ("s3://bucket/a%20b", "file:///srv/bank", "az://$web/bank" if os.name == "nt" else "gs://b/c"):
        assert Settings.read(environment | {"STRATEGY_BANK_URI": address}).uri == address
    assert Settings.read(environment | {"STRATEGY_BANK_URI": "s3://${BUCKET}/x", "BUCKET": "b"}).uri == "s3://b/x"
    with pytest.raises(InvalidInput, match=r"^STRATEGY_BANK_URI: .*BUCKET"):
        Settings.read(environment | {"STRATEGY_BANK_URI": "s3://${BUCKET}/x"})


def test_a_clients_own_variable_is_taken_from_where_it_is_started(environment: dict[str, str]) -> None:
    settings = Settings.read(environment | {"CLAUDE_CONFIG_DIR": ".claude", "CODEX_HOME": "~/c"})
    assert settings.claude_home == Path(environment["HOME"], ".claude")
    assert settings.codex_home == Path(environment["HOME"], "c")
    with pytest.raises(InvalidInput, match=r"^CODEX_HOME: "):
        Settings.read(environment | {"CODEX_HOME": "${workspaceFolder}"})


@pytest.mark.parametrize("scope", ["${workspaceFolderBasename}", "%PROJECT%", "$PROJECT", "a-${x}", "{{project}}"])
def test_a_scope_that_nobody_expanded_is_refused(environment: dict[str, str], scope: str) -> None:
    with pytest.raises(InvalidInput, match=r"^STRATEGY_BANK_SCOPE: "):
        Settings.read(environment | {"STRATEGY_BANK_SCOPE": scope})
    with pytest.raises(InvalidInput, match=r"^--scope: "):
        Settings.read(environment, None, scope)
    assert Settings.read(environment | {"STRATEGY_BANK_SCOPE": "$PROJECT", "PROJECT": "shop"}).scope == "shop"


def test_a_server_says_so_and_makes_no_folder(environment: dict[str, str]) -> None:
    """Over standard input and output, as a client starts it."""
    before = sorted(Path.cwd().iterdir())
    for wrong in ("${workspaceFolder}/.bank", ".bank", "~nosuchuser", "${user_config.home}"):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STRATEGY_BANK_")}
        ran = subprocess.run(
            [*PROGRAM, "serve"],
            env=inherited | {"STRATEGY_BANK_HOME": wrong},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 1
        assert f"STRATEGY_BANK_HOME: {wrong}" in ran.stderr
        assert "Traceback" not in ran.stderr
    assert sorted(Path.cwd().iterdir()) == before


def test_every_command_says_so_and_doctor_finds_it(environment: dict[str, str]) -> None:
    shell = Shell(Path("${workspaceFolder}/.bank"), {})
    for words in (["list"], ["config"], ["config", "path"], ["recall", "x"], ["doctor"]):
        assert "holds ${workspaceFolder}" in shell(*words, code=1).output
    assert "fail settings" in shell("doctor", code=1).stdout
    assert "holds ${workspaceFolder}" in shell("doctor", code=1).stdout
    assert not list(Path.cwd().glob("*workspace*"))


def test_an_empty_option_is_as_if_it_were_not_there(environment: dict[str, str]) -> None:
    shell = Shell(Path(environment["BANKS"]), {})
    assert shell("--home", "", "--scope", " ", "config", "path").stdout.strip() == f"{environment['BANKS']}/config.toml"


def test_connect_writes_a_folder_in_full(environment: dict[str, str]) -> None:
    (Path.cwd() / ".cursor").mkdir()
    shell = Shell(Path(environment["BANKS"]), {})
    shell("connect", "cursor", "--yes", "--home", "~/other")
    assert f'"{environment["HOME"]}/other"' in (Path.cwd() / ".cursor" / "mcp.json").read_text("utf-8")
    shell("connect", "cursor", "--yes", "--home", "~nosuchuser/x", code=1)


def test_a_home_folder_that_is_set_to_nothing_is_not_the_root(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "")
    with pytest.raises(InvalidInput, match="HOME is set to nothing"):
        Settings.read(environment | {"HOME": "", "STRATEGY_BANK_HOME": "~/bank"})


def test_two_slashes_at_the_front_are_one(environment: dict[str, str]) -> None:
    assert Settings.read(environment | {"STRATEGY_BANK_HOME": "//srv/bank/./"}).home == Path("/srv/bank")
