//! Which operating system an agent names.

use super::tokens::Parts;

/// Operating systems, as far as they tell servers from workstations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// Amazon Linux.
    AmazonLinux,
    /// A kernel built for Azure: GitHub-hosted runners and Azure VMs.
    AzureLinux,
    /// A kernel built for Google Cloud.
    GoogleLinux,
    /// A kernel that a distribution builds for AWS (`-aws`).
    AwsKernel,
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
            Self::AwsKernel => "Linux with a kernel for AWS",
            Self::Wsl => "Linux under Windows (WSL)",
            Self::Linux => "Linux",
            Self::MacOs => "macOS",
            Self::Windows => "Windows",
            Self::Unknown => "unknown system",
        }
    }
}

/// The operating system and its version. The newer grammar names it as `os/FAMILY#VERSION`, older agents as a product
/// (`Linux/5.4`, `Windows/10`, `OS/Linux/5.4`, `x86_64-linux`), Go's and browsers in a comment.
pub(super) fn system(parts: &Parts<'_>) -> (System, String) {
    let by_grammar = parts.tokens.iter().filter(|token| token.name == "os");
    let by_product = parts.tokens.iter().filter(|token| token.name != "os");
    if let Some(found) = by_grammar.chain(by_product).find_map(|token| system_of(token.name, token.value)) {
        return found;
    }
    for comment in &parts.comments {
        let lower = comment.to_ascii_lowercase();
        let system = if lower.contains("mac os x") || matches!(&*lower, "darwin" | "macintosh") {
            System::MacOs
        } else if lower.starts_with("windows") {
            System::Windows
        } else if lower.contains("linux") {
            linux(&lower)
        } else {
            continue;
        };
        return (system, String::new());
    }
    (System::Unknown, String::new())
}

/// What one product says of the system, if it names one.
fn system_of(name: &str, value: &str) -> Option<(System, String)> {
    let whole = name.to_ascii_lowercase();
    let (family, version) = match &*whole {
        // .NET has `OS/Microsoft_Windows_10.0.19043` and `OS/6.1.7601`, PHP `OS/Linux/5.4.0`.
        "os" => match value.split_once(['#', '/']).or_else(|| by_underscore(value)) {
            Some(pair) => pair,
            None if value.starts_with(|c: char| c.is_ascii_digit()) => ("windows", value),
            None => (value, ""),
        },
        // Ruby has its platform as a word.
        _ if value.is_empty() => match whole.rsplit_once('-') {
            Some((_, "linux" | "musl" | "gnu")) => ("linux", ""),
            Some((_, platform)) if platform.starts_with("darwin") => ("darwin", ""),
            Some((_, platform)) if platform.starts_with("mingw") || platform.starts_with("mswin") => {
                ("windows", "")
            }
            _ => return None,
        },
        _ => (name, value),
    };
    // JavaScript's older SDK has the version of Node.js in the version's place.
    let version = if version.starts_with('v') { "" } else { version };
    let family = family.to_ascii_lowercase();
    let system = match &*family {
        "linux" | "unix" => linux(&version.to_ascii_lowercase()),
        "macos" | "darwin" | "mac_os_x" | "macosx" | "mac" => System::MacOs,
        "win32" => System::Windows,
        _ if family.starts_with("windows") || family.starts_with("microsoft_windows") => System::Windows,
        _ => return None,
    };
    Some((system, version.to_owned()))
}

/// `Microsoft_Windows_NT_10.0` and `Linux_4.14.193-149.317.amzn2.x86_64`, taken apart before the version.
fn by_underscore(value: &str) -> Option<(&str, &str)> {
    let version =
        value.match_indices('_').find(|(at, _)| value.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit));
    let (at, _) = version?;
    Some((value.get(..at)?, value.get(at + 1..)?))
}

/// Which Linux, by its kernel: distributions of clouds name theirs.
fn linux(kernel: &str) -> System {
    let has = |part: &str| kernel.contains(part);
    if has("microsoft") && has("wsl") || has("-microsoft") {
        System::Wsl
    } else if has("amzn") {
        System::AmazonLinux
    } else if has("-azure") {
        System::AzureLinux
    } else if has("-gke") || has("-gcp") {
        System::GoogleLinux
    } else if kernel.ends_with("-aws") {
        System::AwsKernel
    } else {
        System::Linux
    }
}
