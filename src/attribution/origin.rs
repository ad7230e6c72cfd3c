//! Where usage comes from, as what does not change between runs of one workload.

use super::agent::{Agent, ProgramKind, System};
use super::networks::Place;
use std::fmt;
use std::net::IpAddr;

/// Rows of one key with the same origin are one consumer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A managed runtime that names itself: execution environment and program.
    Runtime(String, String),
    /// A Kubernetes controller, wherever its pods run.
    Controller(String),
    /// A person's machine, by operating system: people move between networks.
    Workstation(System),
    /// A provider's pool of addresses, and the program.
    Pool(Place, String),
    /// A network, as its /24 or /48 prefix, and the program.
    Network(String, String),
    /// The signer of presigned URLs, whose own place no record shows.
    UrlSigner,
    /// A mailer over SES SMTP, which no record shows at all.
    Mailer,
}

impl Origin {
    /// The origin of a row's address and agent.
    pub fn of(place: &Place, address: &str, agent: &Agent) -> Self {
        let program = agent.family();
        if let Some(env) = &agent.execution_env
            && let Some(runtime) = runtime(env)
        {
            return Self::Runtime(runtime, program);
        }
        if agent.kind == ProgramKind::Kubernetes {
            return Self::Controller(program);
        }
        if agent.kind == ProgramKind::Browser {
            return Self::Workstation(System::Unknown);
        }
        if agent.system.is_workstation() {
            return Self::Workstation(agent.system);
        }
        match place {
            // A workflow runs many programs on runners that it never sees again.
            Place::GithubActions => Self::Pool(place.clone(), String::new()),
            Place::Aws { .. }
            | Place::GoogleCloud
            | Place::Azure
            | Place::Own { .. }
            | Place::VpcEndpoint(_) => Self::Pool(place.clone(), program),
            _ => Self::Network(prefix(address), program),
        }
    }

    /// Whether two keys with this origin are used by the same workload: pools are shared by strangers.
    pub fn is_specific(&self) -> bool {
        matches!(self, Self::Network(prefix, _) if !prefix.is_empty())
            || matches!(self, Self::Pool(Place::VpcEndpoint(_) | Place::Own { .. }, _))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(runtime, program) => write!(f, "{program} in {runtime}"),
            Self::Controller(program) => write!(f, "{program} in Kubernetes"),
            Self::Workstation(System::Unknown) => f.write_str("browser or console"),
            Self::Workstation(system) => write!(f, "workstation with {}", system.title()),
            Self::Pool(place, program) if program.is_empty() => write!(f, "{place}"),
            Self::Pool(place, program) => write!(f, "{program} at {place}"),
            Self::Network(prefix, program) if prefix.is_empty() => write!(f, "{program}, no address"),
            Self::Network(prefix, program) => write!(f, "{program} at {prefix}"),
            Self::UrlSigner => f.write_str("signer of presigned URLs"),
            Self::Mailer => f.write_str("mailer over SES SMTP"),
        }
    }
}

/// The managed runtimes that set `AWS_EXECUTION_ENV`; anything else there is a tool's own mark.
fn runtime(env: &str) -> Option<String> {
    if env.starts_with("AWS_Lambda") {
        Some("AWS Lambda".into())
    } else if env.starts_with("AWS_ECS") {
        Some(if env.contains("FARGATE") { "ECS on Fargate" } else { "ECS on EC2" }.into())
    } else if env == "CloudShell" {
        Some("CloudShell".into())
    } else {
        None
    }
}

fn prefix(address: &str) -> String {
    match address.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(v6)) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => String::new(),
    }
}
