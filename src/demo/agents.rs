//! User agents as real programs send them.

/// On EC2, with the credentials in a file or in the environment.
pub(super) const EC2: &[&str] = &[
    "Boto3/1.26.165 md/Botocore#1.29.165 ua/2.0 os/linux#6.1.112-122.189.amzn2023.x86_64 md/arch#x86_64 lang/python#3.9.16 md/pyimpl#CPython m/n cfg/retry-mode#legacy Botocore/1.29.165",
    "aws-sdk-go/1.44.157 (go1.19.3; linux; amd64)",
    "aws-sdk-java/2.25.60 ua/2.0 os/Linux#5.10.220-209.869.amzn2.x86_64 lang/java#17.0.11 md/OpenJDK_64-Bit_Server_VM md/vendor#Amazon.com_Inc. m/g cfg/retry-mode#legacy",
];
/// In an ECS task.
pub(super) const ECS: &[&str] = &[
    "Boto3/1.34.20 md/Botocore#1.34.20 ua/2.0 os/linux#5.10.210-201.855.amzn2.x86_64 md/arch#x86_64 lang/python#3.12.3 md/pyimpl#CPython exec-env/AWS_ECS_FARGATE m/g cfg/retry-mode#legacy Botocore/1.34.20",
    "aws-sdk-go-v2/1.30.5 ua/2.1 os/linux lang/go#1.22.6 md/GOOS#linux md/GOARCH#amd64 exec-env/AWS_ECS_EC2 api/s3#1.58.2 m/E,g",
];
/// In a Lambda function.
pub(super) const LAMBDA: &[&str] = &[
    "Boto3/1.34.145 md/Botocore#1.34.145 ua/2.0 os/linux#5.10.219-229.866.amzn2.x86_64 md/arch#x86_64 lang/python#3.12.5 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 m/e cfg/retry-mode#legacy Botocore/1.34.145",
    "aws-sdk-js/3.600.0 ua/2.0 os/linux#5.10.219-229.866.amzn2.x86_64 lang/js md/nodejs#20.15.1 exec-env/AWS_Lambda_nodejs20.x api/dynamodb#3.600.0 m/E,g",
];
/// In a CodeBuild project.
pub(super) const CODEBUILD: &[&str] = &[
    "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux#5.10.220-209.869.amzn2.x86_64 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython m/g cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.sync",
];
/// Kubernetes controllers.
pub(super) const CONTROLLERS: &[&str] = &[
    "elbv2.k8s.aws/v2.7.1 aws-sdk-go/1.50.0 (go1.21.5; linux; amd64)",
    "ExternalDNS/v0.14.0 aws-sdk-go/1.49.13 (go1.21.5; linux; amd64)",
    "cert-manager-challenges/v1.13.2 (linux/amd64) cert-manager/58e1fa1 aws-sdk-go/1.45.7",
];
/// GitHub Actions.
pub(super) const GITHUB: &[&str] = &[
    "aws-sdk-nodejs/2.1692.0 linux/v20.17.0 configure-aws-credentials-for-github-actions promise",
    "aws-cli/2.17.56 md/awscrt#0.21.2 ua/2.0 os/linux#6.8.0-1017-azure md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython m/g cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#ecr.get-login-password",
];
/// Other pipelines.
pub(super) const PIPELINE: &[&str] = &[
    "aws-cli/2.15.30 md/awscrt#0.19.19 ua/2.0 os/linux#5.15.0-1064-aws md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython m/g cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.cp",
    "aws-sdk-go/1.51.0 (go1.22.1; linux; amd64)",
];
/// GitLab's runners.
pub(super) const GITLAB: &[&str] = &[
    "aws-cli/2.15.30 md/awscrt#0.19.19 ua/2.0 os/linux#5.15.154+ md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython m/g cfg/retry-mode#standard md/prompt#off md/command#ecs.update-service",
];
/// Terraform on somebody else's machines.
pub(super) const TERRAFORM: &[&str] = &[
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) terraform-provider-aws/5.68.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.30.5 ua/2.1 os/linux lang/go#1.22.6 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.178.0 m/e",
];
/// Servers in a data centre.
pub(super) const SERVER: &[&str] = &[
    "Boto3/1.20.24 Python/3.6.8 Linux/3.10.0-1160.el7.x86_64 Botocore/1.23.24",
    "aws-sdk-java/1.12.488 Linux/3.10.0-1160.el7.x86_64 OpenJDK_64-Bit_Server_VM/25.372-b08 java/1.8.0_372 vendor/Red_Hat,_Inc. cfg/retry-mode/legacy",
];
/// Jenkins.
pub(super) const JENKINS: &[&str] = &[
    "aws-sdk-java/1.12.671 Linux/5.4.0-187-generic OpenJDK_64-Bit_Server_VM/11.0.23+9 java/11.0.23 vendor/Ubuntu cfg/retry-mode/legacy",
];
/// Other companies' products.
pub(super) const SAAS: &[&str] = &[
    "aws-sdk-ruby3/3.185.0 ua/2.0 api/cloudwatch#1.83.0 os/linux#5 md/x86_64 lang/ruby#3.2.2 md/3.2.2 m/e",
    "Boto3/1.33.6 md/Botocore#1.33.6 ua/2.0 os/linux#5.15.0 md/arch#x86_64 lang/python#3.10.12 md/pyimpl#CPython m/e cfg/retry-mode#legacy Botocore/1.33.6",
];
/// Google Cloud.
pub(super) const GOOGLE: &[&str] = &[
    "Boto3/1.34.20 md/Botocore#1.34.20 ua/2.0 os/linux#5.15.146-gke md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython m/g cfg/retry-mode#legacy Botocore/1.34.20",
];
/// Azure.
pub(super) const AZURE: &[&str] = &[
    "aws-sdk-dotnet-coreclr/3.7.305.12 ua/2.0 os/linux#6.5.0-1024-azure lang/.NET_Core#8.0.7 md/aws-sdk-dotnet-core#3.7.305.12 m/g",
];
/// People.
pub(super) const PEOPLE: &[&str] = &[
    "aws-cli/2.17.56 md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0 md/arch#arm64 lang/python#3.11.9 md/pyimpl#CPython m/n cfg/retry-mode#standard md/installer#source md/prompt#off md/command#ec2.describe-instances",
    "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux#5.15.153.1-microsoft-standard-WSL2 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython m/n cfg/retry-mode#standard md/distrib#ubuntu.22 md/prompt#off md/command#s3.ls",
    "aws-cli/2.15.0 Python/3.11.6 Windows/10 exe/AMD64 prompt/off command/iam.list-users",
];
/// A person's Terraform.
pub(super) const LAPTOP_TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) terraform-provider-aws/5.68.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.30.5 ua/2.1 os/macos lang/go#1.22.6 md/GOOS#darwin md/GOARCH#arm64 api/ec2#1.178.0 m/n";
/// Programs that take nothing but static keys.
pub(super) const LEGACY: &[&str] =
    &["Boto/2.49.0 Python/2.7.18 Linux/2.6.32-754.el6.x86_64", "S3Browser/11.6.7 (https://s3browser.com)"];
/// Browsers that follow links.
pub(super) const BROWSERS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
];
/// A scanner for leaked keys.
pub(super) const SCANNER: &str = "TruffleHog";
/// The agent of a hybrid node.
pub(super) const SSM_AGENT: &str = "aws-sdk-go/1.55.5 (go1.22.5; linux; amd64) amazon-ssm-agent/3.3.859.0";
