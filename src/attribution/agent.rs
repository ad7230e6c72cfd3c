//! Reads user agents: which program, on what system, and where the credential came from.
//!
//! The newer grammar (`ua/2.x`) and its business-metric letters are described with the AWS SDKs' user-agent
//! code; older agents follow no common grammar and are matched by product name. Agents can be forged: what is
//! read here is a hint, never proof, and what is absent says nothing.

use std::collections::BTreeSet;

/// What a program is, where that decides something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProgramKind {
    /// An SDK or tool like any other.
    Ordinary,
    /// A Kubernetes controller.
    Kubernetes,
    /// The GitHub action that configures AWS credentials.
    GithubAction,
    /// The Systems Manager agent.
    SsmAgent,
    /// A web browser or the AWS console.
    Browser,
    /// An AWS service calling on somebody's behalf.
    Service,
    /// A scanner that tries leaked keys.
    KeyScanner,
    /// A program or SDK generation that can take nothing but static keys.
    StaticKeysOnly,
    /// No agent, or one that says nothing.
    Unknown,
}

/// Operating systems, as far as they tell servers from workstations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// Amazon Linux.
    AmazonLinux,
    /// A kernel built for Azure: GitHub-hosted runners and Azure VMs.
    AzureLinux,
    /// A kernel built for Google Cloud.
    GoogleLinux,
    /// Linux under Windows, which is a workstation.
    Wsl,
    /// Any other Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
    /// Not said.
    Unknown,
}

impl System {
    /// Whether people rather than servers run it.
    pub fn is_workstation(self) -> bool {
        matches!(self, Self::Wsl | Self::MacOs | Self::Windows)
    }

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::AmazonLinux => "Amazon Linux",
            Self::AzureLinux => "Linux on Azure",
            Self::GoogleLinux => "Linux on Google Cloud",
            Self::Wsl => "Linux under Windows (WSL)",
            Self::Linux => "Linux",
            Self::MacOs => "macOS",
            Self::Windows => "Windows",
            Self::Unknown => "unknown system",
        }
    }
}

/// Where an SDK says that it found its credentials: the business-metric ids that name a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialSource {
    /// Passed in code (`e`).
    Code,
    /// JVM system properties (`f`).
    JvmProperties,
    /// Environment variables (`g`).
    Environment,
    /// The shared credentials or config file (`n`, `o`, `p`, `x`, `y`).
    Profile,
    /// `credential_process` (`v`, `w`).
    Process,
    /// Container endpoint or instance metadata (`z`, `0`).
    Metadata,
    /// Web identity (`h`, `k`, `q`).
    WebIdentity,
    /// AssumeRole or SAML (`i`, `j`).
    AssumeRole,
    /// Federation or session token (`l`, `m`).
    SessionToken,
    /// Identity Center or `aws login` (`r`, `s`, `t`, `u`, `AC`, `AD`).
    SignedIn,
}

impl CredentialSource {
    fn from_id(id: &str) -> Option<Self> {
        Some(match id {
            "e" => Self::Code,
            "f" => Self::JvmProperties,
            "g" => Self::Environment,
            "n" | "o" | "p" | "x" | "y" => Self::Profile,
            "v" | "w" => Self::Process,
            "z" | "0" => Self::Metadata,
            "h" | "k" | "q" => Self::WebIdentity,
            "i" | "j" => Self::AssumeRole,
            "l" | "m" => Self::SessionToken,
            "r" | "s" | "t" | "u" | "AC" | "AD" => Self::SignedIn,
            _ => return None,
        })
    }

    /// Where the secret lies, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Code => "passed in code",
            Self::JvmProperties => "JVM system properties",
            Self::Environment => "environment variables",
            Self::Profile => "a shared credentials or config file",
            Self::Process => "a credential_process program",
            Self::Metadata => "container or instance metadata",
            Self::WebIdentity => "a web identity token",
            Self::AssumeRole => "an assumed role",
            Self::SessionToken => "a session token",
            Self::SignedIn => "an interactive sign-in",
        }
    }
}

/// What one user agent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Program family in lower case, without version: `terraform`, `aws-cli`, `boto3`.
    pub program: String,
    /// Its version, where it says one.
    pub version: String,
    /// What the program is.
    pub kind: ProgramKind,
    /// A program that drove this one, such as a test tool that runs Terraform.
    pub driver: Option<String>,
    /// Operating system.
    pub system: System,
    /// `AWS_EXECUTION_ENV`, such as `AWS_Lambda_python3.12`.
    pub execution_env: Option<String>,
    /// Where the credentials came from, if it says so.
    pub credentials: BTreeSet<CredentialSource>,
}

/// Product tokens by which a program is known, most telling first: an agent lists the program and the SDKs
/// that it is made of.
const PRODUCTS: &[(&str, &str, ProgramKind)] = &[
    ("trufflehog", "trufflehog", ProgramKind::KeyScanner),
    ("gitguardian", "gitguardian", ProgramKind::KeyScanner),
    ("configure-aws-credentials-for-github-actions", "configure-aws-credentials", ProgramKind::GithubAction),
    ("amazon-ssm-agent", "amazon-ssm-agent", ProgramKind::SsmAgent),
    ("elbv2.k8s.aws", "aws-load-balancer-controller", ProgramKind::Kubernetes),
    ("externaldns", "external-dns", ProgramKind::Kubernetes),
    ("external-dns", "external-dns", ProgramKind::Kubernetes),
    ("cert-manager", "cert-manager", ProgramKind::Kubernetes),
    ("karpenter", "karpenter", ProgramKind::Kubernetes),
    ("cluster-autoscaler", "cluster-autoscaler", ProgramKind::Kubernetes),
    ("external-secrets", "external-secrets", ProgramKind::Kubernetes),
    ("aws-ebs-csi-driver", "aws-ebs-csi-driver", ProgramKind::Kubernetes),
    ("aws-efs-csi-driver", "aws-efs-csi-driver", ProgramKind::Kubernetes),
    ("velero", "velero", ProgramKind::Kubernetes),
    ("terraform", "terraform", ProgramKind::Ordinary),
    ("opentofu", "opentofu", ProgramKind::Ordinary),
    ("pulumi", "pulumi", ProgramKind::Ordinary),
    ("packer", "packer", ProgramKind::Ordinary),
    ("s3console", "aws-console", ProgramKind::Browser),
    ("awscloudtrail,", "aws-console", ProgramKind::Browser),
    ("aws-internal", "aws-console", ProgramKind::Browser),
    ("mozilla", "browser", ProgramKind::Browser),
    ("opera", "browser", ProgramKind::Browser),
    ("s3browser", "s3browser", ProgramKind::StaticKeysOnly),
    ("cyberduck", "cyberduck", ProgramKind::StaticKeysOnly),
    ("cloudberry", "cloudberry", ProgramKind::StaticKeysOnly),
    ("s3cmd", "s3cmd", ProgramKind::StaticKeysOnly),
    ("winscp", "winscp", ProgramKind::StaticKeysOnly),
    ("boto", "boto2", ProgramKind::StaticKeysOnly),
    ("aws-cli", "aws-cli", ProgramKind::Ordinary),
    ("boto3", "boto3", ProgramKind::Ordinary),
    ("aws-sdk", "aws-sdk", ProgramKind::Ordinary),
    ("botocore", "botocore", ProgramKind::Ordinary),
];

/// Test and attack tools that drive others or call on their own.
const DRIVERS: &[&str] = &["stratus-red-team", "grimoire", "pacu"];

impl Agent {
    /// Reads an agent. Nothing is refused; what cannot be told stays unknown.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let mut agent = Agent {
            program: "unknown".into(),
            version: String::new(),
            kind: ProgramKind::Unknown,
            driver: None,
            system: system(&lower),
            execution_env: None,
            credentials: BTreeSet::new(),
        };
        if text.is_empty() || text == "HIDDEN_DUE_TO_SECURITY_REASONS" {
            return agent;
        }
        if is_service_name(text) {
            agent.program = lower;
            agent.kind = ProgramKind::Service;
            return agent;
        }
        let tokens: Vec<(&str, &str)> = text.split_whitespace().map(split_token).collect();
        for (name, value) in &tokens {
            match *name {
                "exec-env" if !value.is_empty() => agent.execution_env = Some(without_run_id(value)),
                "m" => agent.credentials.extend(value.split(',').filter_map(CredentialSource::from_id)),
                _ => {}
            }
        }
        agent.driver = DRIVERS.iter().find(|driver| lower.contains(**driver)).map(|d| (*d).to_owned());
        agent.name_program(&tokens);
        agent
    }

    fn name_program(&mut self, tokens: &[(&str, &str)]) {
        for (product, program, kind) in PRODUCTS {
            let found = tokens.iter().find(|(name, _)| matches_product(name, product));
            let Some((name, version)) = found else { continue };
            self.version = (*version).to_owned();
            self.kind = *kind;
            self.program = (*program).to_owned();
            match *product {
                // `aws-sdk-go-v2` and `aws-sdk-java` are different programs of one family.
                "aws-sdk" => self.program = name.to_ascii_lowercase(),
                "boto" if !version.starts_with('2') => self.kind = ProgramKind::Ordinary,
                _ => {}
            }
            // SDK generations that know neither container credentials nor web identity.
            let major = version.split('.').next().unwrap_or_default();
            if matches!(
                (self.program.as_str(), major),
                ("aws-sdk-php" | "aws-sdk-php2", "1" | "2") | ("aws-sdk-ruby", "1")
            ) {
                self.kind = ProgramKind::StaticKeysOnly;
            }
            return;
        }
        if let Some(driver) = &self.driver {
            self.program = driver.clone();
            self.kind = ProgramKind::Ordinary;
        } else if let Some((name, version)) = tokens.first() {
            let name = without_run_id(&name.to_ascii_lowercase());
            if name.chars().any(char::is_alphanumeric) {
                self.program = name;
                self.version = (*version).to_owned();
                self.kind = ProgramKind::Ordinary;
            }
        }
    }
}

/// A product matches its own name, or its name followed by a dash or dot (`cert-manager-challenges`).
fn matches_product(name: &str, product: &str) -> bool {
    let Some(head) = name.get(..product.len()) else {
        return false;
    };
    let rest = name.as_bytes().get(product.len());
    let family = matches!(rest, Some(b'-' | b'.')) && product != "boto";
    head.eq_ignore_ascii_case(product) && (rest.is_none() || family)
}

/// `name/value` or `name#value`; the separators mean the same. A leading `md/`, `lang/`, … keeps its name.
fn split_token(token: &str) -> (&str, &str) {
    let token = token.trim_matches(|c| matches!(c, '(' | ')' | ';'));
    match token.find(['/', '#']) {
        Some(at) => {
            let (name, value) = token.split_at(at);
            (name, value.get(1..).unwrap_or_default())
        }
        None => (token, ""),
    }
}

/// Services call with their host name as agent; older records have `AWS Internal`.
pub(crate) fn is_service_name(text: &str) -> bool {
    text == "AWS Internal"
        || (!text.contains([' ', '/'])
            && (text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn")))
}

fn system(lower: &str) -> System {
    let has = |part: &str| lower.contains(part);
    if has("microsoft-standard-wsl") {
        System::Wsl
    } else if has("os/macos") || has("darwin") || has("macintosh") || has("mac os x") {
        System::MacOs
    } else if has("os/windows")
        || has("windows/")
        || has("windows nt")
        || has("windowsnt")
        || has("; windows;")
    {
        System::Windows
    } else if has("amzn") {
        System::AmazonLinux
    } else if has("-azure") {
        System::AzureLinux
    } else if has("-gke") || has("-gcp") || has("cloud-amd64") || has("-cos") {
        System::GoogleLinux
    } else if has("linux") {
        System::Linux
    } else {
        System::Unknown
    }
}

/// Cuts a UUID from the end of a name, as tools add one for each run.
fn without_run_id(name: &str) -> String {
    let bare = name.get(name.len().saturating_sub(36)..).filter(|tail| {
        tail.len() == 36
            && tail
                .bytes()
                .enumerate()
                .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
    });
    match bare.and_then(|uuid| name.strip_suffix(uuid)) {
        Some(head) => head.trim_end_matches(['_', '-']).to_owned(),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_every_generation() {
        use ProgramKind::*;
        let uuid = "11a6ef34-e130-4579-a1d3-79c915cee6ec";
        let cases: &[(&str, &str, &str, ProgramKind, System)] = &[
            (
                "aws-cli/2.31.1 md/awscrt#0.27.6 ua/2.1 os/linux#6.1.147-172.266.amzn2023.x86_64 md/arch#x86_64 exec-env/CloudShell m/Z,b,E",
                "aws-cli",
                "2.31.1",
                Ordinary,
                System::AmazonLinux,
            ),
            (
                "aws-cli/1.16.248 Python/3.6.0 Windows/10 botocore/1.12.238",
                "aws-cli",
                "1.16.248",
                Ordinary,
                System::Windows,
            ),
            (
                "Boto3/1.15.2 Python/3.8.2 Linux/5.6.3-arch1-1 Botocore/1.18.2",
                "boto3",
                "1.15.2",
                Ordinary,
                System::Linux,
            ),
            (
                "Boto/2.49.0 Python/2.7.18 Linux/2.6.32-754.el6.x86_64",
                "boto2",
                "2.49.0",
                StaticKeysOnly,
                System::Linux,
            ),
            (
                "APN/1.0 HashiCorp/1.0 Terraform/1.1.2 (+https://www.terraform.io) terraform-provider-aws/3.76.1 aws-sdk-go/1.44.157 (go1.19.3; linux; amd64)",
                "terraform",
                "1.1.2",
                Ordinary,
                System::Linux,
            ),
            (
                "S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.4.247-169.350.amzn2int.x86_64",
                "aws-console",
                "0.4,",
                Browser,
                System::AmazonLinux,
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "browser", "5.0", Browser, System::MacOs),
            (
                "aws-sdk-go-v2/1.17.0 os/linux lang/go/1.19",
                "aws-sdk-go-v2",
                "1.17.0",
                Ordinary,
                System::Linux,
            ),
            (
                "elbv2.k8s.aws/v2.7.1 aws-sdk-go/1.50.0 (go1.21.5; linux; amd64)",
                "aws-load-balancer-controller",
                "v2.7.1",
                Kubernetes,
                System::Linux,
            ),
            (
                "cert-manager-challenges/v1.13.2 (linux/amd64) cert-manager/1",
                "cert-manager",
                "v1.13.2",
                Kubernetes,
                System::Linux,
            ),
            ("secretsmanager.amazonaws.com", "secretsmanager.amazonaws.com", "", Service, System::Unknown),
            ("AWS Internal", "aws internal", "", Service, System::Unknown),
            ("TruffleHog", "trufflehog", "", KeyScanner, System::Unknown),
            (
                "aws-sdk-nodejs/2.1692.0 linux/v20.17.0 configure-aws-credentials-for-github-actions promise",
                "configure-aws-credentials",
                "",
                GithubAction,
                System::Linux,
            ),
            ("my-tool/1.2", "my-tool", "1.2", Ordinary, System::Unknown),
            ("", "unknown", "", Unknown, System::Unknown),
            ("/// ###", "unknown", "", Unknown, System::Unknown),
        ];
        for (text, program, version, kind, system) in cases {
            let agent = Agent::parse(text);
            assert_eq!(
                (&*agent.program, &*agent.version, agent.kind, agent.system),
                (*program, *version, *kind, *system),
                "{text}"
            );
        }
        let stratus = Agent::parse(&format!("stratus-red-team_{uuid}"));
        assert_eq!(
            (stratus.program.as_str(), stratus.driver.as_deref()),
            ("stratus-red-team", Some("stratus-red-team"))
        );
        let driven = Agent::parse(&format!(
            "APN/1.0 Terraform/1.1.2 stratus-red-team_{uuid} HashiCorp-terraform-exec/0.17.3"
        ));
        assert_eq!(
            (driven.program.as_str(), driven.driver.as_deref()),
            ("terraform", Some("stratus-red-team"))
        );
        assert_eq!(
            Agent::parse(&format!("exec-env/grimoire_{uuid}")).execution_env.as_deref(),
            Some("grimoire")
        );
    }

    #[test]
    fn credential_letters_are_case_sensitive_and_in_any_order() {
        let of = |m: &str| Agent::parse(&format!("aws-cli/2.32.3 ua/2.1 os/linux {m}")).credentials;
        assert_eq!(of("m/g,E,b,Z"), BTreeSet::from([CredentialSource::Environment]));
        assert_eq!(of("m/Z,n,b"), BTreeSet::from([CredentialSource::Profile]));
        assert_eq!(of("m/N,G,E"), BTreeSet::new());
        assert_eq!(of("m/AC"), BTreeSet::from([CredentialSource::SignedIn]));
        assert_eq!(of(""), BTreeSet::new());
    }
}
