"""The page's own files: style, scripts, and what is vendored."""

from typing import TYPE_CHECKING

from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope


class KeptFiles(StaticFiles):
    """Files that a browser may keep for ever, because the address of another version is another one."""

    async def get_response(self, path: str, scope: "Scope") -> "Response":
        answer = await super().get_response(path, scope)
        if answer.status_code == 200 and b"v=" in scope["query_string"]:
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer
