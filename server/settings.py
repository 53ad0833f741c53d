"""All settings, read once from an environment that is passed in."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.location import Location
from strategy_bank.store.records import GLOBAL_SCOPE

if TYPE_CHECKING:
    from strategy_bank.tools.transcripts.reader import Folders

PREFIX = "STRATEGY_BANK_"
_OF_CLIENTS = {
    "claude_home": ("CLAUDE_CONFIG_DIR", ""),
    "codex_home": ("CODEX_HOME", ""),
    "gemini_home": ("GEMINI_CLI_HOME", ".gemini"),
}
"""Fields whose default is a variable of the client's own, and the folder in what it names."""
logger = logging.getLogger(__name__)


class Settings(BaseModel):
    """Each field is the environment variable `STRATEGY_BANK_<FIELD>`."""

    model_config = ConfigDict(frozen=True)

    home: Path = Field(
        default_factory=lambda: user_data_path("strategy-bank", appauthor=False),
        description="Folder of the bank and the models",
    )
    uri: str = Field("", description="Another place for the tables: a folder, s3://…, gs://…, az://…, db://…")
    db_api_key: SecretStr | None = Field(None, description="Key of LanceDB Cloud or Enterprise, for db://…")
    db_host: str = Field("", description="Address of LanceDB Enterprise; default: LanceDB Cloud's")
    scope: str = Field("", max_length=200, description="Project name; default: the git root's name, else global")
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
    def _sampling_is_gone(cls, judge: object) -> object:
        if judge == "sampling":  # deprecated by the protocol; people have it in their configuration
            raise ValueError(
                "sampling was removed; use agent (the connected agent judges) or endpoint (your own model)"
            )
        return judge

    @model_validator(mode="after")
    def _service_has_a_key(self) -> "Settings":
        if self.uri.startswith("db://") and not self.db_api_key:
            raise ValueError(
                f"{PREFIX}URI={self.uri} needs {PREFIX}DB_API_KEY, and {PREFIX}DB_HOST for LanceDB Enterprise"
            )
        return self

    @model_validator(mode="after")
    def _endpoint_is_complete(self) -> "Settings":
        if self.judge == "endpoint" and not self.llm_model:
            raise ValueError(
                f"{PREFIX}JUDGE=endpoint needs {PREFIX}LLM_MODEL (and _LLM_BASE_URL, _LLM_API_KEY as it asks)"
            )
        return self

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **overrides: Any) -> "Settings":
        """Read the `STRATEGY_BANK_*` variables; empty ones count as unset, unknown ones are logged.

        Raises:
            InvalidInput: a value is out of range; the message names its variable.
        """
        given = {k.removeprefix(PREFIX).lower(): v for k, v in environment.items() if k.startswith(PREFIX) and v}
        for field, (variable, folder) in _OF_CLIENTS.items():
            if environment.get(variable):
                given.setdefault(field, str(Path(environment[variable], folder)))
        for unknown in sorted(given.keys() - cls.model_fields.keys()):
            logger.warning("Unknown setting %s%s is ignored", PREFIX, unknown.upper())
        if "judge" in given:
            given["judge"] = given["judge"].lower()
        if "log_level" in given:
            given["log_level"] = given["log_level"].upper()
        try:
            return cls.model_validate(given | {k: v for k, v in overrides.items() if v is not None})
        except ValidationError as exc:
            problems = [
                ": ".join([*(f"{PREFIX}{str(part).upper()}" for part in error["loc"]), error["msg"]])
                for error in exc.errors()
            ]
            raise InvalidInput("; ".join(problems)) from exc

    @property
    def location(self) -> Location:
        key = self.db_api_key.get_secret_value() if self.db_api_key else ""
        return Location(self.home.expanduser(), self.uri, self.lock_timeout, key, self.db_host)

    @property
    def folders(self) -> "Folders":
        from strategy_bank.tools.transcripts.reader import Folders

        homes = self.claude_home, self.codex_home, self.gemini_home
        claude, codex, gemini = (home.expanduser() for home in homes)
        return Folders(claude / "projects", codex / "sessions", gemini / "tmp")

    @property
    def uses_endpoint(self) -> bool:
        return self.judge == "endpoint" or (self.judge == "auto" and bool(self.llm_model))

    def default_scope(self, directory: Path) -> str:
        """The configured scope, else the name of the git root around `directory`, else `global`."""
        if self.scope:
            return self.scope
        root = next((folder for folder in [directory, *directory.parents] if (folder / ".git").exists()), None)
        return root.name if root and root.name else GLOBAL_SCOPE
