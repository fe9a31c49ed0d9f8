//! Starts and stops the whole stack.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, SharedHttpClient};
use palisade_cloud::{Accounts, Store, environment};
use palisade_core::settings::{Settings, Table, is_loopback};
use palisade_edge::Outcome;
use palisade_flows::Parts;
use tokio::sync::oneshot;

use crate::accounts::{Maker, NewAccount, Refused};
use crate::clock::ManualClock;
use crate::emulator::Emulator;
use crate::faults::Faults;
use crate::functions::Functions;
use crate::hibp::Hibp;
use crate::ledger::Ledger;
use crate::options::{ClockMode, Options, PumpMode};
use crate::pump::Pump;
use crate::ses::Ses;
use crate::settings::{message_pairs, settings_pairs};
use crate::shared::Shared;
use crate::sns::Sns;
use crate::webhooks::Webhooks;
use crate::wire::Wire;
use crate::{gateway, pump, tables};

/// Why a stack does not start.
#[derive(Debug)]
pub struct StackError(String);

impl StackError {
    pub(crate) fn new(what: &str, why: &dyn fmt::Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StackError {}

/// A running stack; it stops when dropped.
pub struct Stack {
    pub(crate) shared: Arc<Shared>,
    gateway: String,
    dynamodb: String,
    table_prefix: String,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
    emulator: Option<Arc<Emulator>>,
    pairs: Vec<(String, String)>,
    parts: Parts,
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("gateway", &self.gateway).field("dynamodb", &self.dynamodb).finish_non_exhaustive()
    }
}

impl Stack {
    /// Starts DynamoDB, the tables, the functions and the gateway.
    ///
    /// # Errors
    /// What could not be started, or which settings are bad.
    pub async fn start(options: Options) -> Result<Self, StackError> {
        let manual_clock = (options.clock == ClockMode::Manual).then(ManualClock::default);
        if manual_clock.is_some() && options.db.is_some() {
            return Err(StackError("a manual clock and a database file do not go together".into()));
        }
        let emulator = match &options.dynamodb_url {
            Some(_) => None,
            None => Some(Arc::new(Emulator::start(options.dynamodb_port, options.db.as_deref(), manual_clock.as_ref())?)),
        };
        let (dynamodb, table_prefix) = endpoint(&options, emulator.as_deref())?;
        let hibp = Hibp::start(options.hibp_port).await?;
        let (sns, ses) = (Sns::start(options.sns_port).await?, Ses::start(options.ses_port).await?);
        let webhooks = Webhooks::start(options.webhook_port).await?;
        let overrides = message_pairs(&sns.url, &ses.url, &format!("{}/hook", webhooks.url), &options.settings);
        let pairs = settings_pairs(&dynamodb, options.breach.url(&hibp.url), &table_prefix, &overrides);
        let settings = || Settings::parse(pairs.clone(), &Table::ALL);
        let client = plain_client(&dynamodb);
        tables::create(&client, &table_prefix).await?;

        let faults = Faults::default();
        let clock = manual_clock.as_ref().map_or_else(environment::system_clock, ManualClock::domain);
        let wire = SharedHttpClient::new(Wire::new(faults.clone(), table_prefix.clone(), options.permissions.clone()));
        let parts =
            Parts { clock: clock.clone(), entropy: environment::system_entropy(), credentials: credentials(), http: Some(wire) };
        let own = settings().map_err(|error| StackError(error.to_string()))?;
        let shared = Arc::new(Shared {
            functions: Functions::new(&settings, &parts)?,
            hibp,
            sns,
            ses,
            webhooks,
            pump: Pump::new(&dynamodb, &table_prefix)?,
            payload: options.payload,
            clock,
            manual_clock,
            faults,
            ledger: Ledger::default(),
            maker: maker(own, &parts)?,
            emulator: emulator.clone(),
            requests: AtomicU64::new(1),
        });
        shared.functions.warm_up().await;
        let (gateway, stop, served) = serve(&shared, options.port).await?;
        if options.pump == PumpMode::Always {
            tokio::spawn(pump::keep_running(Arc::downgrade(&shared)));
        }
        let (stop, served) = (Some(stop), Some(served));
        Ok(Self { shared, gateway, dynamodb, table_prefix, client, stop, served, emulator, pairs: pairs.clone(), parts })
    }

    /// The gateway's base URL.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The DynamoDB endpoint.
    pub fn dynamodb(&self) -> &str {
        &self.dynamodb
    }

    /// What the tables' words are prefixed with; empty in the embedded DynamoDB.
    pub fn table_prefix(&self) -> &str {
        &self.table_prefix
    }

    /// The manual clock, where there is one.
    pub fn clock(&self) -> Option<&ManualClock> {
        self.shared.manual_clock.as_ref()
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The requests so far.
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// A client for the same DynamoDB, past ledger and faults.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What an operator's command is given to work on this stack; an error says which settings are bad.
    pub fn operators(&self) -> Result<(Settings, Parts), StackError> {
        let settings = Settings::parse(self.pairs.clone(), &Table::ALL).map_err(|error| StackError(error.to_string()))?;
        Ok((settings, self.parts.clone()))
    }

    /// Removes expired items, as DynamoDB does within days; only in the embedded one.
    pub fn sweep(&self) {
        self.shared.sweep();
    }

    /// The breach service.
    pub fn hibp(&self) -> &Hibp {
        &self.shared.hibp
    }

    /// Asks the authorizer about an event's text, past the gateway.
    pub async fn authorize(&self, event: &str) -> Outcome {
        self.shared.authorize(event.to_owned(), self.shared.next_request_id()).await
    }

    /// Calls `function` with an event's text, past the gateway; `None` when there is no such function.
    pub async fn call(&self, function: &str, event: &str) -> Option<String> {
        self.shared.call(function, event.to_owned(), self.shared.next_request_id()).await
    }

    /// Makes an account, unless there is one with that name.
    ///
    /// # Errors
    /// Why it was not made.
    pub async fn ensure_account(&self, new: NewAccount) -> Result<(), StackError> {
        match self.shared.maker.make(new, self.shared.clock.now()).await {
            Ok(_) | Err(Refused::Taken) => Ok(()),
            Err(refused) => Err(StackError(format!("no account: {refused:?}"))),
        }
    }

    /// Makes an account and returns its public id.
    ///
    /// # Errors
    /// Why it was not made; that it exists already is one reason.
    pub async fn account(&self, new: NewAccount) -> Result<String, StackError> {
        let made = self.shared.maker.make(new, self.shared.clock.now()).await;
        made.map_err(|refused| StackError(format!("no account: {refused:?}")))
    }

    /// Stops taking requests, lets those under way finish for a moment, and writes the database file, where there is one.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(served) = self.served.take() {
            drop(tokio::time::timeout(Duration::from_secs(2), served).await);
        }
        drop(self.shared);
        if let Some(emulator) = self.emulator.take().and_then(Arc::into_inner) {
            let mut emulator = emulator;
            drop(tokio::time::timeout(Duration::from_secs(2), tokio::task::spawn_blocking(move || emulator.stop())).await);
        }
    }
}

/// Where DynamoDB is, and a prefix of one's own where others may use it too.
fn endpoint(options: &Options, emulator: Option<&Emulator>) -> Result<(String, String), StackError> {
    match (&options.dynamodb_url, emulator) {
        (Some(url), _) if is_loopback(url) => {
            let random: u64 = u64::from_be_bytes(environment::system_entropy().bytes());
            Ok((url.clone(), format!("t{random:016x}-")))
        }
        (Some(_), _) => Err(StackError("the DynamoDB endpoint must be on this machine".into())),
        (None, Some(emulator)) => Ok((emulator.url.clone(), String::new())),
        (None, None) => Err(StackError("there is no DynamoDB".into())),
    }
}

/// Never the environment's: the local stack has no use for real ones.
fn credentials() -> Credentials {
    Credentials::from_keys("local", "local", None)
}

fn plain_client(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(credentials())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}

fn maker(settings: Settings, parts: &Parts) -> Result<Maker, StackError> {
    let store = Store::new(&settings, &Parts { http: None, ..parts.clone() });
    let accounts = Accounts::new(&store, &settings).map_err(|fault| StackError(fault.chain()))?;
    Ok(Maker { accounts, identity_key: settings.identity_key, policy: settings.policy, entropy: parts.entropy.clone() })
}

type Serving = (String, oneshot::Sender<()>, tokio::task::JoinHandle<std::io::Result<()>>);

async fn serve(shared: &Arc<Shared>, port: u16) -> Result<Serving, StackError> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.map_err(|error| StackError::new("the gateway's port is not free", &error))?;
    let address = listener.local_addr().map_err(|error| StackError::new("the gateway has no address", &error))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let app = gateway::router(Arc::clone(shared)).into_make_service_with_connect_info::<SocketAddr>();
    let served =
        tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) }).await });
    Ok((format!("http://{address}"), stop, served))
}
