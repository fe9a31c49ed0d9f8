//! The deployment template, as far as the local stack lives by it: what it grants each function to do with the tables is all that the wire
//! lets through, as IAM would.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use palisade_core::settings::Table;
use serde_json::{Map, Value};

/// The template's text.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

/// An action on a table, or on its indexes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The action, such as `dynamodb:GetItem`.
    pub action: String,
    /// The table's word, with `/index` behind it for its indexes.
    pub table: String,
}

/// What each function may do, by its name.
pub static GRANTED: LazyLock<BTreeMap<String, BTreeSet<Permission>>> = LazyLock::new(granted);

/// The template as JSON, its short functions in their long form: `!Ref x` is `{"Ref": "x"}`, any other `!F x` is `{"Fn::F": x}`. Null where
/// it is no YAML.
pub fn template() -> Value {
    serde_yaml_ng::from_str(TEMPLATE).map(json).unwrap_or_default()
}

fn json(yaml: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(truth) => Value::Bool(truth),
        Yaml::Number(number) => number.to_string().parse::<serde_json::Number>().map_or(Value::Null, Value::Number),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(values) => values.into_iter().map(json).collect(),
        Yaml::Mapping(members) => {
            members.into_iter().filter_map(|(name, value)| Some((name.as_str()?.to_owned(), json(value)))).collect()
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let tag = tag.trim_start_matches('!');
            let name = if matches!(tag, "Ref" | "Condition") { tag.to_owned() } else { format!("Fn::{tag}") };
            Value::Object(Map::from_iter([(name, json(tagged.value))]))
        }
    }
}

fn granted() -> BTreeMap<String, BTreeSet<Permission>> {
    let template = template();
    let resources = template.get("Resources").and_then(Value::as_object).into_iter().flatten();
    let roles = resources.filter_map(|(name, resource)| {
        let role = name.strip_suffix("Role").filter(|_| resource.get("Type").is_some_and(|of| of == "AWS::IAM::Role"))?;
        let policies = resource.pointer("/Properties/Policies").and_then(Value::as_array).into_iter().flatten();
        let statements = policies.filter_map(|policy| policy.pointer("/PolicyDocument/Statement")?.as_array()).flatten();
        Some((kebab(role), statements.flat_map(permissions).collect()))
    });
    roles.collect()
}

/// `LoginFunction`'s part before the kind, as the function is called: `session-validation` for `SessionValidation`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}

fn permissions(statement: &Value) -> Vec<Permission> {
    let several = |value: Option<&Value>| match value {
        Some(Value::Array(values)) => values.clone(),
        Some(value) => vec![value.clone()],
        None => Vec::new(),
    };
    let tables: Vec<String> = several(statement.get("Resource")).iter().filter_map(table).collect();
    let actions = several(statement.get("Action"));
    let actions = actions.iter().filter_map(Value::as_str).filter(|action| action.starts_with("dynamodb:"));
    actions.flat_map(|action| tables.iter().map(|table| Permission { action: action.to_owned(), table: table.clone() })).collect()
}

/// The word of the table that a resource names; `None` for what is no table.
fn table(resource: &Value) -> Option<String> {
    let arn = |of: &Value| of.as_str().map(str::to_owned);
    let (name, index) = match (resource.get("Fn::GetAtt").and_then(arn), resource.get("Fn::Sub").and_then(arn)) {
        (Some(arn), _) => (arn.strip_suffix("Table.Arn")?.to_owned(), ""),
        (_, Some(arn)) => (arn.strip_prefix("${")?.split_once("Table.Arn}/index/")?.0.to_owned(), "/index"),
        _ => return None,
    };
    let table = Table::ALL.into_iter().find(|table| table.as_str() == name.to_lowercase())?;
    Some(format!("{}{index}", table.as_str()))
}

/// What the request `json` for `operation` needs; `word` gives a table's word for its name.
pub(crate) fn needed(operation: &str, json: &Value, word: impl Fn(&str) -> String) -> Vec<Permission> {
    let permission = |action: &str, table: &str| Permission { action: format!("dynamodb:{action}"), table: word(table) };
    if let Some(batch) = json.get("RequestItems").and_then(Value::as_object) {
        return batch.keys().map(|table| permission(operation, table)).collect();
    }
    let writes = json.get("TransactItems").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).flatten();
    let writes = writes.filter_map(|(kind, write)| {
        let action = if kind == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{kind}Item") };
        Some(permission(&action, write.get("TableName")?.as_str()?))
    });
    let alone = json.get("TableName").and_then(Value::as_str).map(|table| {
        let mut permission = permission(operation, table);
        permission.table.push_str(json.get("IndexName").map_or("", |_| "/index"));
        permission
    });
    writes.chain(alone).collect()
}

/// What was noted in this process.
static NOTED: Mutex<BTreeSet<(String, Permission)>> = Mutex::new(BTreeSet::new());

/// Writes to `file` what `function` needed and was not noted before: a line each, with function, action and table.
pub(crate) fn note(file: &Path, function: &str, needed: &[Permission]) {
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = needed.iter().filter(|permission| noted.insert((function.to_owned(), (*permission).clone())));
    let lines: Vec<String> = lines.map(|Permission { action, table }| format!("{function} {action} {table}\n")).collect();
    if lines.is_empty() {
        return;
    }
    // What is lost of it shows as granted and not used.
    drop(OpenOptions::new().create(true).append(true).open(file).and_then(|mut file| file.write_all(lines.concat().as_bytes())));
}

/// Whether the template grants `function` all of `needed`.
pub(crate) fn grants(function: &str, needed: &[Permission]) -> bool {
    GRANTED.get(function).is_some_and(|granted| needed.iter().all(|permission| granted.contains(permission)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn may(function: &str, operation: &str, request: &Value) -> bool {
        grants(function, &needed(operation, request, str::to_owned))
    }

    #[test]
    fn r65_a_function_may_do_what_its_role_grants_and_nothing_else() {
        assert!(may("breach-check", "UpdateItem", &json!({ "TableName": "counters" })));
        for (operation, table) in [("UpdateItem", "accounts"), ("DeleteItem", "counters"), ("Scan", "counters")] {
            assert!(!may("breach-check", operation, &json!({ "TableName": table })), "{operation} {table}");
        }
        assert!(!may("nobody", "GetItem", &json!({ "TableName": "counters" })));
        let by_index = json!({ "TableName": "incidents", "IndexName": "by_type" });
        assert!(may("incidents", "Query", &by_index) && !may("login", "Query", &by_index));
        let both = |second: &str| json!({ "TransactItems": [{ "Update": { "TableName": "accounts" } }, { second: { "TableName": "notices" } }] });
        assert!(may("password-change", "TransactWriteItems", &both("Put")));
        assert!(!may("password-change", "TransactWriteItems", &both("ConditionCheck")));
        let batch = json!({ "RequestItems": { "sessions": {}, "accounts": {} } });
        assert!(may("session-validation", "BatchGetItem", &batch) && !may("signup", "BatchGetItem", &batch));
    }
}
