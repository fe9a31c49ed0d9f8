//! The built binaries under a Lambda Runtime API.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use palisade_local::RuntimeApi;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

pub use palisade_local::Answered as Outcome;

/// How long a built binary may take for anything before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running binary with events going in and results coming out.
pub struct Lambda {
    child: Child,
    api: RuntimeApi,
}

impl Lambda {
    /// Starts the built binary `name` with these variables and no others.
    pub async fn start(name: &str, variables: &[(String, String)]) -> Self {
        let api = RuntimeApi::start().await.expect("a port");
        let child = command(name, variables).env("AWS_LAMBDA_RUNTIME_API", api.address()).spawn().expect("the binary starts");
        Self { child, api }
    }

    /// Sends `event` and waits for what comes of it.
    pub async fn call(&mut self, event: &str) -> Outcome {
        tokio::time::timeout(PATIENCE, self.api.call(event.to_owned())).await.expect("an answer in time").expect("the API is up")
    }

    /// Ends the process and returns all it printed.
    pub async fn stop(mut self) -> String {
        self.child.start_kill().expect("it can be stopped");
        let mut text = String::new();
        self.child.stdout.take().expect("captured").read_to_string(&mut text).await.expect("UTF-8");
        self.child.stderr.take().expect("captured").read_to_string(&mut text).await.expect("UTF-8");
        text
    }
}

/// The built local stack.
pub struct LocalStack {
    child: Child,
    out: BufReader<ChildStdout>,
    gateway: String,
}

impl LocalStack {
    /// Starts it on free ports and waits until it says where it is.
    pub async fn start() -> Self {
        let mut command = Command::new(binary("palisade-local"));
        command.args(["--port", "0", "--dynamodb-port", "0"]).env_clear().kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().expect("captured"));
        let mut first = String::new();
        tokio::time::timeout(PATIENCE, out.read_line(&mut first)).await.expect("in time").expect("a line");
        let told: serde_json::Value = serde_json::from_str(&first).expect("the first line is JSON");
        let gateway = told["gateway"].as_str().expect("an address").to_owned();
        Self { child, out, gateway }
    }

    /// The JSON that comes back for `POST`ing `body`.
    pub async fn post(&self, path: &str, body: &serde_json::Value) -> serde_json::Value {
        palisade_local::install_tls();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = http.post(format!("{}{path}", self.gateway)).header("content-type", "application/json");
        let reply = request.body(body.to_string()).send().await.expect("an answer").text().await.expect("a body");
        serde_json::from_str(&reply).expect("JSON")
    }

    /// Ends it and returns the rest of what it printed.
    pub async fn greeting(&mut self) -> String {
        self.child.start_kill().expect("it can be stopped");
        let mut text = String::new();
        self.out.read_to_string(&mut text).await.expect("UTF-8");
        text
    }
}

/// Runs the built binary `name` until it ends by itself; whether it succeeded, and all it printed.
pub async fn run_to_end(name: &str, variables: &[(String, String)]) -> (bool, String) {
    run_with(name, &[], variables).await
}

/// The same with `arguments`.
pub async fn run_with(name: &str, arguments: &[&str], variables: &[(String, String)]) -> (bool, String) {
    let output = command(name, variables).args(arguments).env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1").output();
    let output = tokio::time::timeout(PATIENCE, output).await.expect("it ends").expect("it starts");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

fn command(name: &str, variables: &[(String, String)]) -> Command {
    let mut command = Command::new(binary(name));
    command.env_clear().envs(variables.iter().cloned()).kill_on_drop(true);
    command.envs([
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Builds every binary of the workspace once and returns where `name` is.
fn binary(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "--workspace", "--bins"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "the binaries build");
        // A test binary lies in <target>/<profile>/deps.
        let here = std::env::current_exe().expect("a path");
        here.ancestors().nth(2).expect("a profile directory").to_path_buf()
    });
    directory.join(name)
}
