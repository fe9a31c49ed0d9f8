//! What a request came to on a route with limits.

use std::time::Duration;

use crate::denial::Denial;
use crate::ip_window::RateStatus;
use crate::timestamp::Timestamp;

/// What a request came to.
#[derive(Debug)]
pub struct Outcome<T> {
    /// The limits after this request, of its address or its session's user, for the headers; `None` when the counters failed.
    pub rate: Option<RateStatus>,
    /// What it gives, or the refusal.
    pub result: Result<T, Denial>,
}

impl<T> Outcome<T> {
    /// A refusal of a session's request at `now`, with the limit that refuses it where it is one.
    pub fn denied(denial: Denial, now: Timestamp) -> Self {
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
