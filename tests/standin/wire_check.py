"""Holds recorded exchanges to botocore's service models: every operation, its parameters, its answer.

Usage: wire_check.py DIRECTORY. Each file is one exchange of one operation as the stand-in saw it from the real SDK client.
"""

import json
import pathlib
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

import botocore.parsers
import botocore.session
from botocore.model import ServiceModel

# What moto answers beyond the model; clients pass it over.
ODD = {"kms:ListGrants: answer has .GrantCount", "secretsmanager:ListSecrets: answer has .SecretList[0].VersionIdsToStages"}
LOADER = botocore.session.get_session().get_component("data_loader")


def model(service):
    return ServiceModel(LOADER.load_service_model(service, "service-2"), service)


def unknown(value, shape, path):
    """Members of a value that the model does not have."""
    if shape is None:
        left = set(value) - {"Version", "Action"} if isinstance(value, dict) else value
        return [path] if left else []
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [path]
        # Members under the names that they have on the wire.
        names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        names.update({name: (name, member) for name, member in shape.members.items()})
        out = []
        for key, inner in value.items():
            if key in ("ResponseMetadata", "Version", "Action") and path == "":
                continue
            if key not in names:
                out.append(f"{path}.{key}")
            else:
                out += unknown(inner, names[key][1], f"{path}.{key}")
        return out
    if shape.type_name == "list":
        return [p for n, item in enumerate(value) for p in unknown(item, shape.member, f"{path}[{n}]")]
    return []


def missing(value, shape, path=""):
    """Members that the model requires and a value lacks."""
    if shape is None or shape.type_name != "structure":
        return []
    return [f"{path}.{name}" for name in shape.required_members if shape.members[name].serialization.get("name", name) not in value and name not in value]


def query_tree(text):
    """A form as nested values: A.member.1.B=c."""
    tree = {}
    for key, value in urllib.parse.parse_qsl(text, keep_blank_values=True):
        at = tree
        parts = key.split(".")
        for part in parts[:-1]:
            at = at.setdefault(part, {})
        at[parts[-1]] = value
    return {key: listed(value) for key, value in tree.items()}


def listed(value):
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"}:
        return [listed(value["member"][n]) for n in sorted(value["member"], key=int)]
    return {key: listed(inner) for key, inner in value.items()}


def check(path):
    exchange = json.loads(path.read_text())
    service = model(exchange["service"])
    operation = service.operation_model(exchange["operation"])
    protocol = service.resolved_protocol
    problems = []
    if protocol in ("json", "rest-json") and exchange["request"]:
        request = json.loads(exchange["request"])
    elif protocol == "query":
        request = query_tree(exchange["request"])
        if request.get("Version") != service.api_version:
            problems.append(f"Version {request.get('Version')}, the model is {service.api_version}")
    else:
        request = {}
    if protocol != "rest-xml":
        problems += [f"request has {p}" for p in unknown(request, operation.input_shape, "")]
        problems += [f"request lacks {p}" for p in missing(request, operation.input_shape)]
    if protocol == "json":
        # SDKs made from Smithy models leave the package before the service's name out; AWS takes both.
        target = f"{service.metadata['targetPrefix'].rsplit('.', 1)[-1]}.{operation.name}"
        if exchange["target"] != target:
            problems.append(f"target {exchange['target']}, the model has {target}")
    if exchange["method"] != operation.http["method"]:
        problems.append(f"method {exchange['method']}, the model has {operation.http['method']}")
    parser = botocore.parsers.create_parser(protocol)
    body = exchange["response"].encode()
    answer = parser.parse({"body": body, "headers": {"content-type": exchange["response_type"]}, "status_code": exchange["status"]}, operation.output_shape) if not operation.has_streaming_output else {}
    if protocol in ("json", "rest-json") and body:
        problems += [f"answer has {p}" for p in unknown(json.loads(body), operation.output_shape, "")]
    elif protocol in ("query",) and body:
        ElementTree.fromstring(body)
    problems += [f"answer lacks {p}" for p in missing(answer, operation.output_shape)]
    return exchange, problems


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.json"))
    bad = 0
    for path in files:
        exchange, problems = check(path)
        for problem in problems:
            line = f"{exchange['service']}:{exchange['operation']}: {problem}"
            if line not in ODD:
                bad += 1
                print(line)
    print(f"{len(files)} operations held to botocore's models, {bad} problems")
    if bad or not files:
        sys.exit(1)


if __name__ == "__main__":
    main()
