//! The programs that user agents name, most telling first.

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

/// A product token, the program it stands for, and what that program is.
pub(super) type Product = (&'static str, &'static str, ProgramKind);

/// Product tokens by which a program is known. An agent lists the program and the SDKs that it is made of, so what
/// stands further up here hides what stands further down.
pub(super) const PRODUCTS: &[Product] = &[
    // Scanners that try leaked keys.
    ("trufflehog", "trufflehog", ProgramKind::KeyScanner),
    ("gitguardian", "gitguardian", ProgramKind::KeyScanner),
    ("ggshield", "gitguardian", ProgramKind::KeyScanner),
    ("noseyparker", "noseyparker", ProgramKind::KeyScanner),
    ("keyhacks", "keyhacks", ProgramKind::KeyScanner),
    // Continuous integration.
    ("configure-aws-credentials-for-github-actions", "configure-aws-credentials", ProgramKind::GithubAction),
    ("amazon-ssm-agent", "amazon-ssm-agent", ProgramKind::SsmAgent),
    // Kubernetes controllers.
    ("elbv2.k8s.aws", "aws-load-balancer-controller", ProgramKind::Kubernetes),
    ("externaldns", "external-dns", ProgramKind::Kubernetes),
    ("external-dns", "external-dns", ProgramKind::Kubernetes),
    ("cert-manager", "cert-manager", ProgramKind::Kubernetes),
    ("karpenter", "karpenter", ProgramKind::Kubernetes),
    ("cluster-autoscaler", "cluster-autoscaler", ProgramKind::Kubernetes),
    ("external-secrets", "external-secrets", ProgramKind::Kubernetes),
    ("aws-ebs-csi-driver", "aws-ebs-csi-driver", ProgramKind::Kubernetes),
    ("ebs.csi.aws.com", "aws-ebs-csi-driver", ProgramKind::Kubernetes),
    ("aws-efs-csi-driver", "aws-efs-csi-driver", ProgramKind::Kubernetes),
    ("secrets-store-csi-driver-provider-aws", "secrets-store-csi-driver", ProgramKind::Kubernetes),
    ("amazon-vpc-cni-k8s", "amazon-vpc-cni", ProgramKind::Kubernetes),
    ("aws-controllers-k8s", "aws-controllers-k8s", ProgramKind::Kubernetes),
    ("crossplane-provider-aws", "crossplane", ProgramKind::Kubernetes),
    ("kubernetes", "kubernetes", ProgramKind::Kubernetes),
    ("velero", "velero", ProgramKind::Kubernetes),
    ("kiam", "kiam", ProgramKind::Kubernetes),
    // Infrastructure as code.
    ("opentofu", "opentofu", ProgramKind::Ordinary),
    ("terraform", "terraform", ProgramKind::Ordinary),
    ("pulumi", "pulumi", ProgramKind::Ordinary),
    ("packer", "packer", ProgramKind::Ordinary),
    ("vault", "vault", ProgramKind::Ordinary),
    ("ansible", "ansible", ProgramKind::Ordinary),
    ("serverless", "serverless", ProgramKind::Ordinary),
    // The console, browsers and tools that only people use.
    ("s3console", "aws-console", ProgramKind::Browser),
    ("awscloudtrail", "aws-console", ProgramKind::Browser),
    ("aws-internal", "aws-console", ProgramKind::Browser),
    ("console.amazonaws.com", "aws-console", ProgramKind::Browser),
    ("mozilla", "browser", ProgramKind::Browser),
    ("opera", "browser", ProgramKind::Browser),
    ("aws-toolkit", "aws-toolkit", ProgramKind::Ordinary),
    ("awstoolkitpackage", "aws-toolkit", ProgramKind::Ordinary),
    ("awspowershell", "aws-powershell", ProgramKind::Ordinary),
    // Programs that take nothing but static keys.
    ("s3browser", "s3browser", ProgramKind::StaticKeysOnly),
    ("cyberduck", "cyberduck", ProgramKind::StaticKeysOnly),
    ("cloudberry", "cloudberry", ProgramKind::StaticKeysOnly),
    ("cloudberrylab", "cloudberry", ProgramKind::StaticKeysOnly),
    ("s3cmd", "s3cmd", ProgramKind::StaticKeysOnly),
    ("winscp", "winscp", ProgramKind::StaticKeysOnly),
    ("boto", "boto2", ProgramKind::StaticKeysOnly),
    // Tools for S3 that can do with roles.
    ("rclone", "rclone", ProgramKind::Ordinary),
    ("s5cmd", "s5cmd", ProgramKind::Ordinary),
    ("s3fs", "s3fs", ProgramKind::Ordinary),
    ("goofys", "goofys", ProgramKind::Ordinary),
    ("restic", "restic", ProgramKind::Ordinary),
    ("duplicacy", "duplicacy", ProgramKind::Ordinary),
    ("minio", "minio", ProgramKind::Ordinary),
    ("hadoop", "hadoop", ProgramKind::Ordinary),
    // What reads accounts for other companies and for security teams.
    ("datadog", "datadog", ProgramKind::Ordinary),
    ("steampipe", "steampipe", ProgramKind::Ordinary),
    ("cloudquery", "cloudquery", ProgramKind::Ordinary),
    ("prowler", "prowler", ProgramKind::Ordinary),
    // SDKs, which say least.
    ("aws-cli", "aws-cli", ProgramKind::Ordinary),
    ("boto3", "boto3", ProgramKind::Ordinary),
    ("aws-sdk", "aws-sdk", ProgramKind::Ordinary),
    ("awssdk", "aws-sdk", ProgramKind::Ordinary),
    ("aioboto3", "boto3", ProgramKind::Ordinary),
    ("aiobotocore", "aiobotocore", ProgramKind::Ordinary),
    ("botocore", "botocore", ProgramKind::Ordinary),
];

/// Test and attack tools that drive others or call on their own.
pub(super) const DRIVERS: &[&str] = &["stratus-red-team", "grimoire", "pacu", "cloudfox"];

/// A product matches its own name, or its name followed by a dash or dot (`cert-manager-challenges`).
pub(super) fn matches(name: &str, product: &str) -> bool {
    let Some(head) = name.get(..product.len()) else {
        return false;
    };
    let rest = name.as_bytes().get(product.len());
    // `boto-x` and `kubernetes-…` are other programs' names.
    let family = matches!(rest, Some(b'-' | b'.')) && !matches!(product, "boto" | "kubernetes" | "vault");
    head.eq_ignore_ascii_case(product) && (rest.is_none() || family)
}

/// SDK generations that know neither container credentials nor web identity, by program and major version.
pub(super) fn takes_static_keys_only(program: &str, version: &str) -> bool {
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    matches!(
        (program, major),
        ("aws-sdk-php" | "aws-sdk-php2", "1" | "2") | ("aws-sdk-ruby", "1") | ("aws-sdk-dotnet", "1")
    )
}

/// Whether a program's name is one that everybody knows, and so tells nothing about its user.
pub fn is_public_program(name: &str) -> bool {
    PRODUCTS.iter().any(|(_, program, _)| *program == name) || DRIVERS.contains(&name)
}
