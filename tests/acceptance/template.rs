//! The deployment template against the code: what one names, the other has.

use std::collections::{BTreeMap, BTreeSet};

use palisade_core::event::{EventKind, Severity};
use palisade_core::route::ROUTES;
use palisade_core::settings::{SETTINGS, Settings, Table};
use palisade_local::template::{GRANTED, TEMPLATE, template};
use serde_json::{Value, json};

fn resources() -> BTreeMap<String, Value> {
    serde_json::from_value(template()["Resources"].clone()).expect("resources")
}

fn of_type(kind: &str) -> BTreeMap<String, Value> {
    resources()
        .into_iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name, resource["Properties"].clone()))
        .collect()
}

/// Functions by their name, with their properties.
fn functions() -> BTreeMap<String, Value> {
    let named = |resource: &Value| resource["Metadata"]["BuildProperties"]["Binary"].as_str().expect("a binary").to_owned();
    let is_function = |resource: &Value| resource["Type"] == "AWS::Serverless::Function";
    resources().into_values().filter(is_function).map(|resource| (named(&resource), resource["Properties"].clone())).collect()
}

/// The folders under `functions/`.
fn folders() -> BTreeSet<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a folder").file_name().into_string().expect("a name"))
        .collect()
}

#[test]
fn r65_every_function_is_deployed_with_a_role_and_a_log_of_its_own() {
    let functions = functions();
    assert_eq!(functions.keys().cloned().collect::<BTreeSet<_>>(), folders());
    let (roles, logs) = (of_type("AWS::IAM::Role"), of_type("AWS::Logs::LogGroup"));
    let mut taken = BTreeSet::new();
    for (name, function) in &functions {
        let role = function["Role"]["Fn::GetAtt"].as_str().and_then(|role| role.strip_suffix(".Arn")).expect("a role");
        assert!(roles.contains_key(role) && taken.insert(role.to_owned()), "{name}");
        let log = function["LoggingConfig"]["LogGroup"]["Ref"].as_str().expect("a log");
        assert!(logs[log]["RetentionInDays"].is_object(), "{name}: logs end");
    }
}

#[test]
fn r64_the_tables_are_those_of_the_schema() {
    let tables = of_type("AWS::DynamoDB::Table");
    let (of, mut found) =
        (|key: &palisade_local::KeyAttribute| json!({ "AttributeName": key.name, "AttributeType": key.of.as_str() }), 0);
    for schema in palisade_local::SCHEMA {
        let word = schema.table.as_str();
        let name = format!("{}{}Table", word[..1].to_uppercase(), &word[1..]);
        let table = &tables[&name];
        // What is protected can only be kept when the stack goes: anything else would hold its removal up.
        assert_eq!(resources()[&name]["DeletionPolicy"], "Retain", "{name}");
        found += 1;
        let key = |partition: &str, sort: Option<&str>| {
            let hash = json!({ "AttributeName": partition, "KeyType": "HASH" });
            let range = sort.map(|sort| json!({ "AttributeName": sort, "KeyType": "RANGE" }));
            std::iter::once(hash).chain(range).collect::<Value>()
        };
        assert_eq!(table["KeySchema"], key(schema.partition.name, schema.sort.map(|sort| sort.name)), "{name}");
        let ttl = json!({ "AttributeName": "expires_at", "Enabled": true });
        assert_eq!(table["TimeToLiveSpecification"] == ttl, schema.ttl, "{name}");
        let recovers = table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == true;
        assert_eq!(recovers, !["SessionsTable", "NoticesTable"].contains(&name.as_str()), "{name}");
        assert_eq!(table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES", schema.stream, "{name}");
        let mut attributes: Vec<Value> = std::iter::once(&schema.partition).chain(schema.sort.as_ref()).map(of).collect();
        let indexes = table["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
        assert_eq!(indexes.len(), schema.indexes.len(), "{name}");
        for (index, there) in schema.indexes.iter().zip(&indexes) {
            attributes.extend([of(&index.partition), of(&index.sort)]);
            assert_eq!(
                (&there["IndexName"], &there["KeySchema"]),
                (&json!(index.name), &key(index.partition.name, Some(index.sort.name)))
            );
            let projected: BTreeSet<&str> = index.projected.iter().copied().filter(|name| *name != index.partition.name).collect();
            let there: BTreeSet<&str> =
                there["Projection"]["NonKeyAttributes"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
            assert_eq!(there, projected, "{name}");
        }
        let defined: BTreeSet<String> =
            table["AttributeDefinitions"].as_array().expect("a list").iter().map(Value::to_string).collect();
        assert_eq!(defined, attributes.iter().map(Value::to_string).collect(), "{name}");
        let is_safe = table["DeletionProtectionEnabled"] == true && table["SSESpecification"]["SSEEnabled"] == true;
        assert!(is_safe && table["BillingMode"] == "PAY_PER_REQUEST", "{name}");
    }
    assert_eq!((found, tables.len()), (6, 6));
}

#[test]
fn r61_the_routes_are_those_of_the_table() {
    let mut routes = BTreeSet::new();
    for (name, function) in functions() {
        for event in function["Events"].as_object().into_iter().flatten().map(|(_, event)| event) {
            let of = |member: &str| event["Properties"][member].as_str().expect("a text").to_owned();
            assert_eq!((event["Type"].as_str(), of("PayloadFormatVersion").as_str()), (Some("HttpApi"), "2.0"));
            assert_eq!(event["Properties"]["ApiId"], json!({ "Ref": "Api" }), "{name}");
            assert!(routes.insert((name.clone(), of("Method"), of("Path"))), "{name}");
        }
    }
    let expected = ROUTES.iter().map(|route| (route.function.to_owned(), route.method.to_owned(), route.path.to_owned()));
    assert_eq!(routes, expected.collect());
}

/// The environment of a function: that of all, and its own.
fn environment(function: &Value) -> BTreeMap<String, Value> {
    let of_all = template()["Globals"]["Function"]["Environment"]["Variables"].clone();
    let [all, own] = [of_all, function["Environment"]["Variables"].clone()]
        .map(|variables| serde_json::from_value::<BTreeMap<String, Value>>(variables).unwrap_or_default());
    all.into_iter().chain(own).collect()
}

/// What a value of the environment comes to: with every parameter at its default, or with all of `set`, under which every condition holds.
fn resolved(value: &Value, set: Option<&BTreeMap<&str, &str>>) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    if let Some(branches) = value["Fn::If"].as_array() {
        return resolved(&branches[if set.is_some() { 1 } else { 2 }], set);
    }
    if let Some(text) = value["Fn::Sub"].as_str() {
        let secret = "a-generated-secret-of-the-right-length";
        let previous = text.contains("${PreviousSecret}").then(|| format!(",{secret}-before"));
        return Some(format!("{secret}{}", previous.unwrap_or_default()));
    }
    let name = value["Ref"].as_str().expect("a reference");
    if name == "AWS::NoValue" {
        return None;
    }
    if name.ends_with("Topic") {
        return Some(format!("arn:aws:sns:eu-central-1:123456789012:{name}"));
    }
    let default = &template()["Parameters"][name]["Default"];
    let default = default.as_str().map(str::to_owned).or_else(|| (!default.is_null()).then(|| default.to_string()));
    let given = set.and_then(|set| set.get(name)).map(|text| (*text).to_owned());
    Some(given.or(default).unwrap_or_else(|| name.to_owned()))
}

#[test]
fn d22_what_the_template_sets_starts_every_function_with_no_parameter_given_and_with_all() {
    let all = BTreeMap::from([
        ("Policy", "nist"),
        ("Limits", "monitor"),
        ("Identifier", "username"),
        ("BaseUrl", "https://auth.example.com"),
        ("AllowedOrigins", "https://a.example.com,https://b.example.com"),
        ("TrustedProxies", "203.0.113.0/24"),
        ("SessionsNotBefore", "1795543200"),
        ("BreachUnavailable", "refuse"),
        ("RequireConfirmation", "false"),
        ("WebhookUrl", "https://hooks.example.com/x"),
        ("WebhookSecret", "whsec_bG9jYWwtb25seS13ZWJob29rLXNlY3JldC0wMDAwMDAwMDA="),
        ("MailFrom", "Example <no-reply@example.com>"),
        ("BlockedMailDomains", "mailinator.com,example.org"),
        ("ServiceName", "Shop"),
    ]);
    for (name, function) in functions() {
        for set in [None, Some(&all)] {
            let pairs = environment(&function).into_iter().filter_map(|(name, value)| Some((name, resolved(&value, set)?)));
            let pairs = pairs.chain([("AWS_REGION".to_owned(), "eu-central-1".to_owned())]);
            let named: Vec<Table> =
                Table::ALL.into_iter().filter(|table| environment(&function).contains_key(&table.setting())).collect();
            let settings = Settings::parse(pairs, &named);
            assert!(settings.is_ok(), "{name}: {:?}", settings.err());
        }
    }
}

#[test]
fn every_setting_of_the_template_is_one_and_names_the_tables_that_the_role_reaches() {
    for (name, function) in functions() {
        let environment = environment(&function);
        for setting in environment.keys() {
            assert!(SETTINGS.iter().any(|known| known.name == setting), "{name}: {setting}");
        }
        let named: BTreeSet<&str> =
            Table::ALL.into_iter().filter(|table| environment.contains_key(&table.setting())).map(Table::as_str).collect();
        let reached: BTreeSet<&str> = GRANTED[&name].iter().filter_map(|permission| permission.table.split('/').next()).collect();
        assert!(reached.is_subset(&named), "{name}: {reached:?} {named:?}");
    }
}

#[test]
fn r65_no_role_has_a_wildcard_a_scan_or_the_right_to_more_than_it_needs() {
    for (name, role) in of_type("AWS::IAM::Role") {
        let policies = role["Policies"].to_string();
        assert!(!policies.contains('*') && !policies.contains("Scan") && !policies.contains("DeleteTable"), "{name}: {policies}");
        assert!(role["ManagedPolicyArns"].is_null(), "{name}");
    }
    for (name, policy) in of_type("AWS::IAM::RolePolicy") {
        assert!(!policy["PolicyDocument"].to_string().contains('*'), "{name}");
    }
}

/// What no local wire can hold a role to, in full: logs, keys, topics, streams, queues, mail and user pools.
#[test]
fn r65_beside_the_tables_each_role_has_these_rights_and_no_others() {
    let actions = |policies: &Value| -> BTreeSet<String> {
        let statements = policies.as_array().expect("statements").iter().map(|statement| statement["Action"].clone());
        let actions = statements.flat_map(|action| action.as_array().cloned().unwrap_or_else(|| vec![action.clone()]));
        let words = actions.map(|action| action.as_str().expect("a word").to_owned());
        let of_streams = ["GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"].map(|name| format!("dynamodb:{name}"));
        words.filter(|action| !action.starts_with("dynamodb:") || of_streams.contains(action)).collect()
    };
    let every = "kms:Decrypt logs:CreateLogStream logs:PutLogEvents";
    let fan_out = "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams kms:GenerateDataKey \
                   sns:Publish sqs:SendMessage";
    for (name, role) in of_type("AWS::IAM::Role") {
        let of_its_own = if name == "AlertFanOutRole" { fan_out } else { "" };
        let expected = every.split(' ').chain(of_its_own.split_whitespace()).map(str::to_owned).collect();
        assert_eq!(actions(&role["Policies"][0]["PolicyDocument"]["Statement"]), expected, "{name}");
    }
    let given: BTreeMap<String, BTreeSet<String>> = of_type("AWS::IAM::RolePolicy")
        .into_values()
        .map(|policy| {
            (policy["RoleName"]["Ref"].as_str().expect("a role").to_owned(), actions(&policy["PolicyDocument"]["Statement"]))
        })
        .collect();
    let one = |role: &str, action: &str| (role.to_owned(), BTreeSet::from([action.to_owned()]));
    let expected = [one("NoticeMailerRole", "ses:SendEmail"), one("CognitoTriggersRole", "cognito-idp:AdminUserGlobalSignOut")];
    assert_eq!(given, expected.into());
}

/// After a whole run of the suite; `.ci/run` does so.
#[test]
#[ignore = "needs what a whole run of the suite leaves behind"]
fn r65_no_role_grants_what_the_whole_suite_did_not_use() {
    let used = std::fs::read_to_string(acceptance::permissions()).expect("a run of the suite");
    let used: BTreeSet<&str> = used.lines().collect();
    for (function, granted) in &*GRANTED {
        for permission in granted {
            let line = format!("{function} {} {}", permission.action, permission.table);
            assert!(used.contains(line.as_str()), "granted and not used: {line}");
        }
    }
}

#[test]
fn i15_whoever_calls_a_function_is_named_with_account_and_source() {
    let permissions = of_type("AWS::Lambda::Permission");
    assert_eq!(permissions.len(), 2);
    for (name, permission) in permissions {
        assert!(!permission["SourceArn"].to_string().contains('*'), "{name}");
        assert!(permission["SourceArn"].is_object() && permission["SourceAccount"] == json!({ "Ref": "AWS::AccountId" }), "{name}");
        assert_ne!(permission["Principal"], "*", "{name}");
    }
}

#[test]
fn a30_d21_validation_keeps_its_room_and_what_hashes_can_be_capped() {
    let functions = functions();
    for name in ["session-validation", "sessions", "login", "signup", "password-change", "breach-check"] {
        assert!(functions[name]["ReservedConcurrentExecutions"]["Fn::If"].is_array(), "{name}");
    }
    for name in ["login", "signup", "password-change", "sessions", "cognito-triggers"] {
        assert_eq!(functions[name]["MemorySize"], 1_769, "{name}: a whole core");
    }
}

#[test]
fn al09_al16_the_streams_bring_what_is_new_and_what_they_give_up_is_kept() {
    let mappings = of_type("AWS::Lambda::EventSourceMapping");
    assert_eq!(mappings.len(), 2);
    for (name, mapping) in mappings {
        assert_eq!(mapping["FilterCriteria"]["Filters"][0]["Pattern"], r#"{"eventName": ["INSERT", "MODIFY"]}"#, "{name}");
        assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{name}");
        assert!(mapping["BisectBatchOnFunctionError"] == true && mapping["MaximumRecordAgeInSeconds"] == 3_600, "{name}");
        assert_eq!(mapping["MaximumRetryAttempts"], -1, "{name}: bounded by the age alone");
        assert!(mapping["DestinationConfig"]["OnFailure"]["Destination"].is_object(), "{name}");
    }
    let alarms = of_type("AWS::CloudWatch::Alarm");
    assert!(["FanOutBehind", "FanOutGaveUp", "OnAlertFailed", "OnRecordSetAside"].iter().all(|name| alarms.contains_key(*name)));
}

#[test]
fn r65_every_critical_event_has_an_alarm() {
    let alarms = of_type("AWS::CloudWatch::Alarm");
    let watched: BTreeSet<String> = alarms
        .values()
        .filter(|alarm| alarm["Namespace"] == "Palisade")
        .filter_map(|alarm| alarm["Dimensions"][0]["Value"].as_str().map(str::to_owned))
        .collect();
    // What is watched is counted: an event from a warning up, by its name alone.
    let counted = EventKind::ALL.iter().filter(|kind| kind.severity() > Severity::Info);
    let counted: BTreeSet<String> =
        counted.map(|kind| serde_json::to_value(kind).expect("a word").as_str().expect("a word").to_owned()).collect();
    assert!(watched.is_subset(&counted), "{watched:?}");
    for alarm in alarms.values().filter(|alarm| alarm["Namespace"] == "Palisade") {
        let is_counted = alarm["Dimensions"][0]["Name"] == "event" && alarm["Dimensions"][1].is_null();
        assert!(is_counted && alarm["MetricName"] == "Events", "{alarm}");
    }
    for kind in EventKind::ALL.iter().filter(|kind| kind.severity() == Severity::Critical) {
        let name = serde_json::to_value(kind).expect("a word");
        assert!(watched.contains(name.as_str().expect("a word")), "{name}");
    }
    for (name, alarm) in alarms {
        assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "AlarmsTopic" }]), "{name}");
        assert!(alarm["AlarmDescription"].as_str().is_some_and(|text| text.len() > 10), "{name}");
    }
}

#[test]
fn sc10_secrets_are_generated_hidden_and_kept() {
    for (name, parameter) in template()["Parameters"].as_object().expect("parameters") {
        let is_secret = name.contains("Secret");
        assert_eq!(parameter["NoEcho"] == true, is_secret, "{name}");
        assert!(parameter["Description"].as_str().is_some_and(|text| text.len() > 10), "{name}");
    }
    for (name, resource) in resources().iter().filter(|(_, resource)| resource["Type"] == "AWS::SecretsManager::Secret") {
        // Their names are fixed: what a failed first deployment left behind would keep the next from being made.
        let is_kept = resource["DeletionPolicy"] == "RetainExceptOnCreate";
        assert!(is_kept && resource["Properties"]["GenerateSecretString"].is_object(), "{name}");
    }
    assert!(!TEMPLATE.contains("local-only-"), "no key of the local stack");
    assert!(template()["Globals"]["Function"]["KmsKeyArn"].is_object());
}

#[test]
fn r51_mail_about_incidents_is_for_those_that_are_high_or_critical() {
    let subscriptions = of_type("AWS::SNS::Subscription");
    assert_eq!(subscriptions["AlertsByMail"]["FilterPolicy"], json!({ "severity": ["high", "critical"] }));
    for (name, topic) in of_type("AWS::SNS::Topic") {
        assert!(topic["KmsMasterKeyId"].is_object(), "{name}");
    }
}

/// What the largest archive may have: it is fetched in every cold start.
const ZIPPED_BYTES: u64 = 4_500_000;

#[test]
fn r65_every_function_was_packed_and_is_small_enough() {
    let table = include_str!("../../infra/packages.csv");
    let mut packed = BTreeSet::new();
    for line in table.lines().skip(1) {
        let [name, architecture, bootstrap, zipped] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let [bootstrap, zipped] = [bootstrap, zipped].map(|bytes| bytes.parse::<u64>().expect("a number"));
        assert!(["x86_64", "arm64"].contains(&architecture) && zipped < bootstrap && zipped <= ZIPPED_BYTES, "{line}");
        packed.insert(name.to_owned());
    }
    assert_eq!(packed, folders(), "infra/packages.csv is made by .ci/packages");
}

#[test]
fn r65_every_alarm_is_in_the_run_book_and_every_alarm_in_it_is_one() {
    let book = include_str!("../../infra/OPERATIONS.md");
    let section = book.split("## Alarms").nth(1).and_then(|text| text.split("\n## ").next()).expect("a section");
    let rows: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .flat_map(|line| line.split(" | ").next().expect("a cell").split("`, `"))
        .map(|name| name.trim_end_matches('`').to_owned())
        .collect();
    let of_a_function = |name: &str| ["Errors", "Throttles"].iter().find(|end| name.ends_with(*end)).map(|end| format!("…{end}"));
    let alarms: BTreeSet<String> =
        of_type("AWS::CloudWatch::Alarm").into_keys().map(|name| of_a_function(&name).unwrap_or(name)).collect();
    assert_eq!(rows, alarms);
}
