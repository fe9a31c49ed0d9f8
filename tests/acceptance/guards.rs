//! Fails when something new is undocumented, untested or in the wrong place.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use palisade_core::event::EventKind;
use palisade_core::settings::SETTINGS;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of the project that git would keep, relative to the root.
fn files() -> Vec<PathBuf> {
    fn walk(directory: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && name != ".git" {
                    walk(&path, into);
                }
            } else {
                into.push(path);
            }
        }
    }
    let mut all = Vec::new();
    walk(&root(), &mut all);
    all.into_iter().map(|path| path.strip_prefix(root()).expect("below the root").to_path_buf()).collect()
}

fn sources() -> Vec<(PathBuf, String)> {
    let rust = files().into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    rust.map(|path| (path.clone(), read(&path.to_string_lossy()))).collect()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn dependencies_point_the_right_way() {
    let allowed = |package: &str| -> Option<&[&str]> {
        Some(match package {
            "palisade-core" => &[],
            "palisade-cloud" | "palisade-edge" => &["palisade-core"],
            "palisade-flows" => &["palisade-core", "palisade-cloud"],
            "palisade-local" => &[
                "palisade-core",
                "palisade-cloud",
                "palisade-edge",
                "palisade-flows",
                "alert-fan-out",
                "incidents",
                "notice-mailer",
                "login",
                "breach-check",
                "cognito-triggers",
                "password-change",
                "signup",
                "sessions",
                "session-validation",
            ],
            "palisade" => &["palisade-core", "palisade-cloud", "palisade-flows"],
            "palisade-bench" => &["palisade-core", "palisade-local"],
            "acceptance" => &["palisade", "palisade-core", "palisade-edge", "palisade-local"],
            "alert-fan-out" | "cognito-triggers" | "incidents" | "notice-mailer" | "login" | "breach-check" | "password-change"
            | "signup" | "sessions" | "session-validation" => &["palisade-core", "palisade-edge", "palisade-flows"],
            _ => return None,
        })
    };
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let allowed = allowed(name).unwrap_or_else(|| panic!("{name} has no row here"));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let dependency = dependency["name"].as_str().expect("a name");
            assert!(!ours.contains(dependency) || allowed.contains(&dependency), "{name} must not use {dependency}");
            let is_aws = dependency.starts_with("aws-");
            assert!(!is_aws || ["palisade-cloud", "palisade-local"].contains(&name), "{name} must not use {dependency}");
        }
    }
}

#[test]
fn every_setting_is_in_the_readme_with_its_default_and_meaning() {
    let table: String = SETTINGS.iter().fold(String::new(), |table, setting| {
        table + &format!("| `{}` | {} | {} |\n", setting.name, setting.default, setting.meaning)
    });
    assert!(read("README.md").contains(&table), "the settings table in README.md should be:\n{table}");
}

#[test]
fn every_event_is_in_the_security_document() {
    let document = read("SECURITY.md");
    for kind in EventKind::ALL.iter().copied() {
        let name = serde_json::to_value(kind).expect("a word");
        let name = name.as_str().expect("a word");
        assert!(document.contains(&format!("`{name}`")), "{name} is not in SECURITY.md");
    }
}

#[test]
fn every_path_that_a_document_names_exists() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"] {
        for quoted in read(document).split('`').skip(1).step_by(2) {
            let is_path =
                ["functions/", "shared/", "infra/", "tests/", ".ci/", ".cargo/"].iter().any(|start| quoted.starts_with(start));
            let plain = quoted.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
            assert!(!(is_path && plain) || root().join(quoted).exists(), "{document} names {quoted}, which is not there");
        }
    }
}

#[test]
fn every_test_that_the_security_document_names_exists() {
    let tests: BTreeSet<String> = sources().iter().flat_map(|(_, text)| test_names(text)).collect();
    for quoted in read("SECURITY.md").split('`').skip(1).step_by(2) {
        if let Some(name) = quoted.strip_prefix("test:") {
            assert!(tests.contains(name), "SECURITY.md names {name}, which is no test");
        }
    }
}

fn test_names(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let named = lines.iter().filter_map(|line| line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")));
    named.filter_map(|rest| rest.split('(').next()).map(str::to_owned).collect()
}

#[test]
fn se04_every_authorizer_in_readme_and_template_caches_nothing_and_lists_no_identity_source() {
    // The template's own routes ask for none; were there one, it would be held to the same.
    let template = read("template.yaml");
    assert!(!template.contains("Authorizers:") && !template.contains("IdentitySource"), "not by SAM's shorthand, which caches");
    assert_eq!(template.matches("::Authorizer").count(), template.matches("AuthorizerResultTtlInSeconds: 0\n").count());
    let readme = read("README.md");
    let templates: Vec<&str> = readme.split("```yaml").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let authorizers: Vec<&&str> = templates.iter().filter(|template| template.contains("::Authorizer")).collect();
    assert_eq!(authorizers.len(), 2, "an HTTP API's and a REST API's");
    for template in authorizers {
        assert!(template.contains("AuthorizerResultTtlInSeconds: 0") && !template.contains("IdentitySource"), "{template}");
    }
}

#[test]
fn every_threat_names_its_test() {
    let document = read("SECURITY.md");
    let threats: Vec<&str> = document.lines().filter(|line| line.starts_with("| T-")).collect();
    assert!(threats.len() > 10, "there are threats");
    for threat in threats {
        assert!(threat.contains("`test:"), "{threat}");
    }
}

#[test]
fn sc05_no_instrument_attribute_records_its_arguments() {
    for (path, text) in sources() {
        if path.ends_with("guards.rs") {
            continue;
        }
        for line in text.lines().filter(|line| line.contains("#[instrument") || line.contains("tracing::instrument")) {
            assert!(line.contains("skip_all"), "{}: {line}", path.display());
        }
    }
}

#[test]
fn sc12_no_file_holds_what_looks_like_a_real_key() {
    for path in files() {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for word in text.split(|character: char| !character.is_ascii_alphanumeric()) {
            let looks_like_a_key = word.len() == 20 && ["AKIA", "ASIA"].iter().any(|start| word.starts_with(start));
            assert!(!looks_like_a_key, "{}: {word}", path.display());
        }
        assert!(
            !text.contains(concat!("-----BEGIN ", "PRIVATE KEY")) && !text.contains(concat!("-----BEGIN RSA ", "PRIVATE")),
            "{}",
            path.display()
        );
    }
}

#[test]
fn files_and_functions_stay_readable() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        let most = if path.starts_with("tests") || path.ends_with("tests.rs") { 500 } else { 300 };
        assert!(lines <= most, "{}: {lines} lines", path.display());
        if path.ends_with("src/main.rs") && path.starts_with("functions") {
            assert!(lines <= 30, "{}: {lines} lines", path.display());
        }
    }
}

#[test]
fn the_top_level_holds_nothing_unexpected() {
    let expected = ["Cargo.toml", "Cargo.lock", "functions", "shared", "infra", "tests", "template.yaml", "README.md"];
    let habits = [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "LICENSE",
        "NOTICE",
        "clippy.toml",
        "deny.toml",
        "rustfmt.toml",
        "rust-toolchain.toml",
        "target",
    ];
    for entry in fs::read_dir(root()).expect("the root") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || expected.contains(&name.as_str()) || habits.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn the_environment_file_for_cargo_lambda_is_the_local_stacks() {
    let messages =
        palisade_local::message_pairs("http://127.0.0.1:8002", "http://127.0.0.1:8003", "http://127.0.0.1:8004/hook", &[]);
    let pairs = palisade_local::settings_pairs("http://127.0.0.1:8000", Some("http://127.0.0.1:8001"), "", &messages);
    let expected: BTreeSet<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let file = read("infra/local.env");
    let lines: BTreeSet<String> = file.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let credentials = ["AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local"].map(str::to_owned);
    assert_eq!(lines, expected.into_iter().chain(credentials).collect());
}

#[test]
fn every_shipped_event_is_used_by_a_test() {
    let all: String = sources().into_iter().map(|(_, text)| text).collect();
    for path in files().into_iter().filter(|path| path.starts_with("infra/events")) {
        let name = path.strip_prefix("infra").expect("below infra").to_string_lossy().into_owned();
        // One by one, or all of a folder.
        let folder = format!("\"{}\"", path.parent().expect("a folder").display());
        assert!(all.contains(&name) || all.contains(&folder), "{} is read by no test", path.display());
    }
}
