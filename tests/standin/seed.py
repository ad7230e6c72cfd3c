"""What tests tell the stand-in: whom it has, what happened, what is to fail; and what they ask of it afterwards."""

import collections
import csv
import datetime
import io
import json
import urllib.parse

from moto.iam.models import AccessKeyLastUsed, ManagedPolicy, iam_backends

import operations
from state import MANAGEMENT, OPERATOR_KEY, STATE

UTC = datetime.timezone.utc
READER = "offkey-reader"


def control(environ, start_response):
    name = environ["PATH_INFO"].rsplit("/", 1)[-1]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    content = json.loads(environ["wsgi.input"].read(length) or b"{}")
    answer = json.dumps(CONTROLS[name](content) or {}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


def time_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def backend(account):
    return iam_backends[account]["aws"]


def add_account(account, name=None, unit="r-exam", status="ACTIVE", reader=True):
    STATE.accounts[account] = {"name": name or f"account-{account}", "ou": unit, "status": status}
    roles = backend(account).roles
    if reader and not any(role.name == READER for role in roles.values()):
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:AssumeRole"}]}
        backend(account).create_role(READER, json.dumps(trust), "/", None, "", [], "3600")


def add_user(account, name, path="/", created=None, user_id=None, tags=(), policies=(), groups=(), attached=()):
    iam = backend(account)
    user = iam.create_user("us-east-1", name, path, list(tags))
    if created:
        user.create_date = created
    if user_id:
        user.id = user_id
    for policy in policies:
        user.policies[policy["PolicyName"]] = json.dumps(policy["PolicyDocument"])
    for group in groups:
        iam.add_user_to_group(group, name)
    for arn in attached:
        policy = iam.managed_policies.get(arn) or managed(account, arn, None)
        policy.attach_to(user)
    return user


def managed(account, arn, document):
    """A managed policy, AWS's own among them, with its ARN as it is."""
    owner, path = arn.split(":")[4], "/" + arn.split(":policy/", 1)[1]
    path, name = path.rsplit("/", 1)
    policy = ManagedPolicy(name, account_id=owner if owner != "aws" else "aws", region="us-east-1", default_version_id="v1", description="", document=json.dumps(document or {"Version": "2012-10-17", "Statement": []}), path=path + "/")
    if document is not None:
        backend(account).managed_policies[arn] = policy
    return policy


def add_key(account, user, key_id, status, created, used=None):
    iam = backend(account)
    key = iam.users[user].create_access_key(prefix="AKIA", status=status)
    key.access_key_id, key.create_date = key_id, created
    key.last_used = AccessKeyLastUsed(*used) if used else None
    iam.access_keys[key_id] = key


def estate(content):
    """An estate's exports: every account's authorization details, credential report, keys, trails and selectors."""
    for account, exports in content["accounts"].items():
        add_account(account, exports.get("name"))
        details = exports["details"]
        iam = backend(account)
        for policy in details.get("Policies", []):
            version = next(v for v in policy["PolicyVersionList"] if v["IsDefaultVersion"])
            managed(account, policy["Arn"], version["Document"])
        for role in details.get("RoleDetailList", []):
            made = iam.create_role(role["RoleName"], json.dumps(role["AssumeRolePolicyDocument"]), role["Path"], None, "", [], "3600")
            made.create_date = time_of(role["CreateDate"])
        for group in details.get("GroupDetailList", []):
            made = iam.create_group(group["GroupName"], group["Path"])
            for policy in group["GroupPolicyList"]:
                made.policies[policy["PolicyName"]] = json.dumps(policy["PolicyDocument"])
        for user in details.get("UserDetailList", []):
            attached = [policy["PolicyArn"] for policy in user["AttachedManagedPolicies"]]
            add_user(account, user["UserName"], user["Path"], time_of(user["CreateDate"]), user["UserId"], user["Tags"], user["UserPolicyList"], user["GroupList"], attached)
        slots = {}
        for row in csv.DictReader(io.StringIO(exports["report"])):
            if row["user"] == "<root_account>":
                STATE.extras[account]["root"] = ",".join(row.values())
            elif row["user"] in iam.users:
                iam.users[row["user"]].report_password = ",".join(row[c] for c in ("password_enabled", "password_last_used", "password_last_changed", "password_next_rotation"))
            else:
                # Users that only the report knows: people with a password.
                user = add_user(account, row["user"], "/", time_of(row["user_creation_time"]))
                user.report_password = ",".join(row[c] for c in ("password_enabled", "password_last_used", "password_last_changed", "password_next_rotation"))
            for slot in "12":
                used = row[f"access_key_{slot}_last_used_date"]
                if used != "N/A":
                    last = (time_of(used), row[f"access_key_{slot}_last_used_service"], row[f"access_key_{slot}_last_used_region"])
                    slots[row["user"], time_of(row[f"access_key_{slot}_last_rotated"])] = last
        for key in exports["keys"]:
            created = time_of(key["CreateDate"])
            if "UserName" not in key:
                continue
            used = slots.get((key["UserName"], created))
            add_key(account, key["UserName"], key["AccessKeyId"], key["Status"], created, used)
        STATE.extras[account]["trails"] = exports["trails"]["trailList"]
        STATE.extras[account]["selectors"] = {exports["selectors"]["TrailARN"]: {k: v for k, v in exports["selectors"].items() if k != "TrailARN"}}
    if content.get("regions"):
        STATE.regions = content["regions"]


def organization(content):
    """A made-up organization: so many accounts, users each and keys each."""
    count, users, keys = content["accounts"], content["users"], content["keys"]
    STATE.regions = content.get("regions", ["us-east-1", "eu-west-1"])
    created, used = datetime.datetime(2024, 1, 1, tzinfo=UTC), datetime.datetime(2026, 9, 1, tzinfo=UTC)
    for a in range(count):
        account = MANAGEMENT if a == 0 else f"{444400000000 + a}"
        add_account(account)
        for u in range(users):
            name = f"user-{u:04}"
            add_user(account, name, created=created, user_id=f"AIDAEXAMPLE{a:04}{u:05}", tags=[{"Key": "team", "Value": f"team-{u % 7}"}],
                     policies=[{"PolicyName": "inline", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}}])
            for k in range(keys):
                number = (a * users + u) * keys + k
                last = (used + datetime.timedelta(minutes=number % 9000), "s3", "us-east-1") if number % 3 else None
                add_key(account, name, f"AKIAEXAMPLE{number:09}", "Active" if number % 5 else "Inactive", created + datetime.timedelta(days=k), last)
            STATE.accessed[f"arn:aws:iam::{account}:user/{name}"] = [("s3", used, ["ListBuckets"])]
    return {"accounts": count}


def events(content):
    """Adds records as LookupEvents would find them: management events only, newest first."""
    touched = set()
    for record in content["records"]:
        account, region = record["recipientAccountId"], record["awsRegion"]
        identity = record.get("userIdentity") or {}
        STATE.events[account, region].append({
            "EventId": record["eventID"], "EventName": record["eventName"], "ReadOnly": "true", "EventTime": time_of(record["eventTime"]),
            "EventSource": record["eventSource"], "AccessKeyId": identity.get("accessKeyId", ""), "Username": identity.get("userName", ""),
            "Resources": [], "CloudTrailEvent": record.get("raw") or json.dumps(record),
        })
        touched.add((account, region))
    for place in touched:
        STATE.events[place].sort(key=lambda event: (event["EventTime"], event["EventId"]), reverse=True)


def accounts(content):
    for account in content["accounts"]:
        add_account(account["id"], account.get("name"), account.get("ou", "r-exam"), account.get("status", "ACTIVE"), account.get("reader", True))
    for unit, (name, above) in content.get("units", {}).items():
        STATE.units[unit] = (name, above)
    STATE.regions = content.get("regions", STATE.regions)


def users(content):
    for user in content["users"]:
        account = user.get("account", MANAGEMENT)
        add_user(account, user["name"], created=time_of(user.get("created", "2024-01-01T00:00:00Z")), tags=user.get("tags", []), policies=user.get("policies", []), attached=user.get("attached", []))
        for key in user.get("keys", []):
            used = key.get("used")
            last = (time_of(used["time"]), used["service"], used["region"]) if used else None
            add_key(account, user["name"], key["id"], key.get("status", "Active"), time_of(key.get("created", "2024-01-01T00:00:00Z")), last)
        if user.get("password"):
            backend(account).create_login_profile(user["name"], user["password"])
        for body in user.get("ssh", []):
            backend(account).upload_ssh_public_key(user["name"], body)
        if user.get("service_credentials"):
            STATE.extras[account].setdefault("service_credentials", {})[user["name"]] = user["service_credentials"]
        if user.get("accessed"):
            arn = backend(account).users[user["name"]].arn
            STATE.accessed[arn] = [(s["service"], time_of(s["time"]), s.get("actions", [])) for s in user["accessed"]]


def extras(content):
    for account, what in content.items():
        STATE.extras[account].update(what)


def roles(content):
    STATE.external_id.update(content.get("external_id", {}))
    STATE.mfa_required.update(content.get("mfa", []))


def put_object(content):
    from moto.s3.models import s3_backends

    s3 = s3_backends[MANAGEMENT]["aws"]
    if content["bucket"] not in s3.buckets:
        s3.create_bucket(content["bucket"], "us-east-1")
    s3.put_object(content["bucket"], content["key"], b"x")


def things(_content):
    """One of everything whose policies can be asked for."""
    from moto.kms.models import kms_backends
    from moto.secretsmanager.models import secretsmanager_backends
    from moto.sns.models import sns_backends
    from moto.sqs.models import sqs_backends

    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:user/ci"}, "Action": "*", "Resource": "*"}]})
    from moto.s3.models import s3_backends

    region = "us-east-1"
    s3 = s3_backends[MANAGEMENT]["aws"]
    for bucket in list(s3.buckets):
        s3.put_bucket_policy(bucket, policy.encode())
    kms = kms_backends[MANAGEMENT][region]
    key = kms.create_key(policy=policy, key_usage="ENCRYPT_DECRYPT", key_spec="SYMMETRIC_DEFAULT", description="", tags=[])
    kms.create_grant(key.id, f"arn:aws:iam::{MANAGEMENT}:user/ci", ["Decrypt"], "", {}, "")
    sqs_backends[MANAGEMENT][region].create_queue("jobs", {}, Policy=policy)
    sns_backends[MANAGEMENT][region].create_topic("news", {"Policy": policy})
    secrets = secretsmanager_backends[MANAGEMENT][region]
    secrets.create_secret("example", "x", None, None, [], None, None, [], False)
    secrets.put_resource_policy("example", policy)


def log(_content):
    with STATE.lock:
        calls = collections.Counter((e.get("account", ""), e.get("region", ""), e.get("name", ""), e.get("status", 0), e["fault"]) for e in STATE.log)
        return {
            "calls": [{"account": a, "region": r, "name": n, "status": s, "fault": f, "count": c} for (a, r, n, s, f), c in sorted(calls.items())],
            "lookup_violations": STATE.lookup_violations,
            "span": (STATE.log[-1]["at"] - STATE.log[0]["at"]) if STATE.log else 0,
        }


def forget(_content):
    with STATE.lock:
        STATE.log.clear()
        STATE.reports.clear()
        STATE.lookup_violations = 0
        STATE.lookups.clear()


def group(content):
    iam = backend(MANAGEMENT)
    made = iam.create_group(content["name"], "/")
    managed(MANAGEMENT, "arn:aws:iam::aws:policy/ReadOnlyAccess", None).attach_to(made)
    for user in content["users"]:
        iam.add_user_to_group(content["name"], user)


def role(content):
    """A role that the management account may take."""
    account = content.get("account", MANAGEMENT)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:AssumeRole"}]}
    backend(account).create_role(content["name"], json.dumps(trust), "/", None, "", [], "3600")


def clock(content):
    STATE.offset = content.get("offset", STATE.offset) + content.get("add", 0)
    return {"offset": STATE.offset}


def life(content):
    """How keys live: the canary in secrets, convergence, adoption, the jump of the clock."""
    for name in ("canary", "converge", "adopts", "jump_days"):
        if name in content:
            setattr(STATE, name, content[name])


def seen(content):
    """What IAM and the secret stores hold now."""
    from moto.secretsmanager.models import secretsmanager_backends
    from moto.ssm.models import ssm_backends

    account = content.get("account", MANAGEMENT)
    region = content.get("region", "us-east-1")
    people = {}
    for user in backend(account).users.values():
        if content.get("user") not in (None, user.name):
            continue
        people[user.name] = {
            "keys": {k.access_key_id: {"status": k.status, "secret": k.secret_access_key} for k in user.access_keys},
            "tags": {tag["Key"]: tag["Value"] for tag in backend(account).tagger.list_tags_for_resource(user.arn)["Tags"]},
        }
    secrets = {}
    for secret in secretsmanager_backends[account][region].secrets.values():
        if content.get("secret") not in (None, secret.name):
            continue
        secrets[secret.name] = {stage: v.get("secret_string") for v in secret.versions.values() for stage in v.get("version_stages", [])}
    parameters = {p.name: p.value for versions in ssm_backends[account][region]._parameters.values() for p in versions[-1:]}
    return {"users": people, "secrets": secrets, "parameters": parameters, "violations": STATE.violations}


def change(content):
    """What somebody else does by hand."""
    iam = backend(content.get("account", MANAGEMENT))
    user = iam.users[content["user"]]
    for key in list(user.access_keys):
        if key.access_key_id == content.get("key") and "to" in content:
            if content["to"] == "deleted":
                user.access_keys.remove(key)
                iam.access_keys.pop(key.access_key_id, None)
            else:
                key.status = content["to"]
    if content.get("add"):
        add_key(content.get("account", MANAGEMENT), user.name, content["add"], "Active", time_of(content["created"]), None)
    if "used" in content:
        key = iam.access_keys.get(content["key"])
        if key is not None:
            key.last_used = AccessKeyLastUsed(time_of(content["used"]), content.get("service", "s3"), "us-east-1")
    for name, value in content.get("tags", {}).items():
        if value is None:
            iam.untag_user(user.name, [name])
        else:
            iam.tag_user(user.name, [{"Key": name, "Value": value}])


def secret(content):
    from moto.secretsmanager.models import secretsmanager_backends
    from moto.ssm.models import ssm_backends

    region = content.get("region", "us-east-1")
    account = content.get("account", MANAGEMENT)
    if content.get("parameter"):
        ssm_backends[account][region].put_parameter(content["parameter"], "", content["text"], content.get("type", "SecureString"), "", content.get("key_id", "alias/aws/ssm"), True, [], "text", None, None)
        return
    secretsmanager_backends[account][region].create_secret(content["name"], content.get("text"), None, None, [], None, None, [], False)


def clear(_content):
    """Everything is as it was when the server started."""
    from moto.iam.models import iam_backends
    from moto.secretsmanager.models import secretsmanager_backends
    from moto.ssm.models import ssm_backends

    for backends in (iam_backends, secretsmanager_backends, ssm_backends):
        for account in list(backends):
            for one in backends[account].values():
                one.reset()
    STATE.clear()


CONTROLS = {
    "role": role,
    "group": group,
    "clock": clock,
    "life": life,
    "seen": seen,
    "change": change,
    "secret": secret,
    "clear": clear,
    "estate": estate,
    "organization": organization,
    "events": events,
    "accounts": accounts,
    "users": users,
    "extras": extras,
    "roles": roles,
    "faults": lambda content: setattr(STATE, "faults", content["rules"]),
    "denials": lambda content: setattr(STATE, "denials", content["rules"]),
    "signers": lambda content: STATE.signers.update({k: tuple(v) for k, v in content.items()}),
    "page": lambda content: setattr(STATE, "page_size", content["size"]),
    "object": put_object,
    "things": things,
    "log": log,
    "forget": forget,
}
