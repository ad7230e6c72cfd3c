//! The query as a named query, for those who keep theirs as code.

use super::table::Layout;

/// As a CloudFormation template
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-athena-namedquery.html>). JSON is
/// YAML, so that the text stands as one JSON string, whatever is in it.
pub fn cloudformation(layout: &Layout, name: &str, workgroup: &str, sql: &str) -> String {
    let template = serde_json::json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "offkey's evidence from CloudTrail logs, computed by Athena.",
        "Resources": {
            "OffkeyUsage": {
                "Type": "AWS::Athena::NamedQuery",
                "Properties": {
                    "Name": name,
                    "Description": "Usage of long-lived access keys; give the result to offkey collect --athena-results",
                    "Database": layout.database,
                    "WorkGroup": workgroup,
                    "QueryString": sql,
                }
            }
        }
    });
    serde_json::to_string_pretty(&template).unwrap_or_default() + "\n"
}

/// As Terraform (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/athena_named_query>).
pub fn terraform(layout: &Layout, name: &str, workgroup: &str, sql: &str) -> String {
    // In a heredoc only these two begin something else.
    let text = sql.replace("${", "$${").replace("%{", "%%{");
    format!(
        "# Usage of long-lived access keys; give the result to offkey collect --athena-results.\nresource \"aws_athena_named_query\" \"offkey_usage\" {{\n  name      = \"{name}\"\n  database  = \"{}\"\n  workgroup = \"{workgroup}\"\n  query     = <<-EOT\n{}\n  EOT\n}}\n",
        layout.database,
        text.trim_end(),
    )
}
