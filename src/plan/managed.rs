//! Keys that Terraform or CloudFormation manage, found in state files.

use serde_json::Value;

/// A key or user that a tool manages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// Key id; empty where only the user is known.
    pub key: String,
    /// User, where known.
    pub user: Option<String>,
    /// The tool.
    pub tool: &'static str,
    /// Where: an address or logical id.
    pub place: String,
}

impl Managed {
    /// How the tool makes a new key.
    pub fn how(&self) -> String {
        match self.tool {
            "Terraform" => format!("terraform apply -replace='{}'", self.place),
            _ => "raise Serial of the AWS::IAM::AccessKey and update the stack".to_owned(),
        }
    }
}

/// Access keys in a Terraform state (version 4, or the output of `terraform show -json`), or among a stack's resources
/// (`aws cloudformation describe-stack-resources` or `list-stack-resources`). `None` where it is neither.
///
/// Formats: <https://developer.hashicorp.com/terraform/internals/json-format>,
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResource.html>.
pub fn managed_keys(text: &str) -> Option<Vec<Managed>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let mut out = Vec::new();
    let stack = value.get("StackResources").or_else(|| value.get("StackResourceSummaries"));
    if let Some(resources) = stack.and_then(Value::as_array) {
        for resource in resources.iter().filter(|r| text_of(r, "ResourceType") == "AWS::IAM::AccessKey") {
            out.push(Managed {
                key: text_of(resource, "PhysicalResourceId").to_owned(),
                user: None,
                tool: "CloudFormation",
                place: text_of(resource, "LogicalResourceId").to_owned(),
            });
        }
        return Some(out);
    }
    if let Some(root) = value.pointer("/values/root_module") {
        of_module(root, &mut out);
        return Some(out);
    }
    let resources = value.get("resources").and_then(Value::as_array)?;
    value.get("terraform_version")?;
    for resource in resources.iter().filter(|r| text_of(r, "type") == "aws_iam_access_key") {
        let module = match text_of(resource, "module") {
            "" => String::new(),
            module => format!("{module}."),
        };
        for instance in resource.get("instances").and_then(Value::as_array).into_iter().flatten() {
            let index = match instance.get("index_key") {
                Some(Value::String(key)) => format!("[\"{key}\"]"),
                Some(Value::Number(n)) => format!("[{n}]"),
                _ => String::new(),
            };
            let attributes = instance.get("attributes").unwrap_or(&Value::Null);
            out.push(found(
                attributes,
                format!("{module}aws_iam_access_key.{}{index}", text_of(resource, "name")),
            ));
        }
    }
    Some(out)
}

fn of_module(module: &Value, out: &mut Vec<Managed>) {
    let list = |name| module.get(name).and_then(Value::as_array).into_iter().flatten();
    for resource in list("resources").filter(|r| text_of(r, "type") == "aws_iam_access_key") {
        let values = resource.get("values").unwrap_or(&Value::Null);
        out.push(found(values, text_of(resource, "address").to_owned()));
    }
    list("child_modules").for_each(|child| of_module(child, out));
}

fn found(attributes: &Value, place: String) -> Managed {
    Managed {
        key: text_of(attributes, "id").to_owned(),
        user: attributes.get("user").and_then(Value::as_str).map(str::to_owned),
        tool: "Terraform",
        place,
    }
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_every_form_of_state() {
        let tfstate = r#"{"version":4,"terraform_version":"1.11.4","resources":[
            {"module":"module.ci","mode":"managed","type":"aws_iam_access_key","name":"this","instances":[
                {"index_key":"a","attributes":{"id":"AKIAI44QH8DHBEXAMPLE","user":"ci"}}]},
            {"type":"aws_iam_user","name":"x","instances":[{"attributes":{"id":"ci"}}]}]}"#;
        let shown = r#"{"format_version":"1.0","values":{"root_module":{"child_modules":[{"resources":[
            {"address":"module.ci.aws_iam_access_key.this[\"a\"]","type":"aws_iam_access_key",
             "values":{"id":"AKIAI44QH8DHBEXAMPLE","user":"ci"}}]}]}}}"#;
        for text in [tfstate, shown] {
            let keys = managed_keys(text).unwrap();
            assert_eq!(keys.len(), 1, "{text}");
            assert_eq!(keys[0].key, "AKIAI44QH8DHBEXAMPLE");
            assert_eq!(keys[0].how(), "terraform apply -replace='module.ci.aws_iam_access_key.this[\"a\"]'");
        }
        let stack = r#"{"StackResources":[{"LogicalResourceId":"Key","PhysicalResourceId":"AKIAI44QH8DHBEXAMPLE","ResourceType":"AWS::IAM::AccessKey"}]}"#;
        assert_eq!(managed_keys(stack).unwrap()[0].tool, "CloudFormation");
        for text in ["", "[]", "{}", "{\"resources\":[]}"] {
            assert_eq!(managed_keys(text), None, "{text}");
        }
    }
}
