"""One completion from an OpenAI-compatible endpoint, or a JudgeFailed that says what to check.

    asked for      where that is refused (400, 422)
    json_schema    json_object, then nothing: the prompt alone asks for JSON
    max_tokens     max_completion_tokens
    temperature    left out

Only this file uses the openai package, and imports it for the first completion.
"""

import os
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
MAX_ANSWER_BYTES = 4_000_000

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
        try:
            return _content(await self._answer(talk, form, temperature), self._settings)
        except JudgeFailed:
            raise
        except Exception as exc:
            # Proxies, certificates, addresses and answers make the library raise what it likes. A report must not fail by it.
            raise JudgeFailed(_encodable(_advice(exc, self._settings))) from exc

    async def _answer(self, talk: list[Message], form: type[BaseModel], temperature: float) -> str:
        """Return the body of the answer, asked for in the simplest dialect that the endpoint understands."""
        client = await self._connected()
        import openai

        dialect = self._dialect
        while True:
            try:
                raw = await self._post(client, talk, dialect.options(form, temperature))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as exc:
                milder = dialect.without(str(exc.param or exc.message))
                if milder is None:
                    raise
                dialect = milder
            else:
                self._dialect = dialect
                return raw

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
        create: Any = client.chat.completions.with_streaming_response.create
        messages = [{**message, "content": _encodable(message["content"])} for message in talk]
        with anyio.fail_after((settings.timeout_s + 1) * (settings.max_retries + 1)):
            async with create(model=settings.model, messages=messages, **options) as answer:
                return await _body(answer, settings)


async def _body(answer: Any, settings: EndpointSettings) -> str:
    body = bytearray()
    async for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise JudgeFailed(f"{settings.model} sent an answer without end; check the base URL")
    return body.decode("utf-8", "replace")


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
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient
    except ImportError as exc:
        raise JudgeFailed("The endpoint judge needs the openai package: pip install 'strategy-bank[llm]'") from exc
    except Exception as exc:
        advice = "pip install --upgrade 'strategy-bank[llm]'"
        raise JudgeFailed(f"The openai package cannot be loaded ({type(exc).__name__}: {exc}): {advice}") from exc
    key = settings.api_key.get_secret_value() if settings.api_key else "none"
    if not (key.isascii() and key.isprintable()):
        raise JudgeFailed("The API key has characters that no key has; copy it again")
    return AsyncOpenAI(
        api_key=key,
        base_url=settings.base_url or DEFAULT_BASE_URL,
        timeout=settings.timeout_s,
        max_retries=settings.max_retries,
        # the library's own one complains in the background where a proxy or a certificate keeps it from being made
        http_client=DefaultAsyncHttpxClient(timeout=settings.timeout_s),
    )


_WRONG_ADDRESS = "it knows no such model or address; check the model's name and the base URL (mostly …/v1)"
_ADVICE = {
    401: "it does not accept the API key; check the key",
    402: "there is no credit left; check the plan",
    403: "the API key may not use this model; check its rights",
    404: _WRONG_ADDRESS,
    405: _WRONG_ADDRESS,
    429: "too many requests, or no credit left; wait, or check the plan",
}
_CONNECTION_VARIABLES = re.compile("(all|https?|no)_proxy|ssl_cert_(file|dir)|openai_.*", re.IGNORECASE)


def _advice(exc: Exception, settings: EndpointSettings) -> str:
    """Say what happened and what to check, without the key, which the server's own words may repeat."""
    import openai

    where = f"{settings.model} at {_host(settings.base_url or DEFAULT_BASE_URL)}"
    said = _without_secrets(str(exc), settings)
    if isinstance(exc, TimeoutError | openai.APITimeoutError):
        return f"{where} took longer than {settings.timeout_s:g} s; allow more time or choose a faster model"
    if isinstance(exc, openai.APIConnectionError):
        why = _without_secrets(str(exc.__cause__ or exc), settings)
        return (
            f"{where} cannot be reached; check the base URL and that the server is running{_in_force()}. It said: {why}"
        )
    status = getattr(exc, "status_code", 0)
    if status in _ADVICE:
        return f"{where} answered {status}: {_ADVICE[status]}"
    if 300 <= status < 400:
        return f"{where} answered {status}: it sends you elsewhere; check the base URL"
    if status >= 500:
        return f"{where} answered {status}: it has trouble of its own; try again later"
    if status:
        return f"{where} refused the request; check the model and its context length. It said: {said}"
    return f"{where} cannot be asked; check the base URL and the key{_in_force()}. {type(exc).__name__}: {said}"


def _host(base_url: str) -> str:
    """Return an address without its path and without a password; the whole of one that cannot be read."""
    try:
        return urlsplit(base_url).netloc.rpartition("@")[2] or base_url
    except ValueError:
        return _without_userinfo(base_url)


def _in_force() -> str:
    """Name the variables that change how a connection is made."""
    names = sorted(name for name, value in os.environ.items() if value and _CONNECTION_VARIABLES.fullmatch(name))
    return f", and the variables {', '.join(names)}" if names else ""


def _without_secrets(text: str, settings: EndpointSettings) -> str:
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    return excerpt(_without_userinfo(text.replace(key, "***") if key else text))


def _without_userinfo(text: str) -> str:
    return re.sub(r"//[^/\s@]*@", "//", text)


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
