"""Cuts answers into pages as the services' paginators say, however few items a page the test wants."""

import base64
import functools
import json

import botocore.session

from state import STATE, Refusal


@functools.cache
def paginators(service):
    try:
        loader = botocore.session.get_session().get_component("data_loader")
        return loader.load_service_model(service, "paginators-1")["pagination"]
    except Exception:  # noqa: BLE001 - a service without paginators
        return {}


def page(request, result):
    """One page of a result, with its token."""
    rule = paginators(request.service).get(request.operation)
    if rule is None or not isinstance(rule["input_token"], str):
        return result
    keys = rule["result_key"] if isinstance(rule["result_key"], list) else [rule["result_key"]]
    keys = [key for key in keys if "." not in key]
    given = request.params.get(rule["input_token"])
    start = 0
    if given:
        try:
            start, params = json.loads(base64.b64decode(given))
        except ValueError:
            raise Refusal("ValidationError", "the token is not valid") from None
        if params != fingerprint(request, rule):
            raise Refusal("InvalidNextTokenException", "the token is of another request")
    limit = request.params.get(rule.get("limit_key") or "") or STATE.page_size
    limit = min(int(limit), STATE.page_size)
    items = [(key, item) for key in keys for item in (result.get(key) or [])]
    chosen = items[start : start + limit]
    for key in keys:
        result[key] = [item for k, item in chosen if k == key]
    more = start + limit < len(items)
    token = base64.b64encode(json.dumps([start + limit, fingerprint(request, rule)]).encode()).decode()
    output = rule["output_token"] if isinstance(rule["output_token"], str) else rule["output_token"][0]
    if "." not in output:
        result[output] = token if more else None
    if rule.get("more_results"):
        result[rule["more_results"]] = more
    return result


def fingerprint(request, rule):
    left_out = (rule["input_token"], rule.get("limit_key"))
    return json.dumps({k: str(v) for k, v in sorted(request.params.items()) if k not in left_out})
