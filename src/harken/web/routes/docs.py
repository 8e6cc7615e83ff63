"""The API's own page: made from the schema here, so that no script of others is needed."""

import json
from html import escape
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from harken.web.access import Anyone

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request, me: Anyone) -> HTMLResponse:
    """Show the API, readable."""
    return HTMLResponse(page(request.app.openapi()))


def page(schema: dict[str, Any]) -> str:
    """Write an OpenAPI schema as a page without scripts.

    Parameters
    ----------
    schema : dict

    Examples
    --------
    >>> "<h1>T</h1>" in page({"info": {"title": "T"}, "paths": {}})
    True
    """
    info = schema.get("info", {})
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(info.get('title', ''))}</title>",
        '<link rel="stylesheet" href="/static/css/harken.css">',
        f"<main><h1>{escape(info.get('title', ''))}</h1>",
        f"<p>{escape(info.get('description', ''))}</p>",
        '<p><a href="/api/openapi.json">openapi.json</a></p>',
    ]
    for path, methods in schema.get("paths", {}).items():
        for method, call in methods.items():
            parts.append(_call(method, path, call, schema))
    parts.append("<h2>Shapes</h2>")
    for name, shape in schema.get("components", {}).get("schemas", {}).items():
        parts.append(
            f'<h3 id="{escape(name)}">{escape(name)}</h3>'
            f"<pre>{escape(json.dumps(shape, indent=2, ensure_ascii=False))}</pre>"
        )
    return "\n".join([*parts, "</main></html>"])


def _call(method: str, path: str, call: dict[str, Any], schema: dict[str, Any]) -> str:
    lines = [
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>",
        f"<p>{escape(call.get('summary', ''))}. {escape(call.get('description', ''))}</p>",
        "<ul>",
    ]
    for given in call.get("parameters", []):
        says = escape(given.get("description", ""))
        lines.append(
            f"<li><code>{escape(given['name'])}</code> ({escape(given['in'])}) {says}</li>"
        )
    for kind, content in call.get("requestBody", {}).get("content", {}).items():
        lines.append(f"<li>takes {escape(kind)}: {_shape(content)}</li>")
    for status, answer in call.get("responses", {}).items():
        content = answer.get("content", {})
        shapes = ", ".join(f"{escape(kind)}: {_shape(one)}" for kind, one in content.items())
        lines.append(f"<li>{escape(status)} {escape(answer.get('description', ''))} {shapes}</li>")
    return "\n".join([*lines, "</ul>"])


def _shape(content: dict[str, Any]) -> str:
    shape = content.get("schema", {})
    name = shape.get("$ref", shape.get("items", {}).get("$ref", "")).rpartition("/")[2]
    if not name:
        return escape(str(shape.get("type", "")))
    many = "list of " if shape.get("type") == "array" else ""
    return f'{many}<a href="#{escape(name)}">{escape(name)}</a>'
