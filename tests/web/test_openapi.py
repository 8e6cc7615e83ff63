"""The API keeps to its own schema, whatever is sent."""

import contextlib
import re
import warnings

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of schemathesis' own imports
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        negative_data_rejection,
        response_schema_conformance,
        status_code_conformance,
    )

STREAMS_OR_ENDS = {"/api/live", "/api/sign-out"}


def test_the_schema_says_everything(home, client_of):
    schema = client_of(home, "owner").get("/api/openapi.json").json()
    calls = [
        (path, method, call)
        for path, methods in schema["paths"].items()
        for method, call in methods.items()
    ]
    assert len(calls) > 50
    for path, method, call in calls:
        where = f"{method} {path}"
        assert call["summary"], where
        assert call["description"], where
        assert call["tags"], where
        for given_one in call.get("parameters", []):
            assert given_one.get("description") or given_one["name"] == "limit", where
        if path.startswith("/api"):
            for status in ("401", "403", "404", "422", "429"):
                reference = call["responses"][status]["content"]["application/json"]["schema"]
                assert reference["$ref"].endswith("/Problem"), where
    for name, shape in schema["components"]["schemas"].items():
        assert shape.get("description"), name
    assert set(schema["components"]["securitySchemes"]) == {"cookie", "token"}
    assert schema["paths"]["/api/join"]["post"]["security"] == []
    assert "HTTPValidationError" not in schema["components"]["schemas"]


def test_the_docs_page(home, client_of):
    answer = client_of(home, "owner").get("/api/docs")
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert not re.search(r"(src|href)=\"?(https?:)?//", answer.text)
    assert "POST /api/events" in answer.text
    assert answer.text.count("<h2>") > 50


@pytest.mark.e2e
@pytest.mark.slow
def test_the_api_keeps_to_its_schema(home, serve):
    server = serve(home)
    schema = schemathesis.openapi.from_dict(home.app.openapi())
    schema.config.update(base_url=server.url)
    headers = home.headers("owner")
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
        negative_data_rejection,
    ]
    checked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in STREAMS_OR_ENDS:
            continue
        for mode in schemathesis.GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)

            @settings(
                max_examples=8,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=strategy)
            def send(case):
                nonlocal checked
                checked += 1
                answer = case.call(headers=headers)
                # Many wrong tries to join are refused as too many, which is right.
                if answer.status_code != 429:
                    case.validate_response(answer, checks=checks)

            # A call that takes nothing can't be called wrongly.
            with contextlib.suppress(Unsatisfiable):
                send()
    assert checked > 300


def test_every_call_is_in_the_reference(home, root):
    page = (root / "docs" / "reference" / "api.md").read_text("utf-8")
    told = set(re.findall(r"^\| `([A-Z]+ /[^`]+)` \|", page, re.MULTILINE))
    schema = home.app.openapi()
    there = {
        f"{method.upper()} {path}"
        for path, methods in schema["paths"].items()
        for method in methods
    }
    assert told == there
