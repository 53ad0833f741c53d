"""All settings, read once: from the command line, the environment, `config.toml` in the home folder, or their defaults."""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from platformdirs import user_data_path
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from strategy_bank.server.config_file import CONFIG, parse_config
from strategy_bank.server.written_path import in_full, with_variables
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.location import Location
from strategy_bank.store.records import Trust
from strategy_bank.store.user_home import expanded

if TYPE_CHECKING:
    from strategy_bank.tools.transcripts.files import Folders

PREFIX = "STRATEGY_BANK_"
# field → the client's own variable for its folder, and the folder below what that variable names
_CLIENT_VARIABLES = {
    "claude_home": ("CLAUDE_CONFIG_DIR", ""),
    "codex_home": ("CODEX_HOME", ""),
    "gemini_home": ("GEMINI_CLI_HOME", ".gemini"),
}
# in which clients say what is open: Cursor, perhaps several folders; Claude Code
_PROJECT_VARIABLES = ("WORKSPACE_FOLDER_PATHS", "CLAUDE_PROJECT_DIR")
Source = Literal["command line", "environment", "file", "default"]
_ADVICE = {
    "command line": "Give another value.",
    "environment": "Correct the variable, or unset it.",
    "default": f"Set {PREFIX}HOME to a folder.",
    "file": "Correct it with `strategy-bank config set {field} VALUE`, or remove it with `strategy-bank config unset {field}`.",
}
_PATHS = ("home", "uri", *_CLIENT_VARIABLES)
_OWN_VARIABLES = [name for name, _ in _CLIENT_VARIABLES.values()]  # a client reads its own from where it is started
logger = logging.getLogger(__name__)


def default_home() -> Path:
    """Return the folder of the bank where none is given. Raises InvalidInput where this user has no folder."""
    try:
        return user_data_path("strategy-bank", appauthor=False)
    except (RuntimeError, KeyError) as exc:
        raise InvalidInput(
            f"There is no place for the bank: HOME is not set, and this user has no entry in passwd. Set {PREFIX}HOME to a "
            "folder that this user can write to."
        ) from exc


def config_path(environment: Mapping[str, str], home: Path | None) -> Path:
    """Return where `config.toml` lies. It is in the home, so it cannot move the home. Raises InvalidInput."""
    given = _given_home(environment, home)
    if given.problem:
        raise InvalidInput(_problem("home", given, given.problem))
    return Path(given.value) / CONFIG


class Settings(BaseModel):
    """The settings in force. Each field is a key of `config.toml` and the environment variable `STRATEGY_BANK_<FIELD>`."""

    model_config = ConfigDict(frozen=True)

    home: Path = Field(default_factory=default_home, description="Folder of the bank, the models and config.toml")
    uri: str = Field("", description="Another place for the tables: a folder, s3://…, gs://…, az://…, db://…")
    db_api_key: SecretStr | None = Field(None, description="Key of LanceDB Cloud or Enterprise, for db://…")
    db_host: str = Field("", description="Address of LanceDB Enterprise; default: LanceDB Cloud's")
    scope: str = Field("", max_length=200, description="Scope of all work; default: that of the caller's project")
    other_scopes: bool = Field(
        False, description="Whether an agent may name another scope than its project's, to read and to write there"
    )
    projects_apart: bool = Field(
        False, description="Whether each project keeps its lessons: none gets global but by a person"
    )
    hold_out: int = Field(
        0,
        ge=0,
        le=1000,
        description="One recall in so many leaves out one strategy that fits, to compare; 0: none does",
    )
    trust: Trust = Field(
        "flagged",
        description="What is recalled before a person has let it in: auto: all but orders; flagged: not what may do harm; "
        "approve: nothing new",
    )
    project: str = Field("", description="Folder of the project, for clients that put it there: ${workspaceFolder}")
    judge: Literal["auto", "agent", "endpoint"] = Field(
        "auto", description="Who judges: auto is the endpoint if configured, else the agent"
    )
    llm_base_url: str = Field("", description="OpenAI-compatible endpoint; default: the openai library's")
    llm_model: str = Field("", description="Model of the endpoint")
    llm_api_key: SecretStr | None = Field(None, description="Key of the endpoint; default: none")
    llm_timeout: float = Field(60.0, gt=0, le=3600, description="Seconds for one answer of the endpoint")
    lock_timeout: float = Field(30.0, gt=0, le=600, description="Seconds to wait for another process's write")
    http_token: SecretStr | None = Field(
        None, min_length=16, description="Token of `serve --http`; default: one is made and kept in the home"
    )
    http_hosts: str = Field("", description="Host names of `serve --http` besides localhost, with commas")
    http_page: Literal["off", "read", "decide"] = Field(
        "off", description="Whether `serve --http` has the page at /: off, read (nothing can be changed) or decide"
    )
    transcripts: bool = Field(
        True, description="Whether a report may name a transcript of Claude Code, Codex or Gemini CLI to be read"
    )
    claude_home: Path = Field(
        Path("~/.claude"), description="Claude Code's folder; default: CLAUDE_CONFIG_DIR, else ~/.claude"
    )
    codex_home: Path = Field(Path("~/.codex"), description="Codex's folder; default: CODEX_HOME, else ~/.codex")
    gemini_home: Path = Field(
        Path("~/.gemini"), description="Gemini CLI's; default: GEMINI_CLI_HOME/.gemini, else ~/.gemini"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("WARNING", description="What is logged to stderr")

    @field_validator("judge", mode="before")
    @classmethod
    def _normalize_judge(cls, judge: object) -> object:
        name = judge.lower() if isinstance(judge, str) else judge
        if name == "sampling":  # deprecated by the protocol; people have it in their configuration
            raise ValueError(
                "sampling was removed; use agent (the connected agent judges) or endpoint (your own model)"
            )
        return name

    @field_validator("log_level", mode="before")
    @classmethod
    def _normalize_log_level(cls, level: object) -> object:
        return level.upper() if isinstance(level, str) else level

    @model_validator(mode="after")
    def _check_together(self) -> "Settings":
        if self.uri.startswith("db://") and not self.db_api_key:
            raise ValueError(f"uri = {self.uri} needs {_named('db_api_key')}, and db_host for LanceDB Enterprise")
        if self.judge == "endpoint" and not self.llm_model:
            raise ValueError(
                f"judge = endpoint needs {_named('llm_model')}, and llm_base_url and llm_api_key where it asks for them"
            )
        return self

    @classmethod
    def read(cls, environment: Mapping[str, str], home: Path | None = None, scope: str | None = None) -> "Settings":
        """Return the settings of the command line, this environment and `config.toml`. Raises InvalidInput."""
        return Sources.gather(environment, home, scope).settings()

    @property
    def location(self) -> Location:
        key = self.db_api_key.get_secret_value() if self.db_api_key else ""
        return Location(expanded(self.home), self.uri, self.lock_timeout, key, self.db_host, self.projects_apart)

    @property
    def folders(self) -> "Folders":
        from strategy_bank.tools.transcripts.files import Folders

        claude, codex, gemini = map(expanded, (self.claude_home, self.codex_home, self.gemini_home))
        return Folders(claude / "projects", codex / "sessions", gemini / "tmp", codex / "archived_sessions")

    @property
    def uses_endpoint(self) -> bool:
        return self.judge == "endpoint" or (self.judge == "auto" and bool(self.llm_model))

    @property
    def project_folders(self) -> list[str]:
        """The folders of the project, as far as a client has expanded and said them."""
        return [each.strip(' "[]') for each in re.split(r",|\n", self.project) if "${" not in each]


@dataclass(frozen=True)
class Given:
    """One value that takes the place of a default. `name` is what a user calls its origin, such as `STRATEGY_BANK_JUDGE`."""

    value: Any
    source: Source
    name: str
    problem: str = ""

    @property
    def says_something(self) -> bool:
        return self.value is not None and str(self.value).strip() != ""

    def in_full(self, field: str, environment: Mapping[str, str]) -> "Given":
        """Return it with its path or scope in full, and with the problem where it has none."""
        if not isinstance(self.value, str | Path) or field not in (*_PATHS, "scope"):
            return self
        is_path = field in _PATHS and not (field == "uri" and "://" in str(self.value))
        base = Path.cwd() if self.name in ("--home", *_OWN_VARIABLES) else None
        try:
            value = (
                in_full(str(self.value), environment, base) if is_path else with_variables(str(self.value), environment)
            )
        except ValueError as exc:
            return replace(self, problem=str(exc))
        return replace(self, value=value)


@dataclass(frozen=True)
class Sources:
    """Holds what was given for the settings, by field, and a sentence about everything that was given but is ignored."""

    file: Path
    given: dict[str, Given]
    ignored: list[str]

    @classmethod
    def gather(
        cls,
        environment: Mapping[str, str],
        home: Path | None = None,
        scope: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> "Sources":
        """Collect what is given; an empty value counts as not given. `config` stands in for the contents of the file.

        Raises:
            InvalidInput: `config.toml` cannot be read.
        """
        its_home = _given_home(environment, home)
        file = Path(its_home.value) / CONFIG
        keys = {} if its_home.problem else parse_config(file) if config is None else config
        in_order = [  # the clients' own variables stand for defaults, so everything else goes before them
            *(
                (field, Given(environment.get(name) and Path(environment[name], folder), "environment", name))
                for field, (name, folder) in _CLIENT_VARIABLES.items()
            ),
            *(("project", Given(environment.get(name), "environment", name)) for name in _PROJECT_VARIABLES),
            *((key, Given(value, "file", f"{key} in {file}")) for key, value in keys.items() if key != "home"),
            *(
                (name.removeprefix(PREFIX).lower(), Given(value, "environment", name))
                for name, value in environment.items()
                if name.startswith(PREFIX)
            ),
            ("home", its_home),
            ("scope", Given(scope, "command line", "--scope")),
        ]
        given = {field: each.in_full(field, environment) for field, each in in_order if each.says_something}
        ignored = [f"{each.name} is unknown and ignored" for field, each in given.items() if field not in FIELDS]
        if "home" in keys:
            ignored.append(f"home in {file} is ignored, since the file lies in the home; use --home or {PREFIX}HOME")
        return cls(file, {field: each for field, each in given.items() if field in FIELDS}, sorted(ignored))

    def settings(self) -> Settings:
        """Return the settings, and log what is ignored.

        Raises:
            InvalidInput: a value is wrong. The message names the option, the variable, or the file and its key.
        """
        for ignored in self.ignored:
            logger.warning(ignored)
        if problems := self.problems():
            raise InvalidInput(" ".join(problems))
        return Settings.model_validate({name: given.value for name, given in self.given.items()})

    def problems(self) -> list[str]:
        """Return what is wrong, each with what to do about it."""
        if wrong := [_problem(field, each, each.problem) for field, each in self.given.items() if each.problem]:
            return wrong
        try:
            Settings.model_validate({name: given.value for name, given in self.given.items()})
        except ValidationError as exc:
            errors = [(str(error["loc"][0]) if error["loc"] else "", error["msg"]) for error in exc.errors()]
            return [_problem(field, self.given.get(field), message) for field, message in errors]
        return []


def _given_home(environment: Mapping[str, str], home: Path | None) -> Given:
    """Return the home that counts, in full."""
    variable = f"{PREFIX}HOME"
    given = [Given(home, "command line", "--home"), Given(environment.get(variable), "environment", variable)]
    found = next((each for each in given if each.says_something), None)
    return (found or Given(default_home(), "default", "The default home")).in_full("home", environment)


def _problem(field: str, given: Given | None, message: str) -> str:
    said = message.removeprefix("Value error, ")
    if given is None:
        return f"{said}."
    return f"{given.name}: {said}. {_ADVICE[given.source].format(field=field)}"


FIELDS = Settings.model_fields


def parsed(field: str, text: str) -> bool | float | str:
    """Return the TOML value that `text` means for a field. Raises InvalidInput where it means none."""
    given = Sources(Path(), {field: Given(text, "command line", field).in_full(field, os.environ)}, [])
    if problems := [problem for problem in given.problems() if problem.startswith(f"{field}: ")]:
        raise InvalidInput(" ".join(problems))
    default = FIELDS[field].default
    return TypeAdapter(type(default)).validate_python(text) if isinstance(default, bool | float) else text


def masked(value: object) -> str:
    """Return a setting as text, without a secret and without a password in an address; empty where it is not set."""
    if isinstance(value, SecretStr):
        return "(set)"
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"(?<=://)[^/?#]*@", "(masked)@", text)


def _named(field: str) -> str:
    return f"{field} ({PREFIX}{field.upper()}, or `strategy-bank config set {field} VALUE`)"
