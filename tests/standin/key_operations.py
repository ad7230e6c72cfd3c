"""What keys live through: made, described, adopted by their consumers, deactivated, deleted; and what must never happen."""

import datetime
import random
import string
import time

from moto.iam.models import AccessKeyLastUsed

import operations
from operations import handles, iam, user_of
from state import STATE, Refusal

UTC = datetime.timezone.utc


def now():
    """AWS's time."""
    return datetime.datetime.now(UTC).replace(microsecond=0) + datetime.timedelta(seconds=STATE.offset)


def key_of(request):
    user = user_of(request)
    for key in user.access_keys:
        if key.access_key_id == request.params["AccessKeyId"]:
            return user, key
    raise Refusal("NoSuchEntity", f"The Access Key with id {request.params['AccessKeyId']} cannot be found.", 404)


@handles("iam:CreateAccessKey")
def create_access_key(request):
    user = user_of(request)
    if len(user.access_keys) >= 2:
        raise Refusal("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409)
    key = user.create_access_key(prefix="AKIA")
    letters = string.ascii_letters + string.digits + "/+"
    key.secret_access_key = STATE.canary + "".join(random.choices(letters, k=40 - len(STATE.canary)))
    key.create_date = now()
    iam(request.account).access_keys[key.access_key_id] = key
    STATE.made[key.access_key_id] = time.monotonic()
    if len(user.access_keys) > 2:
        STATE.violations.append(f"{user.name} has {len(user.access_keys)} keys")
    return {
        "AccessKey": {
            "UserName": user.name, "AccessKeyId": key.access_key_id, "Status": "Active",
            "SecretAccessKey": key.secret_access_key, "CreateDate": key.create_date,
        }
    }


@handles("iam:UpdateAccessKey")
def update_access_key(request):
    user, key = key_of(request)
    key.status = request.params["Status"]
    if key.status == "Inactive" and STATE.jump_days and not any(k.status == "Active" for k in user.access_keys if k is key):
        # A lost key is deactivated as well: that is no beginning of a wait.
        if key.last_used is not None:
            STATE.offset += STATE.jump_days * 86400
    return {}


@handles("iam:DeleteAccessKey")
def delete_access_key(request):
    user, key = key_of(request)
    if key.status == "Active":
        STATE.violations.append(f"{key.access_key_id} of {user.name} was deleted while Active")
    user.access_keys = [other for other in user.access_keys if other is not key]
    iam(request.account).access_keys.pop(key.access_key_id, None)
    return {}


@handles("sts:GetCallerIdentity")
def get_caller_identity(request):
    from moto.iam.models import iam_backends

    key = iam_backends[request.account]["aws"].access_keys.get(request.key)
    if key is not None:
        # Asking is a use; consumers come after.
        key.last_used = AccessKeyLastUsed(now(), "s3" if STATE.adopts else "sts", "us-east-1")
    return operations.get_caller_identity(request)
