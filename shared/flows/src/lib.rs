//! Use cases: each file orders the reads and writes of `cloud` around the decisions of `core`.
//!
//! A flow's `Deps` holds only the tables it uses, the same list as its function's IAM policy. Flows run their steps with `join!` inside
//! the request, never as tasks of their own: no work outlives the answer.

mod hasher;
mod lane;
pub mod login;

pub use hasher::Hasher;
pub use palisade_cloud::environment;
pub use palisade_cloud::{Clock, Entropy, Parts};
