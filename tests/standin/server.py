"""A stand-in for AWS: moto, with what it lacks, behind one HTTP server for all accounts and regions.

What this file does to every request: who signs it, which operation it is (by botocore's service models), whether it is to
fail (fault rules), what it may do (session policies, denials), and a log of it. Operations that moto lacks or answers too
simply are in operations.py; everything else is moto's. Only tests use it: signatures are not verified.
"""

import argparse
import fnmatch
import io
import json
import os
import random
import signal
import sys
import threading
import time

from moto.core.responses import ActionResult, BaseResponse
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol, normalize_request
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

import athena_operations  # noqa: F401 - its operations register themselves
import http_front
import key_operations
import operations
import paging
import seed
from http_front import reset
from state import STATE, Refusal

# Names that requests are signed for, where botocore's models have another name.
MODEL_OF = {"monitoring": "cloudwatch", "cloudcontrolapi": "cloudcontrol"}
# IAM's names of actions, where they differ from the operation's.
ACTION_OF = {
    "s3:ListObjectsV2": "s3:ListBucket", "s3:ListObjects": "s3:ListBucket", "s3:HeadObject": "s3:GetObject",
    "s3:HeadBucket": "s3:ListBucket", "s3:ListBuckets": "s3:ListAllMyBuckets",
    "cloudcontrol:ListResources": "cloudformation:ListResources",
}


class Request:
    """One request, as far as it is understood before anything is done about it."""

    def __init__(self, environ):
        self.environ = environ
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        self.key = self.region = self.service = ""
        if "Credential=" in authorization:
            scope = authorization.split("Credential=", 1)[1].split(",", 1)[0].split("/")
            self.key, self.region, self.service = scope[0], scope[2], scope[3].lower()
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(self.body)
        self.service = MODEL_OF.get(self.service, self.service)
        self.model = None
        self.operation = ""
        self.params = {}
        self.protocol = "rest-xml"
        self.account, self.principal, self.session_policy = "", "", None

    def understand(self):
        """Finds the operation and decodes its parameters by the service's own model."""
        if not self.service:
            return
        if self.service == "s3":
            self.operation = s3_operation(self.environ)
            return
        service = get_service_model(self.service)
        self.protocol = determine_request_protocol(service, self.environ.get("CONTENT_TYPE", ""))
        target = self.environ.get("HTTP_X_AMZ_TARGET")
        if target:
            self.operation = target.split(".")[-1]
        elif self.protocol == "query":
            from urllib.parse import parse_qs

            self.operation = parse_qs(self.body.decode()).get("Action", [""])[0]
        else:
            path = self.environ["PATH_INFO"]
            for name in service.operation_names:
                http = service.operation_model(name).http
                if http["requestUri"] == path and http["method"] == self.environ["REQUEST_METHOD"]:
                    self.operation = name
        self.model = service.operation_model(self.operation)
        request = normalize_request(werkzeug_request(self.environ))
        parser = PROTOCOL_PARSERS[self.protocol](self.model)
        self.params = parser.parse(
            {
                "method": self.environ["REQUEST_METHOD"],
                "values": request.values,
                "headers": request.headers,
                "body": self.body,
                "url_path": self.environ["PATH_INFO"],
                "url_params": {},
            }
        ) or {}
        self.environ["wsgi.input"] = io.BytesIO(self.body)

    @property
    def name(self):
        return f"{self.service}:{self.operation}"

    @property
    def action(self):
        return ACTION_OF.get(self.name, self.name)


def werkzeug_request(environ):
    from moto.core.request import Request as MotoRequest

    copy = dict(environ)
    copy["wsgi.input"] = io.BytesIO(environ["wsgi.input"].getvalue())
    return MotoRequest(copy)


def s3_operation(environ):
    method, path, query = environ["REQUEST_METHOD"], environ["PATH_INFO"].strip("/"), environ.get("QUERY_STRING", "")
    if not path:
        return "ListBuckets"
    if "/" not in path:
        for part, name in [("location", "GetBucketLocation"), ("policy", "GetBucketPolicy")]:
            if part in query.split("&") or f"{part}=" in query:
                return name if method == "GET" else name.replace("Get", "Put")
        return {"GET": "ListObjectsV2", "PUT": "CreateBucket", "HEAD": "HeadBucket"}.get(method, method)
    return {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject"}.get(method, method)


class StandIn:
    """The WSGI application."""

    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"].startswith("/_standin/"):
            return seed.control(environ, start_response)
        request = Request(environ)
        arrived = time.monotonic()
        entry = {"at": arrived, "fault": ""}
        try:
            request.understand()
            self.identify(request)
            entry.update(account=request.account, region=request.region, name=request.name)
            fault = STATE.fault_for(request, arrived)
            entry["fault"] = fault["kind"] if fault else ""
            if fault:
                hurt(fault, environ)
            self.authorise(request)
            answer = self.answer(request)
            status, headers, body = answer
            if fault and fault["kind"] == "reset-after":
                reset(environ)
            if fault and fault["kind"] == "kill-after":
                kill(fault, environ)
            if fault and fault["kind"] == "500-after":
                raise Refusal("InternalFailure", "as the fault rule says", 500)
            if fault and fault["kind"] == "hang-after":
                time.sleep(fault.get("seconds", 3600))
            if fault and fault["kind"] == "truncate":
                environ["offkey.truncate"] = True
        except Refusal as refusal:
            status, headers, body = refused(request, refusal)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in here is a server's error
            if isinstance(error, ConnectionResetError):
                entry["status"] = 0
                STATE.note(entry)
                raise
            import traceback

            traceback.print_exc()
            status, headers, body = refused(request, Refusal("InternalFailure", str(error), 500))
        entry["status"] = status
        entry.setdefault("name", request.name)
        STATE.note(entry)
        body = body.encode() if isinstance(body, str) else body
        STATE.record_wire(request, status, headers, body)
        if environ["REQUEST_METHOD"] != "HEAD":
            headers["Content-Length"] = str(len(body))
        start_response(f"{status} x", [(k, str(v)) for k, v in headers.items()])
        return [body]

    def identify(self, request):
        if not request.key:
            raise Refusal("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        who = STATE.who(request.key)
        if who is None:
            code = "InvalidAccessKeyId" if request.service == "s3" else (
                "InvalidClientTokenId" if request.protocol == "query" else "UnrecognizedClientException"
            )
            raise Refusal(code, "The security token included in the request is invalid.", 403)
        request.account, request.principal, request.session_policy = who

    def authorise(self, request):
        if request.name == "sts:GetCallerIdentity":
            return
        if STATE.denied(request):
            raise Refusal(
                "AccessDenied" if request.protocol in ("query", "rest-xml") else "AccessDeniedException",
                f"User: {request.principal} is not authorized to perform: {request.action}"
                " because no identity-based policy allows it",
                403,
            )
        if request.session_policy is not None and not allowed_by(request.session_policy, request.action):
            raise Refusal(
                "AccessDenied" if request.protocol in ("query", "rest-xml") else "AccessDeniedException",
                f"User: {request.principal} is not authorized to perform: {request.action}"
                " because no session policy allows it",
                403,
            )

    def answer(self, request):
        handler = operations.HANDLERS.get(request.name)
        if handler is None:
            return self.ask_moto(request)
        result = handler(request)
        if request.model is None:
            return result
        # These rows lie deeper than paginators cut.
        if request.operation != "GetQueryResults":
            result = paging.page(request, result)
        return serialized(request, result)

    def ask_moto(self, request):
        environ = dict(request.environ)
        environ["wsgi.input"] = io.BytesIO(request.body)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = request.account
        PAGING.request = request
        caught = {}

        def start(status, headers, exc_info=None):
            caught["status"], caught["headers"] = int(status.split(" ")[0]), dict(headers)

        app = self.moto.get_application(environ)
        body = b"".join(app(environ, start))
        PAGING.request = None
        headers = {k: v for k, v in caught["headers"].items() if k.lower() not in ("content-length", "connection")}
        return caught["status"], headers, body


PAGING = threading.local()


def paged(original):
    """moto ignores MaxItems in IAM: what it answers is cut into pages here."""

    def serialized_in_pages(self, action_result):
        request = getattr(PAGING, "request", None)
        if request is not None and request.model is not None and isinstance(action_result.result, dict):
            action_result = ActionResult(paging.page(request, dict(action_result.result)))
        return original(self, action_result)

    return serialized_in_pages


def serialized(request, result):
    cls = get_serializer_class(request.model.service_model.service_name, request.protocol)
    answer = cls(operation_model=request.model).serialize(result)
    return answer["status_code"], dict(answer["headers"]), answer["body"]


def refused(request, refusal):
    """An error in the words of the request's protocol."""
    if request.protocol in ("json", "rest-json"):
        body = json.dumps({"__type": refusal.code, "message": str(refusal)})
        return refusal.status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": refusal.code}, body
    if request.service == "s3":
        body = f"<?xml version=\"1.0\"?><Error><Code>{refusal.code}</Code><Message>{refusal}</Message></Error>"
        return refusal.status, {"Content-Type": "application/xml"}, body
    kind = "Sender" if refusal.status < 500 else "Receiver"
    body = (
        f"<ErrorResponse><Error><Type>{kind}</Type><Code>{refusal.code}</Code><Message>{refusal}</Message></Error>"
        "<RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
    )
    return refusal.status, {"Content-Type": "text/xml"}, body


def allowed_by(policy, action):
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    allowed = False
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in actions):
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


def kill(fault, environ):
    """The client's process goes down at this very moment."""
    with open(fault["pidfile"]) as file:
        os.kill(int(file.read()), signal.SIGKILL)
    reset(environ)


def hurt(fault, environ):
    kind = fault["kind"]
    if kind == "kill-before":
        kill(fault, environ)
    if kind == "throttle":
        raise Refusal(fault.get("code", "Throttling"), "Rate exceeded", 400)
    if kind == "500":
        raise Refusal("InternalFailure", "as the fault rule says", 500)
    if kind == "503":
        raise Refusal("ServiceUnavailable", "as the fault rule says", 503)
    if kind == "deny":
        raise Refusal(fault.get("code", "AccessDenied"), "as the fault rule says", 403)
    if kind in ("delay", "hang"):
        time.sleep(fault.get("seconds", 3600 if kind == "hang" else 1))
    if kind == "reset-before":
        reset(environ)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--wire", help="directory for one recorded exchange of every operation")
    parser.add_argument("--page", type=int, default=1000, help="items a page at most")
    parser.add_argument("--seed", type=int, default=1, help="of the faults' dice")
    arguments = parser.parse_args()
    STATE.wire, STATE.page_size, STATE.dice = arguments.wire, arguments.page, random.Random(arguments.seed)
    BaseResponse.serialized = paged(BaseResponse.serialized)
    http_front.Handler.application = StandIn()
    server = http_front.Server(("127.0.0.1", arguments.port), http_front.Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    # Whoever started it holds the other end of standard input: when that goes, so does the server.
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
