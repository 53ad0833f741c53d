"""The server of `create_server` with what the official conformance suite wants to find, served over HTTP.

The suite asks for tools, resources and prompts by name, with fixed answers. They are added to the server from outside, so
that the rest (transport, guards, middleware, lifespan, our own tools) is what users run. Sessions are on here: at 2025-11-25
the suite has tools that ask the client something, which the stateless transport of `serve --http` cannot do.
"""

import base64
import os
import struct
import sys
import zlib
from typing import Annotated, Any

import anyio
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    AudioContent,
    CallToolResult,
    Completion,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from mcp_types.jsonrpc import MISSING_REQUIRED_CLIENT_CAPABILITY
from pydantic import Field

from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.settings import Settings
from strategy_bank.server.transport.http import http_app, listen, serve_app

Server = MCPServer[State]
Asked = InputRequiredResult | str


def _png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


PNG = base64.b64encode(_png()).decode()
WAV = base64.b64encode(b"RIFF" + struct.pack("<I4s4sIHHIIHH4sI", 36, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8,
                                            b"data", 0)).decode()  # fmt: skip
IMAGE = ImageContent(type="image", data=PNG, mime_type="image/png")


def add_contents(server: Server) -> None:
    """Tools that answer with each kind of content."""

    @server.tool(structured_output=False)
    def test_simple_text() -> str:
        """Text."""
        return "This is a simple text response for testing."

    @server.tool(structured_output=False)
    def test_image_content() -> ImageContent:
        """An image."""
        return IMAGE

    @server.tool(structured_output=False)
    def test_audio_content() -> AudioContent:
        """A sound."""
        return AudioContent(type="audio", data=WAV, mime_type="audio/wav")

    @server.tool(structured_output=False)
    def test_embedded_resource() -> EmbeddedResource:
        """A resource."""
        return _embedded("test://embedded-resource", "This is an embedded resource content.")

    @server.tool(structured_output=False)
    def test_multiple_content_types() -> CallToolResult:
        """All in one."""
        text = TextContent(type="text", text="Multiple content types test:")
        resource = _embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json")
        return CallToolResult(content=[text, IMAGE, resource])

    @server.tool(structured_output=False)
    def test_error_handling() -> str:
        """An error."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool(structured_output=False)
    def test_headers(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
        """An argument that is repeated in a header."""
        return region


def add_notifying(server: Server) -> None:
    """Tools that tell something before they answer."""

    @server.tool(structured_output=False)
    async def test_tool_with_logging(ctx: Context[State, Any]) -> str:
        """Log messages."""
        for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(message)
            await anyio.sleep(0.05)
        return "logged"

    @server.tool(structured_output=False)
    async def test_logging_tool(ctx: Context[State, Any]) -> str:
        """A log message that only a client gets that asked for it."""
        await ctx.info("for who asked")
        return "logged"

    @server.tool(structured_output=False)
    async def test_tool_with_progress(ctx: Context[State, Any]) -> str:
        """Progress."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await anyio.sleep(0.05)
        return "done"

    @server.tool(structured_output=False)
    async def test_trigger_tool_change(ctx: Context[State, Any]) -> str:
        """News of the list of tools."""
        await ctx.notify_tools_changed()
        return "told"

    @server.tool(structured_output=False)
    async def test_trigger_prompt_change(ctx: Context[State, Any]) -> str:
        """News of the list of prompts."""
        await ctx.notify_prompts_changed()
        return "told"


def add_asking(server: Server) -> None:
    """Tools that ask the client something in the middle of a call, as it is done up to 2025-11-25."""

    async def elicit(
        ctx: Context[State, Any], message: str, properties: dict[str, Any], *required: str
    ) -> ElicitResult:
        return await ctx.session.elicit_form(message, _schema(properties, *required), ctx.request_context.request_id)

    @server.tool(structured_output=False)
    async def test_sampling(ctx: Context[State, Any], prompt: str) -> str:
        """Asks the model."""
        asked = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
        reply = await ctx.session.create_message(
            [asked], max_tokens=100, related_request_id=ctx.request_context.request_id
        )
        return f"LLM response: {reply.content}"

    @server.tool(structured_output=False)
    async def test_elicitation(ctx: Context[State, Any], message: str) -> str:
        """Asks the user."""
        asked = {name: {"type": "string", "description": f"User's {name}"} for name in ("username", "email")}
        reply = await elicit(ctx, message, asked, *asked)
        return f"User response: action={reply.action}, content={reply.content}"

    @server.tool(structured_output=False)
    async def test_elicitation_sep1034_defaults(ctx: Context[State, Any]) -> str:
        """Asks with defaults."""
        asked = {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "default": True},
        }
        reply = await elicit(ctx, "Check these.", asked)
        return f"Elicitation completed: action={reply.action}, content={reply.content}"

    @server.tool(structured_output=False)
    async def test_elicitation_sep1330_enums(ctx: Context[State, Any]) -> str:
        """Asks for choices."""
        plain = [f"option{n}" for n in (1, 2, 3)]
        titled = [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)]
        asked = {
            "untitledSingle": {"type": "string", "enum": plain},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        }
        reply = await elicit(ctx, "Choose.", asked)
        return f"Elicitation completed: action={reply.action}, content={reply.content}"


def add_requiring(server: Server) -> None:
    """Tools and a prompt that need input of the client before they answer, as it is done in 2026-07-28."""

    @server.tool(structured_output=False)
    def test_input_required_result_elicitation(ctx: Context[State, Any]) -> Asked:
        """Needs a name."""
        name = _elicited(ctx, "user_name", "name")
        return f"Hello, {name}!" if name else InputRequiredResult(input_requests={"user_name": _ask("name")})

    @server.tool(structured_output=False)
    def test_streaming_elicitation(ctx: Context[State, Any]) -> Asked:
        """Needs a name, too."""
        return test_input_required_result_elicitation(ctx)

    @server.tool(structured_output=False)
    def test_input_required_result_sampling(ctx: Context[State, Any]) -> Asked:
        """Needs the model."""
        reply = (ctx.input_responses or {}).get("capital_question")
        question = {"capital_question": _sample("What is the capital of France?")}
        return f"Answered: {reply}" if reply else InputRequiredResult(input_requests=question)

    @server.tool(structured_output=False)
    def test_input_required_result_list_roots(ctx: Context[State, Any]) -> Asked:
        """Needs the roots."""
        reply = (ctx.input_responses or {}).get("client_roots")
        return f"Roots: {reply}" if reply else InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})

    @server.tool(structured_output=False)
    def test_input_required_result_request_state(ctx: Context[State, Any]) -> Asked:
        """Needs its own state back."""
        if ctx.request_state == "asked":
            return "state-ok"
        return InputRequiredResult(input_requests={"confirm": _ask("ok", "boolean")}, request_state="asked")

    @server.tool(structured_output=False)
    def test_input_required_result_tampered_state(ctx: Context[State, Any]) -> Asked:
        """Needs its own state back, which nobody else can write."""
        return test_input_required_result_request_state(ctx)

    @server.tool(structured_output=False)
    def test_input_required_result_multiple_inputs(ctx: Context[State, Any]) -> Asked:
        """Needs three things."""
        asked = {"user_name": _ask("name"), "greeting": _sample("Generate a greeting"),
                 "client_roots": ListRootsRequest()}  # fmt: skip
        if asked.keys() <= (ctx.input_responses or {}).keys():
            return "All there."
        return InputRequiredResult(input_requests=asked, request_state="asked")

    @server.tool(structured_output=False)
    def test_input_required_result_multi_round(ctx: Context[State, Any]) -> Asked:
        """Needs two things, one after the other."""
        if ctx.request_state == "two":
            return "All there."
        step, field = ("two", "color") if ctx.request_state == "one" else ("one", "name")
        key = {"one": "step1", "two": "step2"}[step]
        return InputRequiredResult(input_requests={key: _ask(field)}, request_state=step)

    @server.tool(structured_output=False)
    def test_input_required_result_capabilities(ctx: Context[State, Any]) -> InputRequiredResult:
        """Asks only what the client can answer."""
        can = ctx.client_capabilities
        asked = {"greeting": _sample("Generate a greeting")} if can and can.sampling is not None else {}
        if can and can.elicitation is not None:
            asked["user_name"] = _ask("name")
        return InputRequiredResult(input_requests=asked)

    @server.tool(structured_output=False)
    def test_missing_capability(ctx: Context[State, Any]) -> str:
        """Needs a client that can sample."""
        if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
            data = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This needs sampling", data)
        return "It can."

    @server.prompt()
    def test_input_required_result_prompt(ctx: Context[State, Any]) -> Asked:
        """Needs a context."""
        context = _elicited(ctx, "user_context", "context")
        return context or InputRequiredResult(input_requests={"user_context": _ask("context")})


def add_resources(server: Server) -> None:
    """Resources, and the subscriptions of 2025-11-25."""

    @server.resource("test://static-text", mime_type="text/plain")
    def text() -> str:
        """Text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def binary() -> bytes:
        """An image."""
        return _png()

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:
        """A template."""
        return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """To be subscribed to."""
        return "Nothing new."

    async def accept(*_: Any) -> EmptyResult:
        return EmptyResult()

    wire = server._lowlevel_server  # MCPServer has no public way to serve these methods, which 2026-07-28 removed
    wire.add_request_handler("resources/subscribe", SubscribeRequestParams, accept)
    wire.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, accept)
    wire.add_request_handler("logging/setLevel", SetLevelRequestParams, accept)


def add_prompts(server: Server) -> None:
    """Prompts, and completion of their arguments."""

    @server.prompt()
    def test_simple_prompt() -> str:
        """Text."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """Arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
        """A resource."""
        resource = _embedded(resourceUri, "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage]:
        """An image."""
        return [UserMessage(IMAGE), UserMessage("Please analyze the image above.")]

    @server.completion()
    async def complete(*_: Any) -> Completion:
        return Completion(values=["paris", "park", "party"], total=3, has_more=False)


def _embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def _schema(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _ask(field: str, kind: str = "string") -> ElicitRequest:
    schema = _schema({field: {"type": kind}}, field)
    return ElicitRequest(params=ElicitRequestFormParams(message=f"Which {field}?", requested_schema=schema))


def _sample(question: str) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=question))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100))


def _elicited(ctx: Context[State, Any], key: str, field: str) -> str:
    reply = (ctx.input_responses or {}).get(key)
    content = reply.content if isinstance(reply, ElicitResult) else None
    return str((content or {}).get(field, ""))


def main() -> None:
    """Serve at a free port, with the settings and the token of the environment."""
    settings = Settings.read(os.environ)
    assert settings.http_token
    server = create_server(settings)
    for add in (add_contents, add_notifying, add_asking, add_requiring, add_resources, add_prompts):
        add(server)
    token = settings.http_token.get_secret_value()
    app = http_app(server, lambda: token, stateless=False)
    serve_app(app, listen("127.0.0.1", 0), settings.log_level, lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    main()
