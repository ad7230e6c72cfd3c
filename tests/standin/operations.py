"""Operations that moto lacks or answers too simply. Each takes a request and returns a result in boto3's shape."""

import datetime
import fnmatch
import json
import random
import string

from moto.iam.models import iam_backends

from state import STATE, Refusal

UTC = datetime.timezone.utc
HANDLERS = {}


def handles(name):
    def register(function):
        HANDLERS[name] = function
        return function

    return register


def now():
    return datetime.datetime.now(UTC).replace(microsecond=0)


def iam(account):
    return iam_backends[account]["aws"]


# STS


@handles("sts:GetCallerIdentity")
def get_caller_identity(request):
    return {"UserId": "AIDAEXAMPLE", "Account": request.account, "Arn": request.principal}


@handles("sts:AssumeRole")
def assume_role(request):
    arn, session = request.params["RoleArn"], request.params["RoleSessionName"]
    account, role = arn.split(":")[4], arn.split(":role/", 1)[1]
    refused = Refusal("AccessDenied", f"User: {request.principal} is not authorized to perform: sts:AssumeRole on resource: {arn}", 403)
    if not any(r.arn == arn for r in iam(account).roles.values()):
        raise refused
    if STATE.external_id.get(arn) not in (None, request.params.get("ExternalId")):
        raise refused
    if arn in STATE.mfa_required and request.params.get("TokenCode") != "123456":
        raise refused
    policy = json.loads(request.params["Policy"]) if request.params.get("Policy") else None
    with STATE.lock:
        STATE.sessions += 1
        number = STATE.sessions
        key = "ASIA" + "".join(random.Random(f"{arn} {number}").choices(string.ascii_uppercase, k=16))
        name = role.rsplit("/", 1)[-1]
        principal = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
        STATE.signers[key] = (account, principal, policy)
    return {
        "Credentials": {
            "AccessKeyId": key, "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "SessionToken": f"session-{number}",
            "Expiration": now() + datetime.timedelta(hours=1),
        },
        "AssumedRoleUser": {"AssumedRoleId": f"AROAEXAMPLE:{session}", "Arn": principal},
    }


@handles("sts:GetSessionToken")
def get_session_token(request):
    if request.params.get("SerialNumber") and request.params.get("TokenCode") != "123456":
        raise Refusal("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.", 403)
    with STATE.lock:
        STATE.sessions += 1
        key = "ASIA" + "".join(random.Random(f"token {STATE.sessions}").choices(string.ascii_uppercase, k=16))
        STATE.signers[key] = (request.account, request.principal, None)
    return {
        "Credentials": {
            "AccessKeyId": key, "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "SessionToken": f"token-{STATE.sessions}",
            "Expiration": now() + datetime.timedelta(hours=12),
        }
    }


# Organizations and the account


def shown(account):
    known = STATE.accounts[account]
    return {
        "Id": account, "Name": known["name"], "Status": known["status"], "State": known["status"],
        "Arn": f"arn:aws:organizations::111122223333:account/o-exampleorg1/{account}", "Email": f"{account}@example.com",
        "JoinedMethod": "CREATED",
    }


def in_management(request):
    if request.account != "111122223333":
        code = "AccessDeniedException"
        raise Refusal(code, "You don't have permissions to access this resource.", 400)
    if not STATE.accounts:
        raise Refusal("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")


@handles("organizations:ListAccounts")
def list_accounts(request):
    in_management(request)
    return {"Accounts": [shown(account) for account in sorted(STATE.accounts)]}


@handles("organizations:ListRoots")
def list_roots(request):
    in_management(request)
    return {"Roots": [{"Id": "r-exam", "Name": "Root", "Arn": "arn:aws:organizations::111122223333:root/o-exampleorg1/r-exam"}]}


@handles("organizations:ListOrganizationalUnitsForParent")
def list_units(request):
    in_management(request)
    parent = request.params["ParentId"]
    return {"OrganizationalUnits": [{"Id": unit, "Name": name} for unit, (name, above) in sorted(STATE.units.items()) if above == parent]}


@handles("organizations:ListAccountsForParent")
def list_accounts_of(request):
    in_management(request)
    parent = request.params["ParentId"]
    return {"Accounts": [shown(account) for account in sorted(STATE.accounts) if STATE.accounts[account]["ou"] == parent]}


@handles("account:ListRegions")
def list_regions(request):
    wanted = request.params.get("RegionOptStatusContains")
    regions = [{"RegionName": region, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for region in STATE.regions]
    regions.append({"RegionName": "ap-east-1", "RegionOptStatus": "DISABLED"})
    return {"Regions": [r for r in regions if not wanted or r["RegionOptStatus"] in wanted]}


# IAM

# The three that are asked of every user or key: moto has them, and takes five times as long.


def user_of(request):
    user = iam(request.account).users.get(request.params["UserName"])
    if user is None:
        raise Refusal("NoSuchEntity", f"The user with name {request.params['UserName']} cannot be found.", 404)
    return user


@handles("iam:ListAccessKeys")
def list_access_keys(request):
    keys = [
        {"UserName": key.user_name, "AccessKeyId": key.access_key_id, "Status": key.status, "CreateDate": key.create_date}
        for key in user_of(request).access_keys
    ]
    return {"AccessKeyMetadata": keys}


@handles("iam:GetAccessKeyLastUsed")
def get_access_key_last_used(request):
    key = iam(request.account).access_keys.get(request.params["AccessKeyId"])
    if key is None:
        raise Refusal("AccessDenied", f"User: {request.principal} is not authorized to perform: iam:GetAccessKeyLastUsed", 403)
    used = {"ServiceName": "N/A", "Region": "N/A"}
    if key.last_used:
        used = {"LastUsedDate": key.last_used.timestamp, "ServiceName": key.last_used.service, "Region": key.last_used.region}
    return {"UserName": key.user_name, "AccessKeyLastUsed": used}


@handles("iam:ListSSHPublicKeys")
def list_ssh_public_keys(request):
    keys = [
        {"UserName": key.user_name, "SSHPublicKeyId": key.ssh_public_key_id, "Status": key.status, "UploadDate": key.upload_date}
        for key in user_of(request).ssh_public_keys
    ]
    return {"SSHPublicKeys": keys}


REPORT_AGE = datetime.timedelta(hours=4)


@handles("iam:GenerateCredentialReport")
def generate_credential_report(request):
    known = STATE.reports.get(request.account)
    if known and now() - known["made"] < REPORT_AGE:
        return {"State": "COMPLETE"}
    if known is None or not known.get("started"):
        STATE.reports[request.account] = {"made": now() - REPORT_AGE * 2, "started": True}
        return {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}
    STATE.reports[request.account] = {"made": now(), "content": credential_report(request.account)}
    return {"State": "COMPLETE"}


@handles("iam:GetCredentialReport")
def get_credential_report(request):
    known = STATE.reports.get(request.account)
    if known is None:
        raise Refusal("ReportNotPresent", "No report present.", 410)
    if "content" not in known:
        raise Refusal("ReportInProgress", "The report is being made.", 404)
    if now() - known["made"] >= REPORT_AGE:
        raise Refusal("ReportExpired", "The report is older than four hours.", 410)
    return {"Content": known["content"].encode(), "ReportFormat": "text/csv", "GeneratedTime": known["made"]}


COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,"
    "access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,"
    "access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def credential_report(account):
    """The report of what IAM holds. Root's row is seeded, as IAM's API cannot make one."""
    lines = [COLUMNS]
    root = STATE.extras[account].get("root")
    lines.append(root or f"<root_account>,arn:aws:iam::{account}:root,2015-03-01T00:00:00+00:00,not_supported,no_information,not_supported,not_supported,true" + ",false,N/A,N/A,N/A,N/A" * 2 + ",false,N/A,false,N/A")
    for user in iam(account).users.values():
        password = getattr(user, "report_password", None) or ("true,no_information,N/A,N/A" if user.password else "false,N/A,N/A,N/A")
        row = f"{user.name},{user.arn},{stamp(user.create_date)},{password},{'true' if user.mfa_devices else 'false'}"
        for slot in range(2):
            keys = user.access_keys
            if slot >= len(keys):
                row += ",false,N/A,N/A,N/A,N/A"
                continue
            key = keys[slot]
            used = key.last_used
            last = f"{stamp(used.timestamp)},{used.region},{used.service}" if used else "N/A,N/A,N/A"
            row += f",{'true' if key.status == 'Active' else 'false'},{stamp(key.create_date)},{last}"
        lines.append(row + ",false,N/A,false,N/A")
    return "\n".join(lines) + "\n"


@handles("iam:ListServiceSpecificCredentials")
def list_service_specific_credentials(request):
    known = STATE.extras[request.account].get("service_credentials", {})
    user = request.params.get("UserName")
    credentials = [
        {
            "UserName": name, "Status": "Active", "ServiceUserName": f"{name}-at-{request.account}", "ServiceName": service,
            "CreateDate": now(), "ServiceSpecificCredentialId": f"ACCAEXAMPLE{n:09}",
        }
        for name, services in known.items() for n, service in enumerate(services) if user in (None, name)
    ]
    return {"ServiceSpecificCredentials": credentials}


@handles("iam:GenerateServiceLastAccessedDetails")
def generate_service_last_accessed(request):
    arn = request.params["Arn"]
    with STATE.lock:
        job = f"{len(STATE.jobs):08x}-0000-4000-8000-000000000000"
        STATE.jobs[job] = [arn, 1, request.params.get("Granularity", "SERVICE_LEVEL")]
    return {"JobId": job}


@handles("iam:GetServiceLastAccessedDetails")
def get_service_last_accessed(request):
    job = STATE.jobs.get(request.params["JobId"])
    if job is None:
        raise Refusal("NoSuchEntity", "no such job", 404)
    arn, waits, granularity = job
    if waits > 0:
        job[1] -= 1
        return {"JobStatus": "IN_PROGRESS", "JobCreationDate": now(), "ServicesLastAccessed": [], "JobCompletionDate": now(), "IsTruncated": False}
    services = [service_used(arn, granularity, *used) for used in STATE.accessed.get(arn, [])]
    return {
        "JobStatus": "COMPLETED", "JobType": granularity, "JobCreationDate": now(), "JobCompletionDate": now(),
        "ServicesLastAccessed": services, "IsTruncated": False,
    }


def service_used(arn, granularity, namespace, time, actions):
    shown = {
        "ServiceName": namespace, "ServiceNamespace": namespace, "LastAuthenticated": time, "LastAuthenticatedEntity": arn,
        "LastAuthenticatedRegion": "us-east-1", "TotalAuthenticatedEntities": 1,
    }
    if granularity == "ACTION_LEVEL":
        shown["TrackedActionsLastAccessed"] = [
            {"ActionName": action, "LastAccessedEntity": arn, "LastAccessedTime": time, "LastAccessedRegion": "us-east-1"} for action in actions
        ]
    return shown


@handles("iam:SimulateCustomPolicy")
def simulate_custom_policy(request):
    documents = [json.loads(policy) for policy in request.params["PolicyInputList"]]
    results = []
    for action in request.params["ActionNames"]:
        for resource in request.params.get("ResourceArns") or ["*"]:
            decision = "implicitDeny"
            for document in documents:
                statements = document["Statement"]
                for statement in statements if isinstance(statements, list) else [statements]:
                    listed = lambda name: [statement[name]] if isinstance(statement.get(name), str) else statement.get(name, [])
                    fits = any(fnmatch.fnmatchcase(action.lower(), a.lower()) for a in listed("Action"))
                    if fits and any(fnmatch.fnmatchcase(resource, r) for r in listed("Resource")) and not statement.get("Condition"):
                        decision = "explicitDeny" if statement["Effect"] == "Deny" or decision == "explicitDeny" else "allowed"
            results.append({"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision})
    return {"EvaluationResults": results, "IsTruncated": False}


# CloudTrail


@handles("cloudtrail:DescribeTrails")
def describe_trails(request):
    return {"trailList": STATE.extras[request.account].get("trails", [])}


@handles("cloudtrail:GetTrailStatus")
def get_trail_status(request):
    arn = request.params["Name"]
    status = STATE.extras[request.account].get("trail_status", {}).get(arn, {})
    return {"IsLogging": status.get("IsLogging", True), "LatestDeliveryTime": now(), **({"StartLoggingTime": parse(status["StartLoggingTime"])} if "StartLoggingTime" in status else {})}


@handles("cloudtrail:GetEventSelectors")
def get_event_selectors(request):
    arn = request.params["TrailName"]
    selectors = STATE.extras[request.account].get("selectors", {})
    if arn not in selectors:
        raise Refusal("TrailNotFoundException", f"Unknown trail: {arn}")
    return {"TrailARN": arn, **selectors[arn]}


def parse(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@handles("cloudtrail:LookupEvents")
def lookup_events(request):
    if not STATE.lookup_allowed(request.account, request.region):
        raise Refusal("ThrottlingException", "Rate exceeded")
    params = request.params
    attributes = params.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise Refusal("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
    if int(params.get("MaxResults") or 50) > 50:
        raise Refusal("InvalidMaxResultsException", "MaxResults is at most 50.")
    utc = lambda time: time if time.tzinfo else time.replace(tzinfo=UTC)
    start = utc(params["StartTime"]) if params.get("StartTime") else None
    end = utc(params["EndTime"]) if params.get("EndTime") else None
    if start and end and start > end:
        raise Refusal("InvalidTimeRangeException", "The start is after the end.")
    oldest = now() - datetime.timedelta(days=90)

    def wanted(event):
        time = event["EventTime"]
        if time < oldest or start and time < start or end and time > end:
            return False
        for attribute in attributes:
            name, value = attribute["AttributeKey"], attribute["AttributeValue"]
            if event.get({"EventId": "EventId", "AccessKeyId": "AccessKeyId", "Username": "Username", "EventName": "EventName"}[name]) != value:
                return False
        return True

    found = [event for event in STATE.events[request.account, request.region] if wanted(event)]
    # The paginator's limit is the default page: 50.
    params.setdefault("MaxResults", 50)
    return {"Events": found}


# Cloud Control


@handles("cloudcontrol:ListResources")
def list_resources(request):
    kind = request.params["TypeName"]
    handler = {"AWS::EC2::EIP": "ec2:DescribeAddresses", "AWS::RolesAnywhere::TrustAnchor": "rolesanywhere:ListTrustAnchors"}[kind]
    if STATE.denied(request, handler):
        raise Refusal("AccessDeniedException", f"User: {request.principal} is not authorized to perform: {handler} because no identity-based policy allows it", 400)
    known = STATE.extras[request.account].get("resources", {}).get(f"{kind}@{request.region}", [])
    found = [{"Identifier": str(n), "Properties": json.dumps(properties)} for n, properties in enumerate(known)]
    return {"TypeName": kind, "ResourceDescriptions": found}
