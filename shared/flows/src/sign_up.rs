//! Sign-up: no account before its confirmation, and nothing that tells whether a name is taken.
//!
//! ```text
//! sign up   1  take places of the address ‖ read the account                       over a limit: 429
//!           2  ask the breach service ‖ hash the password, check every rule        not met: 422
//!           3  one transaction: notice ‖ one a minute and name                     too soon: 202 all the same, nothing sent
//! confirm   1  take places of the address ‖ read the notice ‖ its lane             no grant: 401
//!           2  reserve a try on that lane                                          five wrong: 401 for good
//!              check the password of that very sign-up, hash it for the history    wrong: 401
//!           3  one transaction: grant used up, account ‖ settle the try            taken meanwhile: 409
//! resend    1  take places of the address ‖ which notice was the latest
//!           2  read it
//!           3  one transaction: the same notice anew (void for nobody) ‖ one a minute and name
//! ```
//!
//! Whoever confirms needs the token from the notice and the password of the sign-up, so nobody confirms a stranger's password. An owner
//! of a name that is taken gets a notice instead, at the address stored with the account.

mod confirm;

use std::sync::Arc;
use std::time::Duration;

use palisade_cloud::accounts::{Created, Found};
use palisade_cloud::counters::{Pace, PacedBy};
use palisade_cloud::{Accounts, Clock, Counters, Entropy, Hibp, Incidents, Notices, Parts, Store, Transacted, Transactions};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::notice::{Notice, NoticeId, NoticeKind, Pending, SIGN_UP_LIFETIME};
use palisade_core::password::{Attributes, Candidate};
use palisade_core::settings::{Settings, Table};
use palisade_core::{AccountKey, ClientIp, Denial, Fault, Identifier, IdentityKey, KeyRing, Password, Policy, Timestamp, route};

use crate::Outcome;
use crate::address::{Address, Gate};
use crate::choose;
use crate::hasher::Hasher;

pub use confirm::{confirm, resend};

/// The tables a sign-up cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Accounts, Table::Counters, Table::Incidents, Table::Notices];

/// One sign-up notice per name in this time.
const BETWEEN_NOTICES: Duration = Duration::from_mins(1);

/// What a sign-up works with.
#[derive(Debug)]
pub struct Deps {
    gate: Gate,
    accounts: Accounts,
    counters: Counters,
    notices: Notices,
    transactions: Transactions,
    hibp: Arc<Hibp>,
    keys: Arc<KeyRing>,
    identity_key: Arc<IdentityKey>,
    policy: Policy,
    require_confirmation: bool,
    hasher: Hasher,
    entropy: Entropy,
    clock: Clock,
}

impl Deps {
    /// Handles to the tables and keys that `settings` name.
    ///
    /// # Errors
    /// A fault when the settings do not name one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts, hasher: Hasher, hibp: Arc<Hibp>) -> Result<Self, Fault> {
        let store = Store::new(settings, parts);
        let counters = Counters::new(&store, settings)?;
        Ok(Self {
            gate: Gate::new(&counters, Some(Incidents::new(&store, settings)?), settings),
            accounts: Accounts::new(&store, settings)?,
            counters,
            notices: Notices::new(&store, settings)?,
            transactions: Transactions::new(&store, parts),
            hibp,
            keys: Arc::clone(&settings.keys),
            identity_key: Arc::clone(&settings.identity_key),
            policy: settings.policy.clone(),
            require_confirmation: settings.require_confirmation,
            hasher,
            entropy: parts.entropy.clone(),
            clock: parts.clock.clone(),
        })
    }

    /// Opens the connection to the store, so that the first request does not wait for it. A failure shows at that request.
    pub async fn warm_up(&self) {
        self.gate.warm_up(self.now()).await;
    }

    /// The time now. A request asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether sign-ups wait for their confirmation.
    pub fn requires_confirmation(&self) -> bool {
        self.require_confirmation
    }
}

/// Somebody who would like an account.
#[derive(Debug)]
pub struct SignUp {
    /// The one identifier, canonical.
    pub identifier: Identifier,
    /// E-mail address, canonical.
    pub email: Option<String>,
    /// User name, canonical.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The password.
    pub password: Arc<Password>,
}

/// What a sign-up came to.
#[derive(Debug, PartialEq, Eq)]
pub enum SignedUp {
    /// Whoever owns the name was sent something.
    Waiting,
    /// The account, by its public id, where no confirmation is required.
    Created(String),
}

impl SignUp {
    fn attributes(&self) -> Attributes<'_> {
        Attributes {
            username: self.username.as_deref(),
            first_name: self.first_name.as_deref(),
            last_name: self.last_name.as_deref(),
            email: self.email.as_deref(),
        }
    }
}

/// Judges `sign_up` and lets it wait for its confirmation.
///
/// # Errors
/// A fault when a dependency did not do its part.
pub async fn sign_up(
    deps: &Deps,
    sign_up: SignUp,
    ip: ClientIp,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<SignedUp>, Fault> {
    let key = deps.identity_key.account_key(&sign_up.identifier);
    trail.about(deps.keys.pseudonym(key.as_str()));
    let name_tag = deps.identity_key.name_tag(&sign_up.identifier);
    let (address, found) =
        tokio::join!(Address::take(&deps.gate, ip, route::SIGN_UP, Some(&name_tag), now, trail), deps.accounts.get(&key));
    let address = address?;
    let rate = Some(address.status());
    if let Some(denial) = address.refusal(trail) {
        return Ok(Outcome { rate, result: Err(denial) });
    }
    let found = found?;
    let (breach, password) =
        tokio::join!(deps.hibp.check(&sign_up.password, now), deps.hasher.hash(&sign_up.password, deps.entropy.bytes()));
    let candidate =
        Candidate { password: &sign_up.password, attributes: sign_up.attributes(), reused: false, breach: Some(breach) };
    let breach_unchecked = match choose::judge(&deps.policy, &candidate, trail)? {
        Ok(unchecked) => unchecked,
        Err(denial) => return Ok(Outcome { rate, result: Err(denial) }),
    };
    let pending = Pending {
        identifier: sign_up.identifier.as_str().to_owned(),
        email: sign_up.email,
        username: sign_up.username,
        first_name: sign_up.first_name,
        last_name: sign_up.last_name,
        password: password?,
        breach_unchecked,
    };
    let result = if deps.require_confirmation {
        wait(deps, found, &key, pending, now, trail).await?;
        Ok(SignedUp::Waiting)
    } else {
        create(deps, &key, pending, &sign_up.password, now, trail).await?
    };
    Ok(Outcome { rate, result })
}

/// Sends the notice: to the sign-up's own address, or to the owner of the account that there is.
async fn wait(
    deps: &Deps,
    found: Found,
    key: &AccountKey,
    pending: Pending,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<(), Fault> {
    let id = NoticeId::new(deps.entropy.bytes());
    let notice = match found {
        Found::Nothing => Notice::to_new(id, key, pending, now),
        Found::Account(account) => Notice::to_account(id, NoticeKind::SignUpAttempted, &account, now),
        Found::Corrupt => Notice::void(id, NoticeKind::SignUpAttempted, key, now),
    };
    let pace = Pace { between: BETWEEN_NOTICES, remembered: SIGN_UP_LIFETIME };
    let writes = vec![deps.counters.pace(PacedBy::SignUp, key, &notice.id, now, pace)?, deps.notices.put(&notice)?];
    let reason = match deps.transactions.write(writes).await? {
        Transacted::Done => "sent",
        Transacted::Refused(_) => "too_soon",
    };
    trail.record(Event::new(EventKind::UserSignedUp).reason(reason));
    Ok(())
}

/// Makes the account at once, and says openly when there is one.
async fn create(
    deps: &Deps,
    key: &AccountKey,
    pending: Pending,
    password: &Arc<Password>,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Result<SignedUp, Denial>, Fault> {
    let account = confirm::account(deps, key, pending, password, now).await?;
    Ok(match deps.accounts.create(&account).await? {
        Created::Exists => Err(Denial::Conflict),
        Created::New => {
            trail.identified(account.subject.as_str().to_owned());
            trail.note(EventKind::UserCreated);
            Ok(SignedUp::Created(account.subject.as_str().to_owned()))
        }
    })
}
