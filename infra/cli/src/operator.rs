//! What every command on a deployment's tables works with.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_cloud::accounts::Found;
use palisade_cloud::counters::OperatorAction;
use palisade_cloud::{
    Accounts, Clock, Counters, Entropy, History, Incidents, Notices, Parts, Sessions, Store, Transacted, Transactions, Write,
};
use palisade_core::settings::{Settings, Table};
use palisade_core::{Account, AccountKey, Fault, Identifier, IdentityKey, KeyRing, Policy, Timestamp};

/// The tables that operators' commands read and write.
pub const TABLES: &[Table] = &Table::ALL;

/// An operator at a deployment.
#[derive(Debug)]
pub struct Operator {
    pub(crate) accounts: Accounts,
    pub(crate) sessions: Sessions,
    pub(crate) history: History,
    pub(crate) counters: Counters,
    pub(crate) incidents: Incidents,
    pub(crate) notices: Notices,
    /// Whether notices are mailed.
    pub(crate) has_mail: bool,
    /// Whether incidents go to a webhook as well.
    pub(crate) has_webhook: bool,
    pub(crate) policy: Policy,
    pub(crate) entropy: Entropy,
    pub(crate) keys: Arc<KeyRing>,
    transactions: Transactions,
    identity_key: Arc<IdentityKey>,
    clock: Clock,
    pub(crate) name: String,
}

impl Operator {
    /// `name` stands in the records of what is done.
    ///
    /// # Errors
    /// A fault when the settings do not name one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts, name: String) -> Result<Self, Fault> {
        let store = Store::new(settings, parts);
        Ok(Self {
            accounts: Accounts::new(&store, settings)?,
            sessions: Sessions::new(&store, settings)?,
            history: History::new(&store, settings)?,
            counters: Counters::new(&store, settings)?,
            incidents: Incidents::new(&store, settings)?,
            notices: Notices::new(&store, settings)?,
            has_mail: settings.messages.mail_from.is_some(),
            has_webhook: settings.messages.webhook.is_some(),
            policy: settings.policy.clone(),
            entropy: parts.entropy.clone(),
            keys: Arc::clone(&settings.keys),
            transactions: Transactions::new(&store, parts),
            identity_key: Arc::clone(&settings.identity_key),
            clock: parts.clock.clone(),
            name,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The storage key of a name, whether or not there is such an account.
    pub(crate) fn key(&self, identifier: &str) -> Result<(Identifier, AccountKey), String> {
        let identifier = Identifier::parse(identifier).map_err(|error| format!("the identifier {error}"))?;
        let key = self.identity_key.account_key(&identifier);
        Ok((identifier, key))
    }

    /// The account of a name.
    pub(crate) async fn account(&self, identifier: &str) -> Result<Account, String> {
        let (_, key) = self.key(identifier)?;
        match self.accounts.get(&key).await.map_err(|fault| fault.chain())? {
            Found::Account(account) => Ok(*account),
            Found::Nothing => Err("there is no such account".to_owned()),
            Found::Corrupt => Err("the account's item cannot be read".to_owned()),
        }
    }

    /// Makes `writes` happen together with the record of what they are; whether they did.
    pub(crate) async fn act(&self, action: &str, subject: &str, mut writes: Vec<Write>) -> Result<bool, String> {
        let action =
            OperatorAction { at: self.now(), operator: self.name.clone(), action: action.to_owned(), subject: subject.to_owned() };
        let nonce = Base64UrlUnpadded::encode_string(&self.entropy.bytes::<6>());
        writes.push(self.counters.record_action(&action, &nonce).map_err(|fault| fault.chain())?);
        let done = self.transactions.write(writes).await.map_err(|fault| fault.chain())?;
        Ok(done == Transacted::Done)
    }
}
