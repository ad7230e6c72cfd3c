//! From a user agent's text to what it says.

use super::credentials::CredentialSource;
use super::products::{DRIVERS, PRODUCTS, ProgramKind, matches, takes_static_keys_only};
use super::system::{System, system};
use super::tokens::{Parts, pair, split, without_run_id};
use std::collections::BTreeSet;

/// What one user agent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Program family in lower case, without version: `terraform`, `aws-cli`, `boto3`.
    pub program: String,
    /// Its version, where it says one.
    pub version: String,
    /// What the program is.
    pub kind: ProgramKind,
    /// The name that its owner gave the application (`AWS_SDK_UA_APP_ID`), without what changes from run to run.
    pub app: Option<String>,
    /// What was made up for one run, such as the UUID of a test: no part of the program's name, but worth a look.
    pub run: Option<String>,
    /// A program that drove this one, such as a test tool that runs Terraform.
    pub driver: Option<String>,
    /// The SDK beneath the program, with its version: `aws-sdk-go/1.44.157`.
    pub sdk: Option<String>,
    /// Language or runtime and its version: `python/3.11.9`.
    pub language: Option<String>,
    /// Operating system.
    pub system: System,
    /// Its version or kernel, as written; empty where it says none.
    pub system_version: String,
    /// `AWS_EXECUTION_ENV`, such as `AWS_Lambda_python3.12`.
    pub execution_env: Option<String>,
    /// What a command-line tool was asked to do: `s3.sync`.
    pub command: Option<String>,
    /// Where the credentials came from, if it says so.
    pub credentials: BTreeSet<CredentialSource>,
}

impl Agent {
    /// Reads an agent. Nothing is refused; what cannot be told stays unknown.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
        let mut agent = Agent {
            program: "unknown".into(),
            version: String::new(),
            kind: ProgramKind::Unknown,
            app: None,
            run: None,
            driver: None,
            sdk: None,
            language: None,
            system: System::Unknown,
            system_version: String::new(),
            execution_env: None,
            command: None,
            credentials: BTreeSet::new(),
        };
        if text.is_empty() || text == "HIDDEN_DUE_TO_SECURITY_REASONS" {
            return agent;
        }
        if is_service_name(text) {
            // The console and the sign-in service are people, not services.
            let is_console = text.starts_with("console.") || text.starts_with("signin.");
            agent.kind = if is_console { ProgramKind::Browser } else { ProgramKind::Service };
            agent.program = if is_console { "aws-console".into() } else { text.to_ascii_lowercase() };
            return agent;
        }
        let parts = split(text);
        agent.read_tokens(&parts);
        (agent.system, agent.system_version) = system(&parts);
        let lower = text.to_ascii_lowercase();
        agent.driver = DRIVERS.iter().find(|driver| lower.contains(**driver)).map(|d| (*d).to_owned());
        agent.name_program(&parts);
        agent
    }

    /// What rows of one workload have in common: the program, and the application where the owner named it.
    pub fn family(&self) -> String {
        match &self.app {
            Some(app) => format!("{} ({app})", self.program),
            None => self.program.clone(),
        }
    }

    fn read_tokens(&mut self, parts: &Parts<'_>) {
        for token in &parts.tokens {
            let (name, value) = (token.name, token.value);
            if value.is_empty() {
                self.note_run(without_run_id(name).1);
                continue;
            }
            match name {
                // Older agents put it at their end as `exec_env`.
                "exec-env" | "exec_env" => self.execution_env = Some(self.stable(value)),
                "app" | "AppId" => self.app = Some(self.stable(value)),
                "m" => self.credentials.extend(value.split(',').filter_map(CredentialSource::from_id)),
                "command" => self.command = Some(value.to_owned()),
                "md" => {
                    let (what, value) = pair(value);
                    if what == "command" {
                        self.command = Some(value.to_owned());
                    } else if what == "nodejs" {
                        self.language = Some(format!("nodejs/{value}"));
                    } else if what == "Botocore" && self.sdk.is_none() {
                        self.sdk = Some(format!("botocore/{value}"));
                    }
                }
                "lang" if self.language.is_none() => {
                    let (language, version) = pair(value);
                    self.language = Some(format!("{}/{version}", language.to_ascii_lowercase()));
                }
                "Python" | "Ruby" | "ruby" | "java" | "Java" | "PHP" | "go" if self.language.is_none() => {
                    self.language = Some(format!("{}/{value}", name.to_ascii_lowercase()));
                }
                "linux" | "darwin" | "win32" if value.starts_with('v') && self.language.is_none() => {
                    self.language = Some(format!("nodejs/{}", value.trim_start_matches('v')));
                }
                _ => self.note_run(without_run_id(name).1),
            }
            let lower = name.to_ascii_lowercase();
            let is_sdk = lower.starts_with("aws-sdk-")
                || matches!(&*lower, "botocore" | "aiobotocore" | "aws-sdk" | "awssdk" | "minio-go");
            if is_sdk && self.sdk.is_none() {
                self.sdk = Some(format!("{lower}/{value}"));
            }
        }
        // `(go1.19.3; linux; amd64)`
        if self.language.is_none() {
            let go = parts.comments.iter().find_map(|part| part.strip_prefix("go"));
            self.language = go
                .filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
                .map(|version| format!("go/{version}"));
        }
    }

    /// A value without what was made up for one run, which is noted apart.
    fn stable(&mut self, value: &str) -> String {
        let (stays, run) = without_run_id(value);
        self.note_run(run);
        stays.to_owned()
    }

    fn note_run(&mut self, run: &str) {
        if !run.is_empty() && self.run.is_none() {
            self.run = Some(run.to_owned());
        }
    }

    fn name_program(&mut self, parts: &Parts<'_>) {
        for (product, program, kind) in PRODUCTS {
            let found = parts.tokens.iter().find(|token| matches(token.name, product));
            let Some(found) = found else { continue };
            self.version = found.value.to_owned();
            self.kind = *kind;
            self.program = (*program).to_owned();
            match *product {
                // `aws-sdk-go-v2` and `aws-sdk-java` are different programs of one family.
                "aws-sdk" => self.program = found.name.to_ascii_lowercase(),
                "boto" if !found.value.starts_with('2') => self.kind = ProgramKind::Ordinary,
                _ => {}
            }
            if takes_static_keys_only(&self.program, &self.version) {
                self.kind = ProgramKind::StaticKeysOnly;
            }
            return;
        }
        // `S3 Browser 9.5.5 https://…` has a space in its name.
        if let [first, second, third, ..] = parts.tokens.as_slice()
            && (first.name, second.name) == ("S3", "Browser")
        {
            self.program = "s3browser".into();
            self.version = third.name.to_owned();
            self.kind = ProgramKind::StaticKeysOnly;
        } else if let Some(driver) = &self.driver {
            self.program = driver.clone();
            self.kind = ProgramKind::Ordinary;
        } else if let Some(first) = parts.tokens.first() {
            let lower = first.name.to_ascii_lowercase();
            let (name, _) = without_run_id(&lower);
            if name.chars().any(char::is_alphanumeric) {
                self.program = name.to_owned();
                self.version = first.value.to_owned();
                self.kind = ProgramKind::Ordinary;
            }
        }
    }
}

/// Services call with their host name as agent; older records have `AWS Internal`.
pub(crate) fn is_service_name(text: &str) -> bool {
    text == "AWS Internal"
        || (!text.contains([' ', '/'])
            && (text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn")))
}
