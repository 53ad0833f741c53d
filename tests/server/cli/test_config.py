"""`strategy-bank config`, and servers and commands that read the file it keeps."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes.raw_server import raw_server
from tests.support.shell import PROGRAM, Shell

KEPT = "# my endpoint\nllm_model = 'small'  # the cheap one\n\n# for later\n"


@pytest.fixture
def shell(home: Path, environment: dict[str, str]) -> Shell:
    return Shell(home, environment)


@pytest.fixture
def file(home: Path) -> Path:
    return home / "config.toml"


def editor(folder: Path, code: str) -> str:
    """The command of an editor that runs Python code on `text`."""
    script = folder / "editor.py"
    script.write_text(
        f"import sys, pathlib\nf = pathlib.Path(sys.argv[1])\ntext = f.read_text()\n{code}\nf.write_text(text)"
    )
    return f"{sys.executable} {script}"


def test_every_setting_is_shown_with_where_it_comes_from_and_secrets_are_masked(shell: Shell, file: Path) -> None:
    file.write_text('judge = "agent"\nllm_model = "small"\nllm_api_key = "sk-very-secret"\ncodex_home = "/c"\n')
    variables = {
        "STRATEGY_BANK_LLM_MODEL": "large",
        "STRATEGY_BANK_LLM_BASE_URL": "https://me:hidden@host/v1",
        "CODEX_HOME": "/other",
        "CLAUDE_CONFIG_DIR": "/claude",
    }
    shown = shell("config", "--scope", "shop", **variables).stdout
    assert "very-secret" not in shown
    assert "hidden" not in shown
    rows = {row[0]: row[1:] for row in (line.split() for line in shown.splitlines()) if len(row) > 2}
    assert rows["judge"] == ["agent", "config.toml"]
    assert rows["llm_model"] == ["large", "STRATEGY_BANK_LLM_MODEL"]
    assert rows["llm_api_key"] == ["(set)", "config.toml"]
    assert rows["scope"] == ["shop", "--scope"]
    assert rows["codex_home"] == ["/c", "config.toml"]
    assert rows["claude_home"] == ["/claude", "CLAUDE_CONFIG_DIR"]
    assert rows["lock_timeout"] == ["30.0", "default"]


def test_a_script_gets_values_and_origins(shell: Shell, file: Path) -> None:
    file.write_text("transcripts = false\n")
    shown = shell.json("config")
    assert (shown["file"], shown["exists"]) == (str(file), True)
    assert shown["settings"]["transcripts"] == {"value": "false", "source": "file", "name": f"transcripts in {file}"}
    assert shown["settings"]["home"]["source"] == "environment"
    assert shown["settings"]["llm_api_key"] == {"value": None, "source": "default", "name": "default"}


def test_set_changes_one_value_and_leaves_comments_and_order(shell: Shell, file: Path) -> None:
    file.write_text(KEPT)
    shell("config", "set", "llm_model", "large")
    shell("config", "set", "lock_timeout", "60")
    shell("config", "set", "transcripts", "no")
    text = file.read_text()
    assert text.startswith('# my endpoint\nllm_model = "large"  # the cheap one\n\n# for later\n')
    assert text.endswith("lock_timeout = 60.0\ntranscripts = false\n")
    assert shell.json("config")["settings"]["lock_timeout"]["value"] == "60.0"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_unset_removes_the_value_only(shell: Shell, file: Path) -> None:
    file.write_text(KEPT + "lock_timeout = 60\n")
    shell("config", "unset", "lock_timeout")
    assert file.read_text() == KEPT
    assert "lock_timeout is not set in" in shell("config", "unset", "lock_timeout", code=1).stderr


def test_a_file_is_made_in_a_home_that_is_not_there_yet(shell: Shell, tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    shell("config", "--home", str(home), "set", "judge", "agent")
    assert (home / "config.toml").read_text() == 'judge = "agent"\n'
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert shell("config", "path", "--home", str(home)).stdout == f"{home / 'config.toml'}\n"


def test_a_linked_file_stays_a_link(shell: Shell, file: Path, tmp_path: Path) -> None:
    (tmp_path / "dotfiles.toml").touch()
    file.symlink_to(tmp_path / "dotfiles.toml")
    shell("config", "set", "judge", "agent")
    assert (tmp_path / "dotfiles.toml").read_text() == 'judge = "agent"\n'
    assert file.is_symlink()


def test_a_key_can_come_from_a_pipe_and_is_not_repeated(shell: Shell, file: Path) -> None:
    result = shell("config", "set", "llm_api_key", "-", input="sk-very-secret\n")
    assert 'llm_api_key = "sk-very-secret"' in file.read_text()
    assert "very-secret" not in result.output


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("judge", "oracle", "judge: Input should be 'auto', 'agent' or 'endpoint'"),
        ("judge", "endpoint", "judge = endpoint needs llm_model"),
        ("lock_timeout", "0", "lock_timeout: Input should be greater than 0"),
        ("home", "/elsewhere", "Use --home or STRATEGY_BANK_HOME"),
        ("jugde", "agent", "There is no setting 'jugde'. The settings are home, uri"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_written(
    shell: Shell, file: Path, name: str, value: str, said: str
) -> None:
    assert said in shell("config", "set", name, value, code=1).stderr
    assert not file.exists()


def test_a_file_with_a_wrong_value_can_be_mended_by_set_and_unset(shell: Shell, file: Path) -> None:
    file.write_text('judge = "oracle"\nlock_timeout = 0\n')
    told = shell("stats", code=1).stderr
    assert f"judge in {file}: " in told
    assert "`strategy-bank config unset lock_timeout`" in told
    shell("config", "set", "judge", "agent")
    shell("config", "unset", "lock_timeout")
    assert file.read_text() == 'judge = "agent"\n'


def test_a_value_that_a_variable_overrides_is_checked_all_the_same_and_said_to_have_no_effect(shell: Shell) -> None:
    variable = {"STRATEGY_BANK_LOCK_TIMEOUT": "5"}
    assert "greater than 0" in shell("config", "set", "lock_timeout", "0", code=1, **variable).stderr
    assert "STRATEGY_BANK_LOCK_TIMEOUT goes before it" in shell("config", "set", "lock_timeout", "9", **variable).stderr


def test_edit_offers_every_setting_in_a_new_file_and_checks_what_was_saved(
    shell: Shell, file: Path, tmp_path: Path
) -> None:
    uncomment = editor(tmp_path, "text = text.replace('# judge = \"auto\"', 'judge = \"agent\"')")
    assert "is valid" in shell("config", "edit", VISUAL=uncomment).stderr
    assert shell.json("config")["settings"]["judge"]["value"] == "agent"
    assert "\n# lock_timeout = 30.0\n" in file.read_text()
    wrong = shell("config", "edit", code=1, VISUAL=editor(tmp_path, "text += 'lock_timeout = 0\\n'"))
    assert "a server would not start with it. lock_timeout in" in wrong.stderr
    no_toml = shell("config", "edit", code=1, VISUAL=editor(tmp_path, "text = 'judge agent'"))
    assert "is not valid TOML" in no_toml.stderr
    unknown = shell("config", "edit", VISUAL=editor(tmp_path, "text = 'jugde = 1'"))
    assert "is unknown and ignored" in unknown.stderr


def test_the_template_of_a_new_file_is_valid_when_every_comment_sign_is_removed(
    shell: Shell, file: Path, tmp_path: Path
) -> None:
    code = "import re\ntext = re.sub('(?m)^# (?=[a-z_0-9]+ = )', '', text)"
    assert "is valid" in shell("config", "edit", VISUAL=editor(tmp_path, code)).stderr
    assert 'claude_home = "~/.claude"' in file.read_text().splitlines()


@pytest.mark.slow
def test_a_server_reads_the_file_and_a_variable_goes_before_it(
    home: Path, file: Path, environment: dict[str, str]
) -> None:
    del environment["STRATEGY_BANK_SCOPE"]
    file.write_text('scope = "from the file"\n')
    for changes, scope in (
        ({}, "from the file"),
        ({"STRATEGY_BANK_SCOPE": "from the environment"}, "from the environment"),
    ):
        with raw_server(environment | changes) as server:
            server.initialize()
            id = server.report(json.dumps(f"pytest: 3 passed, {scope}"))["structuredContent"]["episode_id"]
        assert Shell(home, environment).json("show", id)["scope"] == scope


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'judge = "agent"\nscope shop\n', "config.toml is not valid TOML: "),
        (b'judge = "agent"\nscope shop\n', "(at line 2, column 7). Correct it with `strategy-bank config edit`."),
        ('scope = "über"'.encode("utf-16"), "config.toml is not UTF-8 text (byte 0). Save it as UTF-8."),
        (b"lock_timeout = 0", "config.toml: Input should be greater than 0. Correct it with `strategy-bank config set"),
    ],
)
def test_a_server_with_a_broken_file_says_where_and_what_to_do(
    file: Path, environment: dict[str, str], content: bytes, said: str
) -> None:
    file.write_bytes(content)
    done = subprocess.run([*PROGRAM, "serve"], env=environment, capture_output=True, text=True, input="", timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def test_doctor_warns_of_a_secret_that_others_may_read(shell: Shell, file: Path) -> None:
    file.write_text('llm_api_key = "sk-very-secret"\n')
    file.chmod(0o644)
    found = shell("doctor").stdout
    assert f"chmod 600 '{file}'" in found
    assert "very-secret" not in found
    shell("config", "set", "judge", "agent")
    assert "chmod 600" not in shell("doctor").stdout


def test_doctor_names_the_file_in_force_and_what_is_wrong_with_it(shell: Shell, file: Path) -> None:
    file.write_text("jugde = 1\n")
    findings = shell.json("doctor")["findings"]
    assert f"jugde in {file} is unknown and ignored" in [each["found"] for each in findings]
    assert next(each["found"] for each in findings if each["about"] == "config file").startswith(f"read from {file}")
    file.write_text("judge\n")
    broken = shell("doctor", "--json", code=1).stdout
    assert f"{file} is not valid TOML" in broken
