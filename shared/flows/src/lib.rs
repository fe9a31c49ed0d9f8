//! Use cases: each file orders the reads and writes of `cloud` around the decisions of `core`.
//!
//! A flow's `Deps` holds only the tables it uses, the same list as its function's IAM policy. Flows run their steps with `join!` inside
//! the request, never as tasks of their own: no work outlives the answer.

mod address;
pub mod authorize;
pub mod breach_check;
pub mod change;
mod choose;
mod hasher;
mod lane;
pub mod login;
mod own_lane;
pub mod reset;
pub mod sessions;
pub mod sign_up;
mod validate;

pub use hasher::Hasher;
use palisade_core::Denial;
use palisade_core::ip_window::RateStatus;

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
