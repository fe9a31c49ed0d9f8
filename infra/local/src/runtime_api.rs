//! A Lambda Runtime API on loopback, for built binaries: the four routes that a runtime uses.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// What a call ended in.
#[derive(Debug, PartialEq, Eq)]
pub enum Answered {
    /// A result.
    Result(String),
    /// An error.
    Error(String),
}

/// A running API: events go in, results come out. It serves one process and ends when dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    address: String,
    events: mpsc::Sender<String>,
    answers: mpsc::Receiver<Answered>,
    asked: Option<oneshot::Receiver<Instant>>,
    served: JoinHandle<io::Result<()>>,
}

struct Api {
    events: tokio::sync::Mutex<mpsc::Receiver<String>>,
    answers: mpsc::Sender<Answered>,
    asked: Mutex<Option<oneshot::Sender<Instant>>>,
    calls: AtomicU64,
}

impl RuntimeApi {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> io::Result<Self> {
        let (events, events_out) = mpsc::channel(8);
        let (answers_in, answers) = mpsc::channel(8);
        let (asked_in, asked) = oneshot::channel();
        let api = Api { events: events_out.into(), answers: answers_in, asked: Some(asked_in).into(), calls: 0.into() };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(|| async { StatusCode::ACCEPTED }))
            .with_state(Arc::new(api));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let served = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { address, events, answers, asked: Some(asked), served })
    }

    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// When the process first asked for work, as soon as it has; `None` when that was told already.
    pub async fn asked(&mut self) -> Option<Instant> {
        self.asked.take()?.await.ok()
    }

    /// Sends `event` and waits for what comes of it, for ever if need be; `None` when the API is gone.
    pub async fn call(&mut self, event: String) -> Option<Answered> {
        self.events.send(event).await.ok()?;
        self.answers.recv().await
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let first = api.asked.lock().unwrap_or_else(PoisonError::into_inner).take();
    first.map(|first| first.send(Instant::now()));
    let Some(event) = api.events.lock().await.recv().await else {
        return std::future::pending().await;
    };
    let call = api.calls.fetch_add(1, Ordering::Relaxed) + 1;
    let headers = [
        ("lambda-runtime-aws-request-id", format!("runtime-{call:08}")),
        ("lambda-runtime-deadline-ms", "4102444800000".to_owned()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:000000000000:function:local".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event).into_response()
}

async fn response(State(api): State<Arc<Api>>, Path(_): Path<String>, body: String) -> StatusCode {
    drop(api.answers.send(Answered::Result(body)).await);
    StatusCode::ACCEPTED
}

async fn error(State(api): State<Arc<Api>>, Path(_): Path<String>, body: String) -> StatusCode {
    drop(api.answers.send(Answered::Error(body)).await);
    StatusCode::ACCEPTED
}
