//! Use cases: each file orders the reads and writes of `cloud` around the decisions of `core`.
//!
//! A flow's `Deps` holds only the tables it uses, the same list as its function's IAM policy. Flows run their steps with `join!` inside
//! the request, never as tasks of their own: no work outlives the answer.

mod address;
mod aside;
pub mod authorize;
mod blocked;
pub mod breach_check;
pub mod change;
mod choose;
pub mod fan_out;
mod hasher;
pub mod incidents;
mod lane;
pub mod login;
pub mod mail;
mod overall;
mod own_lane;
pub mod reset;
pub mod sessions;
pub mod sign_up;
mod users;
mod validate;

pub use hasher::Hasher;
use palisade_core::ip_window::RateStatus;
use palisade_core::{Denial, Timestamp};
use std::time::Duration;

pub use palisade_cloud::environment;
pub use palisade_cloud::{Clock, Entropy, Hibp, Parts};

/// What a request came to on a route with limits per address.
#[derive(Debug)]
pub struct Outcome<T> {
    /// The limits of the address after this request, for the headers; `None` when its counters failed.
    pub rate: Option<RateStatus>,
    /// What it gives, or the refusal.
    pub result: Result<T, Denial>,
}

impl<T> Outcome<T> {
    /// A refusal of a session's request, with the limit that refuses it where it is one.
    fn denied(denial: Denial, now: Timestamp) -> Self {
        let rate = match &denial {
            Denial::RateLimited(limited) => {
                let resets_at = now.plus(Duration::from_secs(limited.retry_after));
                Some(RateStatus { limit: limited.limit, remaining: 0, resets_at })
            }
            _ => None,
        };
        Self { rate, result: Err(denial) }
    }
}
