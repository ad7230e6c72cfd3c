"""What the stand-in knows besides moto's own state: who signs, what fails, what was asked."""

import collections
import json
import os
import random
import threading
import time

OPERATOR_KEY = "AKIAIOSFODNN7EXAMPLE"
MANAGEMENT = "111122223333"


class Refusal(Exception):
    """An error that AWS would answer with."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.status = code, status


class State:
    def __init__(self):
        self.lock = threading.RLock()
        self.wire, self.page_size, self.dice = None, 1000, random.Random(1)
        self.clear()

    def clear(self):
        with self.lock:
            # Access key id → (account, ARN of the principal, session policy).
            self.signers = {OPERATOR_KEY: (MANAGEMENT, f"arn:aws:iam::{MANAGEMENT}:user/operator", None)}
            self.inactive = set()
            self.faults, self.denials = [], []
            self.log, self.recorded = [], set()
            # Account id → {"name", "ou", "status"}; organizational units by id → (name, parent).
            self.accounts, self.units = {}, {}
            self.regions = ["us-east-1"]
            # (account, region) → events, newest first, as LookupEvents gives them.
            self.events = collections.defaultdict(list)
            self.lookups, self.lookup_violations = collections.defaultdict(list), 0
            self.reports, self.jobs, self.accessed = {}, {}, {}
            # Account → {"root": …, "trails": [...], "selectors": {...}, "resources": {type: [...]}, "roles": [...]}.
            self.extras = collections.defaultdict(dict)
            self.mfa_required, self.external_id = set(), {}
            self.sessions = 0
            # AWS's clock, in seconds beside this machine's; days that it jumps when a key is deactivated.
            self.offset, self.jump_days = 0, 0
            # Secrets of new keys begin so; new keys are known after so many seconds; whether consumers take new keys up.
            self.canary, self.converge, self.adopts, self.made = "", 0, False, {}
            self.violations = []

    def who(self, key):
        with self.lock:
            if key in self.inactive:
                return None
            if key in self.signers:
                return self.signers[key]
        from moto.iam.models import iam_backends

        for account, backends in list(iam_backends.items()):
            found = backends["aws"].access_keys.get(key)
            if found is not None:
                if found.status != "Active":
                    return None
                if time.monotonic() - self.made.get(key, float("-inf")) < self.converge:
                    return None
                return account, f"arn:aws:iam::{account}:user/{found.user_name}", None
        return None

    def denied(self, request, action=None):
        with self.lock:
            return any(
                rule["action"] == (action or request.action) and rule.get("account") in (None, request.account)
                and rule.get("region") in (None, request.region)
                for rule in self.denials
            )

    def fault_for(self, request, now):
        """The first rule that strikes. A rule: service, operation, account, region (all optional), kind, and when:
        rate (of one), count (how often at most), after (how many are let through first)."""
        with self.lock:
            for rule in self.faults:
                fits = all(
                    rule.get(name) in (None, value)
                    for name, value in [
                        ("service", request.service), ("operation", request.operation),
                        ("account", request.account), ("region", request.region),
                    ]
                )
                if not fits or rule.get("count", 1) <= 0:
                    continue
                if rule.get("after", 0) > 0:
                    rule["after"] -= 1
                    continue
                if self.dice.random() < rule.get("rate", 1):
                    if "count" in rule:
                        rule["count"] -= 1
                    return rule
        return None

    def note(self, entry):
        with self.lock:
            self.log.append(entry)

    def record_wire(self, request, status, headers, body):
        """Keeps the first successful exchange of every operation, for the check against botocore's models."""
        if not self.wire or request.name in self.recorded or status != 200:
            return
        with self.lock:
            self.recorded.add(request.name)
        os.makedirs(self.wire, exist_ok=True)
        environ = request.environ
        kept = {
            "service": request.service,
            "operation": request.operation,
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ.get("QUERY_STRING", ""),
            "target": environ.get("HTTP_X_AMZ_TARGET", ""),
            "content_type": environ.get("CONTENT_TYPE", ""),
            "request": request.body.decode(errors="replace"),
            "status": status,
            "response_type": headers.get("Content-Type", ""),
            "response": body.decode(errors="replace"),
        }
        with open(os.path.join(self.wire, f"{request.service}.{request.operation}.json"), "w") as out:
            json.dump(kept, out, indent=1)
            out.write("\n")

    def lookup_allowed(self, account, region):
        """Two requests a second for each account and region, counted over any second."""
        now = time.monotonic()
        with self.lock:
            times = self.lookups[account, region]
            times[:] = [t for t in times if now - t < 1.0]
            times.append(now)
            if len(times) > 2:
                self.lookup_violations += 1
                return False
            return True


STATE = State()
