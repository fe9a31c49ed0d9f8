//! A stack with people in front of it.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clap::Parser;
use palisade::arguments::{Arguments, Command};
use palisade::operator::Operator;
use palisade::run;
use palisade_local::{BreachService, ClockMode, Entry, Fault, NewAccount, Options, Payload, PumpMode, Received, Stack};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::log;

/// How long a test waits for what must come before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Counts worlds: ports come again within a run, these numbers do not.
static WORLDS: AtomicU32 = AtomicU32::new(0);

/// A running stack. Its clock stands still until moved; hashes are cheap unless a test asks for real ones.
#[derive(Debug, Clone)]
pub struct World {
    stack: Arc<Stack>,
    http: Client,
    strangers: Arc<AtomicU32>,
    name: String,
}

/// How a world is made.
#[derive(Debug, Clone)]
pub struct WorldBuilder(Options);

impl WorldBuilder {
    /// With the setting `name`.
    pub fn setting(mut self, name: &str, value: impl Display) -> Self {
        self.0.settings.retain(|(known, _)| known != name);
        self.0.settings.push((name.to_owned(), value.to_string()));
        self
    }

    /// With the `nist` profile.
    pub fn nist(self) -> Self {
        self.setting("PALISADE_POLICY", "nist")
    }

    /// With REST API events.
    pub fn rest(mut self) -> Self {
        self.0.payload = Payload::Rest;
        self
    }

    /// With hashes at the deployed cost.
    pub fn real_hashes(mut self) -> Self {
        self.0.settings.retain(|(name, _)| !name.contains("ARGON2"));
        self
    }

    /// With time limits short enough to wait for.
    pub fn short_timeouts(self) -> Self {
        self.setting("PALISADE_CONNECT_TIMEOUT_MS", 250)
            .setting("PALISADE_TOUCH_TIMEOUT_MS", 50)
            .setting("PALISADE_ATTEMPT_TIMEOUT_MS", 250)
            .setting("PALISADE_OPERATION_TIMEOUT_MS", 600)
            .setting("PALISADE_DEADLINE_MS", 2_000)
    }

    /// On the system's clock.
    pub fn system_clock(mut self) -> Self {
        self.0.clock = ClockMode::System;
        self
    }

    /// With breaches looked up at `url`.
    pub fn breach_service(mut self, url: &str) -> Self {
        self.0.breach = BreachService::At(url.to_owned());
        self
    }

    /// With DynamoDB elsewhere on this machine.
    pub fn dynamodb(mut self, url: &str) -> Self {
        self.0.dynamodb_url = Some(url.to_owned());
        self
    }

    /// The running world.
    pub async fn start(self) -> World {
        log::capture();
        palisade_local::install_tls();
        let stack = Stack::start(self.0).await.expect("the stack starts");
        let http = Client::builder().no_proxy().build().expect("an HTTP client");
        let name = format!("world-{}", WORLDS.fetch_add(1, Ordering::SeqCst));
        World { stack: Arc::new(stack), http, strangers: Arc::default(), name }
    }
}

impl World {
    /// A world to be made: manual clock, cheap hashes, time limits that a busy machine keeps.
    pub fn builder() -> WorldBuilder {
        let options = Options {
            clock: ClockMode::Manual,
            pump: PumpMode::OnDemand,
            dynamodb_url: std::env::var("PALISADE_TEST_DYNAMODB_URL").ok(),
            permissions: Some(permissions()),
            ..Options::default()
        };
        WorldBuilder(options)
            .setting("PALISADE_ALLOW_WEAK_ARGON2", true)
            .setting("PALISADE_ARGON2_MEMORY_KIB", 64)
            .setting("PALISADE_ARGON2_PASSES", 1)
            .setting("PALISADE_TOUCH_TIMEOUT_MS", 20_000)
            .setting("PALISADE_ATTEMPT_TIMEOUT_MS", 10_000)
            .setting("PALISADE_OPERATION_TIMEOUT_MS", 20_000)
            .setting("PALISADE_DEADLINE_MS", 29_000)
            .setting("PALISADE_COGNITO_DEADLINE_MS", 4_500)
    }

    /// The default world.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// What this world is called in the log, as part of a user agent: like no other.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stack itself.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Makes an account that signs in with `password`.
    pub async fn account(&self, identifier: &str, password: &str) -> String {
        self.make(NewAccount { password: Some(password.into()), ..named(identifier) }).await
    }

    /// Makes an account whose stored password is `encoded`, unchecked.
    pub async fn encoded_account(&self, identifier: &str, encoded: &str) -> String {
        self.make(NewAccount { encoded: Some(encoded.into()), ..named(identifier) }).await
    }

    /// Makes `account`.
    pub async fn make(&self, account: NewAccount) -> String {
        self.stack.account(account).await.expect("the account is made")
    }

    /// Somebody at `ip`, with a user agent of their own by which the log can be searched.
    pub fn actor(&self, ip: &str) -> Actor {
        let number = self.strangers.fetch_add(1, Ordering::SeqCst);
        Actor {
            world: self.clone(),
            ip: ip.to_owned(),
            user_agent: format!("actor-{number}-of-{}", self.name),
            headers: Vec::new(),
        }
    }

    /// Somebody at an address nobody else has.
    pub fn stranger(&self) -> Actor {
        let number = self.strangers.fetch_add(1, Ordering::SeqCst);
        let [_, a, b, c] = number.to_be_bytes();
        self.actor(&format!("10.{a}.{b}.{c}"))
    }

    /// Moves the clock on.
    pub fn advance(&self, seconds: u64) {
        self.advance_millis(seconds * 1_000);
    }

    /// Moves the clock on, finely.
    pub fn advance_millis(&self, millis: u64) {
        self.stack.clock().expect("a manual clock").advance(Duration::from_millis(millis));
    }

    /// What `palisade` with these arguments prints for an operator called `root`, at this world's time.
    pub async fn palisade(&self, arguments: &[&str]) -> Result<String, String> {
        let all = [&["palisade"], arguments].concat();
        let command = Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command;
        match command {
            Command::ImportDjango { .. } | Command::Cognito { .. } => panic!("tested as a program"),
            Command::Files(command) => run::on_files(command),
            Command::Deployment(command) => {
                let (settings, parts) = self.stack.operators().expect("the settings of the stack");
                let operator = Operator::new(&settings, &parts, "root".into()).expect("an operator");
                run::on_a_deployment(command, &operator).await
            }
        }
    }

    /// Injects `fault`.
    pub fn fault(&self, fault: Fault) {
        self.stack.faults().inject(fault);
    }

    /// Every notice in the local mailbox, newest last.
    pub async fn mailbox(&self) -> Vec<Value> {
        self.published("notices").await
    }

    /// Every alert there, newest last.
    pub async fn alerts(&self) -> Vec<Value> {
        self.published("alerts").await
    }

    async fn published(&self, topic: &str) -> Vec<Value> {
        let reply = self.stranger().send(Method::GET, "/__local/mailbox", None, Vec::new()).await;
        let messages = reply.json();
        let messages = messages.as_array().expect("a list").iter().filter(|message| message["topic"] == topic);
        messages.map(|message| message["body"].clone()).collect()
    }

    /// What the webhook got, oldest first.
    pub async fn webhooks(&self) -> Vec<Received> {
        self.pump().await;
        self.stack.webhooks().received()
    }

    /// Lets the fan-out see everything that happened.
    pub async fn pump(&self) {
        self.stack.pump().await.expect("the streams are read");
    }

    /// The token in the newest message of `kind`.
    pub async fn grant(&self, kind: &str) -> String {
        let messages = self.mailbox().await;
        let message = messages.iter().rev().find(|message| message["kind"] == kind).expect("a message");
        message["token"].as_str().expect("a token").to_owned()
    }

    /// The kinds of all messages.
    pub async fn notices(&self) -> Vec<String> {
        self.mailbox().await.iter().map(|message| message["kind"].as_str().expect("a kind").to_owned()).collect()
    }

    /// Waits until this many calls were ever held.
    pub async fn held(&self, calls: usize) {
        tokio::time::timeout(PATIENCE, self.stack.faults().held(calls)).await.expect("a call is held in time");
    }

    /// The latest request's entry.
    pub fn last_entry(&self) -> Entry {
        self.stack.ledger().entries().pop().expect("there was a request")
    }

    /// Hashes run by all requests so far.
    pub fn hashes(&self) -> u32 {
        self.stack.ledger().entries().iter().map(|entry| entry.hashes).sum()
    }

    /// Every item of the table with this word, as plain JSON: numbers as text, sets and lists as lists.
    pub async fn items(&self, table: &str) -> Vec<HashMap<String, Value>> {
        let name = format!("{}{table}", self.stack.table_prefix());
        let scan = self.stack.client().scan().table_name(name).consistent_read(true).send().await.expect("a scan");
        scan.items().iter().map(|item| item.iter().map(|(name, value)| (name.clone(), plain(value))).collect()).collect()
    }

    /// The counter item whose key starts with `start`, if any.
    pub async fn counter(&self, start: &str) -> Option<HashMap<String, Value>> {
        let items = self.items("counters").await;
        items.into_iter().find(|item| item["counter"].as_str().is_some_and(|key| key.starts_with(start)))
    }

    /// The only common lane there is.
    pub async fn lane(&self) -> HashMap<String, Value> {
        let lanes = self.items("counters").await;
        let mut lanes = lanes.into_iter().filter(|item| {
            item["counter"].as_str().is_some_and(|key| key.starts_with("account#") && key.matches('#').count() == 1)
        });
        let lane = lanes.next().expect("a lane");
        assert!(lanes.next().is_none(), "more than one lane");
        lane
    }

    /// Sets `attribute` of the item that `key` names to `value`, or removes it.
    pub async fn edit(&self, table: &str, key: &[(&str, &str)], attribute: &str, value: Option<Edit>) {
        let update = self.stack.client().update_item().table_name(format!("{}{table}", self.stack.table_prefix()));
        let update = key.iter().fold(update, |update, (name, value)| update.key(*name, Edit::S((*value).to_owned())));
        let update = update.expression_attribute_names("#attribute", attribute);
        let update = match value {
            None => update.update_expression("REMOVE #attribute"),
            Some(value) => update.update_expression("SET #attribute = :value").expression_attribute_values(":value", value),
        };
        update.send().await.expect("the item is edited");
    }
}

/// The file that holds what the functions needed in this run of the suite and those before it, a line each.
pub fn permissions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/permissions.txt")
}

/// An attribute's value.
pub type Edit = palisade_local::AttributeValue;

fn named(identifier: &str) -> NewAccount {
    NewAccount { identifier: identifier.into(), ..NewAccount::default() }
}

fn plain(value: &Edit) -> Value {
    match value {
        Edit::S(text) | Edit::N(text) => json!(text),
        Edit::Ss(texts) | Edit::Ns(texts) => json!(texts),
        Edit::Bool(truth) => json!(truth),
        Edit::L(list) => list.iter().map(plain).collect(),
        Edit::M(map) => map.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        _ => Value::Null,
    }
}

/// Somebody who sends requests.
#[derive(Debug, Clone)]
pub struct Actor {
    world: World,
    ip: String,
    user_agent: String,
    headers: Vec<(String, String)>,
}

impl Actor {
    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this device cookie.
    pub fn device(self, token: &str) -> Self {
        self.header("cookie", &format!("__Host-device={token}"))
    }

    /// Without this header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// At this address from now on.
    pub fn moved_to(mut self, ip: &str) -> Self {
        ip.clone_into(&mut self.ip);
        self
    }

    /// With this user agent.
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        user_agent.clone_into(&mut self.user_agent);
        self
    }

    /// `POST /login` with identifier and password.
    pub async fn login(&self, identifier: &str, password: &str) -> Reply {
        self.post("/login", &json!({ "identifier": identifier, "password": password })).await
    }

    /// `POST /login` in bearer mode.
    pub async fn bearer_login(&self, identifier: &str, password: &str) -> Reply {
        self.post("/login", &json!({ "identifier": identifier, "password": password, "mode": "bearer" })).await
    }

    /// `GET` of `path`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None, Vec::new()).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, Some("application/json"), body.to_string().into_bytes()).await
    }

    /// Any request.
    pub async fn send(&self, method: Method, path: &str, content_type: Option<&str>, body: Vec<u8>) -> Reply {
        let url = format!("{}{path}", self.world.stack.gateway());
        let mut request = self.world.http.request(method, url).body(body).header("x-palisade-local-ip", &self.ip);
        request = request.header("user-agent", &self.user_agent);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.expect("the gateway answers");
        let (status, headers) = (response.status(), response.headers().clone());
        Reply { status, headers, text: response.text().await.expect("a body"), sender: self.clone() }
    }

    /// What the log says of this actor's requests.
    pub fn events(&self) -> Vec<Value> {
        log::lines_with(&format!("\"{}\"", self.user_agent))
    }

    /// The names of those events.
    pub fn event_names(&self) -> Vec<String> {
        self.events().iter().filter_map(|event| Some(event.get("event")?.as_str()?.to_owned())).collect()
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
    /// Who sent the request.
    sender: Actor,
}

impl Reply {
    /// Its sender, at the same address and with the same browser, in the session that it handed out: as a cookie with its CSRF token, or
    /// as a bearer token.
    pub fn session(&self) -> Actor {
        let mut actor = self.sender.clone();
        actor.headers.retain(|(name, _)| !["cookie", "x-csrf-token", "authorization"].contains(&name.as_str()));
        let json = self.json();
        if let Some(token) = json["token"].as_str() {
            return actor.header("authorization", &format!("Bearer {token}"));
        }
        let csrf_token = json["csrf_token"].as_str().expect("a token");
        actor.header("cookie", &format!("__Host-session={}", self.cookie("__Host-session"))).header("x-csrf-token", csrf_token)
    }

    /// The status as a number.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The problem's code.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The limit's reason.
    pub fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// A header's value; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `Retry-After` in seconds.
    pub fn retry_after(&self) -> u64 {
        self.header("retry-after").parse().expect("Retry-After is a number of seconds")
    }

    /// The whole `Set-Cookie` of the cookie `name`.
    pub fn set_cookie(&self, name: &str) -> Option<String> {
        let cookies = self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        cookies.filter(|cookie| cookie.starts_with(&format!("{name}="))).map(str::to_owned).next()
    }

    /// The value of the cookie `name`.
    pub fn cookie(&self, name: &str) -> String {
        let set = self.set_cookie(name).expect("the cookie is set");
        set.split(['=', ';']).nth(1).expect("a value").to_owned()
    }

    /// Status, headers and body without what differs between any two requests: the request's id and the date.
    pub fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let mut headers: Vec<(String, String)> = self
            .headers
            .iter()
            .filter(|(name, _)| name.as_str() != "date")
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
            .collect();
        headers.sort();
        let request_id = self.json()["request_id"].as_str().map(str::to_owned);
        let text = request_id.map_or_else(|| self.text.clone(), |id| self.text.replace(&id, ""));
        (self.status(), headers, text)
    }
}
