"""One completion from an OpenAI-compatible endpoint, or a JudgeFailed that says what to check.

    asked for      where that is refused (400, 422)
    json_schema    json_object, then nothing: the prompt alone asks for JSON
    max_tokens     max_completion_tokens
    temperature    left out

Only this file uses the openai package, and imports it for the first completion.
"""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

import anyio
from anyio import to_thread
from pydantic import BaseModel, Field, SecretStr, ValidationError

from strategy_bank.store.errors import JudgeFailed

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_BASE_URL = "https://api.openai.com/v1"

Message = dict[str, str]  # role and content


@dataclass(frozen=True)
class EndpointSettings:
    """`max_retries` are those of the openai library (network, 429, 5xx); `trajectory_chars` limits what one prompt shows."""

    base_url: str | None
    model: str
    api_key: SecretStr | None
    timeout_s: float = 60.0
    max_retries: int = 2
    max_tokens: int = 2048
    trajectory_chars: int = 60_000


class Endpoint:
    """Asks for completions and remembers which request options the endpoint understands. Close it with `aclose`."""

    def __init__(self, settings: EndpointSettings) -> None:
        self._settings = settings
        self._dialect = Dialect(settings.max_tokens)
        self._client: AsyncOpenAI | None = None
        self._opening = anyio.Lock()

    async def complete(self, talk: list[Message], form: type[BaseModel], temperature: float) -> str:
        """Return the text of one completion. The caller checks whether it is JSON of `form`. Raises JudgeFailed."""
        client = await self._connected()
        import openai

        dialect = self._dialect
        while True:
            try:
                raw = await self._post(client, talk, dialect.options(form, temperature))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as exc:
                milder = dialect.without(str(exc.param or exc.message))
                if milder is None:
                    raise JudgeFailed(_advice(exc, self._settings)) from exc
                dialect = milder
            except (openai.OpenAIError, TimeoutError) as exc:
                raise JudgeFailed(_advice(exc, self._settings)) from exc
            else:
                self._dialect = dialect
                return _content(raw, self._settings)

    async def aclose(self) -> None:
        """Close the connections; the next completion opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> "AsyncOpenAI":
        async with self._opening:
            if self._client is None:
                self._client = await to_thread.run_sync(_new_client, self._settings)
            return self._client

    async def _post(self, client: "AsyncOpenAI", talk: list[Message], options: dict[str, Any]) -> str:
        """Return the body of the answer. The library limits the wait for each byte; this limits the wait for all."""
        settings = self._settings
        create: Any = client.chat.completions.with_raw_response.create
        messages = [{**message, "content": _encodable(message["content"])} for message in talk]
        with anyio.fail_after((settings.timeout_s + 1) * (settings.max_retries + 1)):
            answer = await create(model=settings.model, messages=messages, **options)
        return str(answer.text)


@dataclass(frozen=True)
class Dialect:
    """The request options that an endpoint understands, as far as its refusals have told."""

    max_tokens: int
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    format: Literal["json_schema", "json_object", "none"] = "json_schema"
    temperature: bool = True

    def without(self, complaint: str) -> "Dialect | None":
        """Return the dialect to try after this refusal, or None when there is nothing left to give up."""
        if self.format != "none" and re.search("response.?format|json|schema|grammar", complaint, re.IGNORECASE):
            return replace(self, format="json_object" if self.format == "json_schema" else "none")
        if self.limit == "max_tokens" and "max_tokens" in complaint:
            return replace(self, limit="max_completion_tokens")
        if self.temperature and "temperature" in complaint:
            return replace(self, temperature=False)
        return None

    def options(self, form: type[BaseModel], temperature: float) -> dict[str, Any]:
        options: dict[str, Any] = {self.limit: self.max_tokens}
        if self.temperature:
            options["temperature"] = temperature
        if self.format == "json_schema":
            schema = {"name": form.__name__, "schema": strict_schema(form), "strict": True}
            options["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.format == "json_object":
            options["response_format"] = {"type": "json_object"}
        return options


def strict_schema(form: type[BaseModel]) -> dict[str, Any]:
    """Return the schema as strict modes want it: no references, no sizes, all fields required, no others allowed."""
    schema = form.model_json_schema()
    return _strict(schema, schema.get("$defs", {}))


def _strict(node: Any, definitions: dict[str, Any]) -> Any:
    if not isinstance(node, dict):
        return node
    fields = cast(dict[str, Any], node)
    if "$ref" in fields:
        return _strict(definitions[fields["$ref"].rpartition("/")[2]], definitions)
    dropped = {"$defs", "default", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"}
    kept = {key: _strict(value, definitions) for key, value in fields.items() if key not in dropped}
    if kept.get("type") == "object":
        kept |= {"additionalProperties": False, "required": list(kept["properties"])}
    return kept


def _new_client(settings: EndpointSettings) -> "AsyncOpenAI":
    try:
        from openai import AsyncOpenAI
    except ImportError as exc:
        raise JudgeFailed("The endpoint judge needs the openai package: pip install 'strategy-bank[llm]'") from exc
    key = settings.api_key.get_secret_value() if settings.api_key else "none"
    if not (key.isascii() and key.isprintable()):
        raise JudgeFailed("The API key has characters that no key has; copy it again")
    return AsyncOpenAI(
        api_key=key,
        base_url=settings.base_url or DEFAULT_BASE_URL,
        timeout=settings.timeout_s,
        max_retries=settings.max_retries,
    )


_ADVICE = {
    401: "it does not accept the API key; check the key",
    403: "the API key may not use this model; check its rights",
    404: "it knows no such model or address; check the model's name and the base URL (mostly …/v1)",
    429: "too many requests, or no credit left; wait, or check the plan",
}


def _advice(exc: Exception, settings: EndpointSettings) -> str:
    """Say what happened and what to check. The server's own words may repeat the key, so it is masked in them."""
    import openai

    where = f"{settings.model} at {urlsplit(settings.base_url or DEFAULT_BASE_URL).netloc.rpartition('@')[2]}"
    if isinstance(exc, TimeoutError | openai.APITimeoutError):
        return f"{where} took longer than {settings.timeout_s:g} s; allow more time or choose a faster model"
    if isinstance(exc, openai.APIConnectionError):
        return f"{where} cannot be reached; check the base URL and that the server is running"
    status = getattr(exc, "status_code", 0)
    if status in _ADVICE:
        return f"{where} answered {status}: {_ADVICE[status]}"
    if status >= 500:
        return f"{where} answered {status}: it has trouble of its own; try again later"
    said = str(exc)
    if settings.api_key:
        said = said.replace(settings.api_key.get_secret_value(), "***")
    return f"{where} refused the request; check the model and its context length. It said: {excerpt(said)}"


class _Said(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


def _content(raw: str, settings: EndpointSettings) -> str:
    """Return the message of a chat completion. Raises JudgeFailed where there is none to use."""
    try:
        choice = _Completion.model_validate_json(raw).choices[0]
    except ValidationError as exc:
        raise JudgeFailed(f"{settings.model} sent no chat completion; check the base URL") from exc
    said = choice.message
    if choice.finish_reason == "length":
        raise JudgeFailed(f"{settings.model} was truncated after {settings.max_tokens} tokens; allow it more")
    if said.refusal or choice.finish_reason == "content_filter":
        raise JudgeFailed(f"{settings.model} refused to answer: {excerpt(said.refusal or 'content filter')}")
    if not said.content or said.content.isspace():
        raise JudgeFailed(f"{settings.model} sent an empty answer; choose another model")
    return said.content


def excerpt(text: str) -> str:
    """Return the beginning of a text, short enough for an error message."""
    return text if len(text) <= 300 else f"{text[:300]} …"


def _encodable(text: str) -> str:
    """Replace lone surrogates, as in file names that are not UTF-8: they cannot be sent."""
    return text.encode("utf-8", "replace").decode()
