//! A user with a key, a place for its secret, and what has to be true of them: for tests of rotation and retirement.

use super::standin::StandIn;
use super::{Dir, code, stderr, stdout};
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Output};

/// Every secret that the stand-in makes begins so: nothing that is searched for it may hold it.
pub const CANARY: &str = "CANARY/SECRET+";

/// The secret that sinks hold before.
pub const BEFORE: &str = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY";

/// Sinks that everything is tried with.
pub const SINKS: &[&str] = &["secretsmanager", "ssm", "profile", "command", "command-write-only"];

/// One user with one key and its own place for secrets.
pub struct Case<'a> {
    pub standin: &'a StandIn,
    pub dir: Dir,
    pub user: String,
    pub key: String,
    pub sink: &'static str,
}

impl<'a> Case<'a> {
    /// Makes the user; `n` has to be new.
    pub fn new(standin: &'a StandIn, n: usize, sink: &'static str) -> Self {
        let case = Self {
            standin,
            dir: Dir::new(),
            user: format!("ci-{n}"),
            key: format!("AKIAEXAMPLE{n:09}"),
            sink,
        };
        standin.control("life", &json!({"canary": CANARY, "adopts": true, "jump_days": 30, "converge": 0}));
        standin.control("faults", &json!({"rules": []}));
        standin.control("denials", &json!({"rules": []}));
        standin.control("clock", &json!({"offset": 0}));
        standin.control(
            "users",
            &json!({"users": [{"name": case.user, "keys": [{"id": case.key, "used": {"time": "2026-10-10T00:00:00Z", "service": "s3", "region": "us-east-1"}}]}]}),
        );
        let text = case.text();
        match sink {
            "secretsmanager" => {
                standin.control("secret", &json!({"name": case.place(), "text": text}));
            }
            "ssm" => {
                standin.control(
                    "secret",
                    &json!({"parameter": case.place(), "text": text, "key_id": "alias/mine"}),
                );
            }
            "profile" => {
                case.dir.file("credentials", case.profile(&case.key, BEFORE));
            }
            _ => {
                // A vault of a few lines: one file, replaced at once.
                let fetch = if sink == "command" { "cat vault 2>/dev/null || true" } else { "exit 3" };
                let script = format!(
                    "case $OFFKEY_OPERATION in prove) cat > probe ;; store) cat > vault.new && mv vault.new vault ;; fetch) cat > /dev/null; {fetch} ;; publish) cat > /dev/null; exit 3 ;; *) exit 9 ;; esac\n"
                );
                case.dir.file("vault.sh", script);
            }
        }
        case
    }

    /// What the place is called.
    pub fn place(&self) -> String {
        format!("/apps/{}", self.user)
    }

    fn text(&self) -> String {
        format!(
            "{{ \"app\": 1.50, \"AWS_ACCESS_KEY_ID\":\"{}\",\n \"AWS_SECRET_ACCESS_KEY\" : \"{BEFORE}\"}}\n",
            self.key
        )
    }

    fn profile(&self, id: &str, secret: &str) -> String {
        format!(
            "# ours\r\n[other]\naws_access_key_id = AKIA0\n\n[{}]\nregion = eu-west-1\naws_access_key_id={id} # ci\naws_secret_access_key =\t{secret}\n[last]\nx=y",
            self.user
        )
    }

    /// The plan's options for the sink.
    pub fn sink_options(&self) -> Vec<String> {
        let sink = match self.sink {
            "secretsmanager" => format!("secretsmanager:{}", self.place()),
            "ssm" => format!("ssm:{}", self.place()),
            "profile" => format!("profile:{}", self.user),
            _ => "command:sh vault.sh".to_owned(),
        };
        let mut options = vec!["--sink".to_owned(), sink];
        if self.sink == "profile" {
            options.extend(["--credentials-file".to_owned(), "credentials".to_owned()]);
        }
        options
    }

    /// Makes a plan that goes all the way, with more options.
    pub fn plan(&self, operation: &str, more: &[&str]) -> Output {
        let sink = if operation == "rotate" { self.sink_options() } else { Vec::new() };
        let mut arguments =
            vec![operation, "plan", &self.user, "-o", "p.json", "--delete-after", "14", "--settle", "0"];
        arguments.extend(["--accept-gap", "cadence-unknown", "--reason", "the test knows"]);
        if operation == "retire" {
            arguments.extend(["--accept-gap", "replacement"]);
        }
        arguments.extend(sink.iter().map(String::as_str));
        arguments.extend(more);
        let output = self.standin.run(&self.dir, &arguments);
        self.assert_no_canary(&output);
        output
    }

    /// A command about the plan.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.standin.killable(&self.dir, arguments);
        command.args(["--lock-dir", "locks"]);
        command
    }

    /// Runs it.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        self.assert_no_canary(&output);
        output
    }

    /// Applies, and goes on until it is over or stops.
    pub fn to_the_end(&self, operation: &str, turns: usize) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..turns {
            let mut output = self.run(&[operation, "resume", "p.json", "--delete", &self.key]);
            if code(&output) == 5 && stderr(&output).contains("was not applied from here") {
                output = self.run(&[operation, "apply", "p.json"]);
            }
            last = format!("exit {}\n{}\n{}", code(&output), stdout(&output), stderr(&output));
            if code(&output) == 0 {
                return Ok(());
            }
            // A wait that began when the deactivation was found, and not when it was made.
            if code(&output) == 6 {
                self.consumer_wakes();
                self.standin.control("clock", &json!({"add": 15 * 86_400}));
            }
        }
        Err(last)
    }

    /// The consumer of a write-only sink uses what it was given; of the others the stand-in knows when they do.
    fn consumer_wakes(&self) {
        if let ("command-write-only", Ok(text)) =
            (self.sink, fs::read_to_string(self.dir.path().join("vault")))
        {
            let vault: Value = serde_json::from_str(&text).unwrap();
            let change =
                json!({"user": self.user, "key": vault["access_key_id"], "used": "2026-11-20T00:00:00Z"});
            self.standin.control("change", &change);
        }
    }

    /// The user as IAM has it, and the sink's content.
    pub fn seen(&self) -> Value {
        self.standin.control("seen", &json!({"user": self.user, "secret": self.place()}))
    }

    /// The user's keys: id, status, secret.
    pub fn keys(&self) -> Vec<(String, String, String)> {
        let seen = self.seen();
        let keys = seen["users"][&self.user]["keys"].as_object().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        keys.iter().map(|(id, key)| (id.clone(), text(&key["status"]), text(&key["secret"]))).collect()
    }

    /// Everything that has to be true after a rotation to the end.
    pub fn assert_rotated(&self) -> Result<(), String> {
        let seen = self.seen();
        let keys = self.keys();
        let [(id, status, secret)] = keys.as_slice() else { return Err(format!("keys: {keys:?}")) };
        if *id == self.key || status != "Active" {
            return Err(format!("the wrong key is left: {id} {status}"));
        }
        let tags = &seen["users"][&self.user]["tags"];
        if *tags != json!({id: format!("Rotated key - replaces {}", self.key)}) {
            return Err(format!("tags: {tags}"));
        }
        let renewed = |text: String| text.replace(&self.key, id).replace(BEFORE, secret);
        let holds = match self.sink {
            "secretsmanager" => {
                seen["secrets"][self.place()]["AWSCURRENT"].as_str() == Some(&renewed(self.text()))
            }
            "ssm" => {
                seen["parameters"][self.place()].as_str()
                    == Some(&format!("kms:alias/mine:{}", renewed(self.text())))
            }
            "profile" => {
                fs::read_to_string(self.dir.path().join("credentials")).unwrap()
                    == renewed(self.profile(&self.key, BEFORE))
            }
            _ => {
                let vault: Value =
                    serde_json::from_str(&fs::read_to_string(self.dir.path().join("vault")).unwrap())
                        .unwrap();
                vault["access_key_id"] == id.as_str() && vault["secret_access_key"] == secret.as_str()
            }
        };
        if !holds {
            return Err(format!("the sink does not hold it: {seen}"));
        }
        self.assert_sound(&seen)
    }

    /// Everything that has to be true after a retirement to the end.
    pub fn assert_retired(&self) -> Result<(), String> {
        let seen = self.seen();
        let keys = self.keys();
        if !keys.is_empty() {
            return Err(format!("keys: {keys:?}"));
        }
        if seen["users"][&self.user]["tags"] != json!({}) {
            return Err(format!("tags: {seen}"));
        }
        self.assert_sound(&seen)
    }

    /// What has to be true at every instant, and of the journal.
    pub fn assert_sound(&self, seen: &Value) -> Result<(), String> {
        if seen["violations"] != json!([]) {
            return Err(format!("violations: {}", seen["violations"]));
        }
        let audit = self.standin.run(&self.dir, &["rotate", "audit", "p.json"]);
        if code(&audit) != 0 {
            return Err(format!("audit: {}", stderr(&audit)));
        }
        self.assert_no_canary(&audit);
        Ok(())
    }

    /// No secret in what was printed or written, but in the sink.
    pub fn assert_no_canary(&self, output: &Output) {
        for text in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(text);
            assert!(!text.contains(CANARY), "a secret was printed: {text}");
        }
        let mut looked = 0;
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() || ["credentials", "vault", "vault.new"].contains(&name.as_str()) {
                continue;
            }
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(CANARY), "a secret is in {name}");
            looked += 1;
        }
        assert!(looked > 0 || self.sink.starts_with("command"), "nothing was looked at");
    }
}
