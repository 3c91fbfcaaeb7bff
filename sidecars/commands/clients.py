"""`./kiba clients`: writes the generated parts of clients/ anew from docs/openapi.json."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from infra.local.config import REPOSITORY
from infra.local.install import TYPESCRIPT_CLIENT, install_node_packages
from infra.local.tools import search_path

DOCUMENT = REPOSITORY / "docs" / "openapi.json"
PYTHON = REPOSITORY / "clients" / "python" / "kibamail"
GENERATED_TYPES = TYPESCRIPT_CLIENT / "src" / "api.ts"

Json = dict[str, Any]
KINDS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
HEAD = '''\
"""Generated from docs/openapi.json by `./kiba clients`. Do not edit."""

from collections.abc import Mapping
from typing import Any, cast

from kibamail import models
from kibamail.transport import Transport


class Operations(Transport):
    """One method for each address of the API."""
'''


@click.command()
def clients() -> None:
    """Write the generated parts of clients/ anew from docs/openapi.json."""
    install_node_packages(click.echo)
    for file, text in generated().items():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            click.echo(f"Wrote {file.relative_to(REPOSITORY)}")


def generated() -> dict[Path, str]:
    """Each generated file with what should be in it. No network. Raises CalledProcessError."""
    document = team_api(json.loads(DOCUMENT.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        source, models, types = (Path(folder) / name for name in ("openapi.json", "models.py", "api.ts"))
        source.write_text(json.dumps(document), encoding="utf-8")
        _run(
            *(sys.executable, "-m", "datamodel_code_generator", "--input", source, "--output", models),
            *("--input-file-type", "openapi", "--output-model-type", "typing.TypedDict"),
            *("--target-python-version", "3.11", "--disable-timestamp", "--use-union-operator"),
            *("--no-use-closed-typed-dict", "--formatters", "ruff-format"),
        )
        # A field with a default may be left out.
        command = ("openapi-typescript", "--default-non-nullable=false")
        _run("npx", "--no-install", *command, source, "--output", types)
        return {
            PYTHON / "models.py": models.read_text(encoding="utf-8"),
            PYTHON / "operations.py": operations(document),
            GENERATED_TYPES: types.read_text(encoding="utf-8"),
        }


def team_api(document: Json) -> Json:
    """What is below /v1; the operator's addresses are no app's."""
    return {**document, "paths": {p: item for p, item in document["paths"].items() if p.startswith("/v1/")}}


def operations(document: Json) -> str:
    """Python's methods, in the order of the document."""
    methods = [
        _method(verb.upper(), path, operation)
        for path, item in document["paths"].items()
        for verb, operation in item.items()
    ]
    return "\n".join([HEAD, *methods])


def _method(verb: str, path: str, operation: Json) -> str:
    """Source of one: its places and body, then by name what may be left out."""
    parameters = operation.get("parameters", [])
    places = [p["name"] for p in parameters if p["in"] == "path"]
    queries = {p["name"]: _kind(p["schema"]) for p in parameters if p["in"] == "query"}
    body, files = _body(operation)
    once = "Idempotency-Key" in operation.get("description", "")
    taken = ["self", *(f"{p['name']}: {_kind(p['schema'])}" for p in parameters if p["in"] == "path")]
    taken += [f"body: {body}"] if body else []
    taken += ["files: Mapping[str, Any]"] if files else []
    named = [f"{name}: {kind.removesuffix(' | None')} | None = None" for name, kind in queries.items()]
    named += ["idempotency_key: str | None = None"] if once else []
    handed = [f'"{verb}"', f'"{path}"']
    handed += [_dictionary(places)] if places else []
    handed += [f"query={_dictionary(queries)}"] if queries else []
    handed += [f"{name}={name}" for name, there in (("body", body), ("files", files)) if there]
    handed += ["once=True, idempotency_key=idempotency_key"] if once else []
    answer = _answer(operation)
    call = f"self.call({', '.join(handed)})"
    signature = ", ".join([*taken, *(["*", *named] if named else [])])
    return (
        f"    def {operation['operationId']}({signature}) -> {answer}:\n"
        f'        """{operation["summary"].rstrip(".")}."""\n'
        f"        {call if answer == 'None' else f'return cast({answer!r}, {call})'}\n"
    )


def _dictionary(names: list[str] | Mapping[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {name}' for name in names) + "}"


def _kind(schema: Json) -> str:
    """Python's type of a parameter."""
    parts = schema.get("anyOf", [schema])
    return " | ".join(dict.fromkeys(KINDS.get(part.get("type", "string"), "str") for part in parts))


def _body(operation: Json) -> tuple[str, bool]:
    """The type of the body, empty where there is none, and whether files come with it."""
    request = operation.get("requestBody", {})
    for media, content in request.get("content", {}).items():
        if media == "multipart/form-data":
            return "Mapping[str, Any]", True
        name = _named(content["schema"])
        return (name if request.get("required") else f"{name} | None = None"), False
    return "", False


def _answer(operation: Json) -> str:
    """The type of what a good answer holds."""
    return " | ".join(dict.fromkeys(_answers(operation))) or "None"


def _answers(operation: Json) -> Iterator[str]:
    for status, response in operation["responses"].items():
        if status in ("200", "201", "202"):
            for media, content in response.get("content", {"text/plain": {}}).items():
                yield _named(content["schema"]) if media == "application/json" else "str"


def _named(schema: Json) -> str:
    return f"models.{schema['$ref'].rpartition('/')[2]}" if "$ref" in schema else "dict[str, Any]"


def _run(*command: str | Path) -> None:
    env = {"PATH": search_path()}
    subprocess.run(command, cwd=TYPESCRIPT_CLIENT, env=env, check=True, capture_output=True, text=True)
