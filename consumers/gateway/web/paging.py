"""Answer lists page by page: `limit` rows after a position, and a Link header to the next page.

A position is opaque to clients: base64url of the JSON of the last row's key, which fixes its place
whatever is added meanwhile. Link headers are those of RFC 8288.
"""

import base64
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.exceptions import ClientException
from litestar.params import QueryParameter

from pitbox.postgres.page import MAX_ROWS, Page

ROWS: Final = 100
MAX_POSITION: Final = 2048
After = Annotated[
    str,
    QueryParameter(
        max_length=MAX_POSITION,
        description="the position from the Link header of the page before; empty: the first page",
    ),
]
AtMost = Annotated[int, QueryParameter(ge=1, le=MAX_ROWS, description="rows of the answer")]
LINK: Final = ResponseHeader(
    name="link",
    description='`<…>; rel="next"`: the address of the next page; absent on the last page',
    documentation_only=True,
)

Row = TypeVar("Row")
Position = TypeVar("Position")


def position(after: str, kind: type[Position]) -> Position | None:
    """Return a position, None for the first page; raises ClientException when it is none."""
    if not after:
        return None
    try:
        text = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4))
        return msgspec.json.decode(text, type=kind)
    except (ValueError, msgspec.MsgspecError):
        raise ClientException(
            "after: is no position of this list: take it from a Link header, or leave it out"
        ) from None


def answer(request: Request[Any, Any, Any], page: Page[Row]) -> Response[list[Row]]:
    """Return a page's rows, with a Link header when there are more."""
    if page.after is None:
        return Response(page.rows)
    after = base64.urlsafe_b64encode(msgspec.json.encode(page.after)).decode().rstrip("=")
    query = urlencode({**request.query_params, "after": after})
    address = f"{quote(request.scope['path'])}?{query}"
    return Response(page.rows, headers={"link": f'<{address}>; rel="next"'})
