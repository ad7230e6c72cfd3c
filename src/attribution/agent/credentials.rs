//! Where SDKs say that they found their credentials.

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
    /// Every id that names a provider.
    pub const IDS: [&'static str; 25] = [
        "e", "f", "g", "n", "o", "p", "x", "y", "v", "w", "z", "0", "h", "k", "q", "i", "j", "l", "m", "r",
        "s", "t", "u", "AC", "AD",
    ];

    pub(super) fn from_id(id: &str) -> Option<Self> {
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
