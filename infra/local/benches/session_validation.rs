//! What a warm validation costs without the network, beside a bare `lambda_runtime` echo of the same event:
//! `cargo bench --bench session_validation`.
//!
//! The validation is the deployed function with the real SDK; DynamoDB's answer is recorded once and given back at once by the transport.
//! In process: time, allocations and bytes a call. Through the Lambda Runtime API on loopback: the time a call takes both.
//! `valgrind --tool=callgrind <the benchmark> loop N` counts instructions; the difference of two N is that of so many calls.
#![allow(missing_docs, reason = "a benchmark has no readers of its API")]
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark measures and tells")]
#![allow(clippy::cast_precision_loss, reason = "thousands of nanoseconds")]

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use lambda_runtime::{LambdaEvent, service_fn};
use palisade_cloud::{Clock, Parts, environment};
use palisade_core::settings::{Settings, Table};
use palisade_edge::Outcome;
use palisade_local::{Answered, ClockMode, NewAccount, Options, RuntimeApi, Stack, settings_pairs};
use serde_json::{Value, json};

const EVENT: &str = include_str!("../../events/session-validation/http-v2.json");
const LOGIN: &str = include_str!("../../events/login/success.json");
const CALLS: u32 = 2_000;

type Validate = Arc<session_validation::Deps>;

/// A transport that reads session and account once and then gives the same answer back. What else is asked, the list of blocked networks in the same
/// moment and every twentieth time the count of requests, is answered at once: nobody is blocked, and twenty were counted.
#[derive(Debug, Clone)]
struct Recorded(SharedHttpClient, Arc<Mutex<Option<Vec<u8>>>>);

#[derive(Debug)]
struct Connector(SharedHttpConnector, Arc<Mutex<Option<Vec<u8>>>>);

impl HttpClient for Recorded {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector(self.0.http_connector(settings, components), Arc::clone(&self.1)))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        if !target.ends_with("BatchGetItem") {
            let counted = target.ends_with("UpdateItem");
            let body = if counted { r#"{"Attributes":{"requests":{"N":"20"}}}"# } else { "{}" };
            return HttpConnectorFuture::ready(Ok(answer(body.into())));
        }
        if let Some(body) = self.1.lock().unwrap().as_ref() {
            return HttpConnectorFuture::ready(Ok(answer(body.clone())));
        }
        let (asked, kept) = (self.0.call(request), Arc::clone(&self.1));
        HttpConnectorFuture::new(async move {
            let body = ByteStream::new(asked.await?.into_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?.to_vec();
            *kept.lock().unwrap() = Some(body.clone());
            Ok(answer(body))
        })
    }
}

fn answer(body: Vec<u8>) -> HttpResponse {
    HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body))
}

/// The function with one recorded answer, and the event it is asked.
async fn prepare() -> (Validate, String) {
    let demo = NewAccount {
        identifier: "demo@example.com".into(),
        password: Some("correct-Horse-7-battery".into()),
        ..NewAccount::default()
    };
    let stack = Stack::start(Options { clock: ClockMode::Manual, ..Options::default() }).await.unwrap();
    stack.account(demo).await.unwrap();
    let bearer = LOGIN.replace("battery\\\"}", "battery\\\",\\\"mode\\\":\\\"bearer\\\"}");
    let login: Value = serde_json::from_str(&stack.call("login", &bearer).await.unwrap()).unwrap();
    let session: Value = serde_json::from_str(login["body"].as_str().unwrap()).unwrap();
    let mut event: Value = serde_json::from_str(EVENT).unwrap();
    event["cookies"] = json!([format!("__Host-session={}", session["token"].as_str().unwrap())]);
    event["headers"]["user-agent"] = json!("curl/8.5.0");

    let now = stack.clock().unwrap().now();
    let plain = aws_smithy_http_client::Builder::new().build_http();
    let parts = Parts {
        clock: Clock::new(move || now),
        entropy: environment::system_entropy(),
        credentials: aws_credential_types::Credentials::from_keys("local", "local", None),
        http: Some(SharedHttpClient::new(Recorded(plain, Arc::default()))),
    };
    let settings = Settings::parse(settings_pairs(stack.dynamodb(), None, "", &[]), &Table::ALL).unwrap();
    let deps = Arc::new(session_validation::Deps::new(&settings, &parts).unwrap());
    let event = event.to_string();
    assert!(allows(&validate(&deps, &event).await), "the recorded session is let in");
    stack.stop().await;
    assert!(allows(&validate(&deps, &event).await), "without DynamoDB as well");
    (deps, event)
}

async fn validate(deps: &Validate, event: &str) -> Outcome {
    session_validation::invoke(Arc::clone(deps), event.to_owned(), "bench".to_owned()).await
}

fn allows(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Result(text) if text.contains("\"isAuthorized\":true"))
}

/// What the echo does with the event in process: the text read and written.
fn echo(event: &str) -> String {
    serde_json::from_str::<Value>(event).unwrap().to_string()
}

/// The median time of a call of this program in `mode` through the Runtime API.
async fn through_the_runtime(mode: &str) -> Duration {
    let mut api = RuntimeApi::start().await.unwrap();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.arg(mode).env("AWS_LAMBDA_RUNTIME_API", api.address()).kill_on_drop(true).stdout(Stdio::piped());
    for (name, value) in [("NAME", "bench"), ("MEMORY_SIZE", "1769"), ("VERSION", "1")] {
        child.env(format!("AWS_LAMBDA_FUNCTION_{name}"), value);
    }
    let mut child = child.spawn().unwrap();
    let mut event = String::new();
    let mut said = tokio::io::BufReader::new(child.stdout.take().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut said, &mut event).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let start = Instant::now();
        let answered = api.call(event.clone()).await.unwrap();
        times.push(start.elapsed());
        assert!(
            matches!(&answered, Answered::Result(text) if mode == "echo" || text.contains("\"isAuthorized\":true")),
            "{answered:?}"
        );
    }
    median(times)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn in_process(runtime: &tokio::runtime::Runtime, name: &str, call: impl AsyncFn()) -> Duration {
    for _ in 0..100 {
        runtime.block_on(call());
    }
    let counted = measure(|| runtime.block_on(call()));
    let times = (0..CALLS).map(|_| {
        let start = Instant::now();
        runtime.block_on(call());
        start.elapsed()
    });
    let time = median(times.collect());
    println!("in process: {name}: {time:?}, {} allocations, {} bytes", counted.count_total, counted.bytes_total);
    time
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("echo") => {
            println!("{}", serde_json::from_str::<Value>(EVENT).unwrap());
            let echo = service_fn(async |event: LambdaEvent<Value>| Ok::<_, std::convert::Infallible>(event.payload));
            runtime.block_on(lambda_runtime::run(echo)).unwrap();
        }
        Some("validate") => {
            runtime.block_on(async {
                let (deps, event) = prepare().await;
                println!("{event}");
                let function = move |event, id| session_validation::invoke(Arc::clone(&deps), event, id);
                palisade_edge::serve(async { Ok::<_, String>(function) }).await
            });
        }
        Some("loop") => {
            let (deps, event) = runtime.block_on(prepare());
            for _ in 0..arguments[1].parse().unwrap() {
                assert!(allows(&runtime.block_on(validate(&deps, &event))));
            }
        }
        _ => {
            let (deps, event) = runtime.block_on(prepare());
            let floor = in_process(&runtime, "echo", async || {
                std::hint::black_box(echo(&event));
            });
            let validation = in_process(&runtime, "validation", async || {
                std::hint::black_box(validate(&deps, &event).await);
            });
            println!("in process: {:.1} times the echo", ratio(validation, floor));
            let [echo, validate] = ["echo", "validate"].map(|mode| runtime.block_on(through_the_runtime(mode)));
            println!("through the runtime: echo {echo:?}, validation {validate:?}, {:.2} times", ratio(validate, echo));
        }
    }
}
