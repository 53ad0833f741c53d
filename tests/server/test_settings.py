"""Settings come from the command line, the environment that is passed in and `config.toml`, and from nowhere else."""

from pathlib import Path

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import InvalidInput


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default home is empty, whatever the developer keeps there."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.read({})
    assert settings.judge == "auto"
    assert not settings.uses_endpoint
    assert settings.home.name == "strategy-bank"


def test_variables_are_read_and_empty_ones_count_as_unset(tmp_path: Path) -> None:
    settings = Settings.read(
        {"STRATEGY_BANK_HOME": str(tmp_path), "STRATEGY_BANK_JUDGE": "AGENT", "STRATEGY_BANK_SCOPE": "", "HOME": "/x"}
    )
    assert (settings.home, settings.judge, settings.scope) == (tmp_path, "agent", "")


def test_a_model_makes_auto_the_endpoint() -> None:
    assert Settings.read({"STRATEGY_BANK_LLM_MODEL": "m"}).uses_endpoint
    assert not Settings.read({"STRATEGY_BANK_LLM_MODEL": "m", "STRATEGY_BANK_JUDGE": "agent"}).uses_endpoint


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STRATEGY_BANK_JUDGE", "oracle"),
        ("STRATEGY_BANK_LLM_TIMEOUT", "0"),
        ("STRATEGY_BANK_LLM_TIMEOUT", "soon"),
        ("STRATEGY_BANK_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(variable: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=variable):
        Settings.read({variable: value})


def test_the_judge_that_was_removed_is_refused_with_those_that_took_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"STRATEGY_BANK_JUDGE: .*removed.* agent .* endpoint"):
        Settings.read({"STRATEGY_BANK_JUDGE": "Sampling"})


def test_an_endpoint_without_a_model_is_refused() -> None:
    with pytest.raises(InvalidInput, match="STRATEGY_BANK_LLM_MODEL"):
        Settings.read({"STRATEGY_BANK_JUDGE": "endpoint"})


def test_an_unknown_variable_is_logged_and_ignored(caplog: pytest.LogCaptureFixture) -> None:
    Settings.read({"STRATEGY_BANK_JUDGGE": "agent"})
    assert "STRATEGY_BANK_JUDGGE" in caplog.text


def test_the_key_is_masked() -> None:
    settings = Settings.read({"STRATEGY_BANK_LLM_API_KEY": "sk-very-secret"})
    assert "very-secret" not in repr(settings)


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'scope = "file"\njudge = "AGENT"\nlock_timeout = 5\nhttp_hosts = ""\n', "utf-8"
    )
    environment = {"STRATEGY_BANK_SCOPE": "variable", "STRATEGY_BANK_LOCK_TIMEOUT": "6", "STRATEGY_BANK_JUDGE": ""}
    settings = Settings.read(environment, tmp_path, "option")
    assert (settings.scope, settings.lock_timeout, settings.judge) == ("option", 6, "agent")
    assert Settings.read(environment, tmp_path).scope == "variable"
    assert Settings.read({}, tmp_path).scope == "file"


def test_the_file_cannot_move_the_home_it_lies_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "config.toml").write_text('home = "/elsewhere"\njugde = "agent"\n')
    assert Settings.read({"STRATEGY_BANK_HOME": str(tmp_path)}).home == tmp_path
    assert "use --home or STRATEGY_BANK_HOME" in caplog.text
    assert f"jugde in {tmp_path / 'config.toml'} is unknown and ignored" in caplog.text


def test_a_file_with_a_byte_order_mark_and_the_line_ends_of_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes('scope = "größe"\r\njudge = "agent"\r\n'.encode("utf-8-sig"))
    assert Settings.read({}, tmp_path).scope == "größe"


def test_a_file_that_is_a_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(InvalidInput, match=r"config\.toml cannot be read: .* move it out of the way"):
        Settings.read({}, tmp_path)
