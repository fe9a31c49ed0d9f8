//! Writes that happen together or not at all.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{DeleteBuilder, PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{CancellationReason, Delete, Put, TransactWriteItem, Update};
use palisade_core::Fault;

use crate::call::fault;
use crate::parts::{Entropy, Parts};
use crate::store::Store;

/// How often a transaction that only met others is repeated.
const RETRIES: usize = 2;

/// The longest wait before that: half of one uncontended transaction.
const MOST_JITTER_MS: u8 = 16;

/// One write of a transaction.
#[derive(Debug, Clone)]
pub struct Write(pub(crate) TransactWriteItem);

impl Write {
    /// # Errors
    /// A fault when the builder lacks a part: an error in this crate.
    pub(crate) fn put(put: PutBuilder) -> Result<Self, Fault> {
        put.build().map(|put: Put| Self(TransactWriteItem::builder().put(put).build())).map_err(unbuilt)
    }

    /// # Errors
    /// See [`Write::put`].
    pub(crate) fn update(update: UpdateBuilder) -> Result<Self, Fault> {
        update.build().map(|update: Update| Self(TransactWriteItem::builder().update(update).build())).map_err(unbuilt)
    }

    /// # Errors
    /// See [`Write::put`].
    pub(crate) fn delete(delete: DeleteBuilder) -> Result<Self, Fault> {
        delete.build().map(|delete: Delete| Self(TransactWriteItem::builder().delete(delete).build())).map_err(unbuilt)
    }
}

fn unbuilt<E>(_: E) -> Fault {
    Fault::internal("a transaction's write lacks a part")
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transacted {
    /// All of it happened.
    Done,
    /// Nothing happened: the conditions of these writes, by their place, did not hold.
    Refused(Vec<usize>),
}

/// Makes transactions over any tables.
#[derive(Debug, Clone)]
pub struct Transactions {
    client: Client,
    entropy: Entropy,
}

impl Transactions {
    /// Over `store`.
    pub fn new(store: &Store, parts: &Parts) -> Self {
        Self { client: store.client(), entropy: parts.entropy.clone() }
    }

    /// Makes `writes` happen together. The SDK repeats a call whose reply was lost under the same client token, so nothing happens
    /// twice. A transaction that was cancelled by others alone is repeated at once, a bounded number of times.
    ///
    /// # Errors
    /// A fault when the store did not answer, throttled, or found the request invalid; nothing is known of a transaction without an
    /// answer.
    pub async fn write(&self, writes: Vec<Write>) -> Result<Transacted, Fault> {
        let mut retries = 0;
        loop {
            let items = writes.iter().map(|write| write.0.clone()).collect();
            let Err(error) = self.client.transact_write_items().set_transact_items(Some(items)).send().await else {
                return Ok(Transacted::Done);
            };
            match cancelled(&error) {
                Some(Cancelled::Conditions(places)) => return Ok(Transacted::Refused(places)),
                Some(Cancelled::OthersAlone) if retries < RETRIES => {
                    retries += 1;
                    self.wait_a_moment().await;
                }
                Some(Cancelled::Invalid) => return Err(Fault::internal("the store found a transaction invalid")),
                Some(Cancelled::OthersAlone | Cancelled::Throttled) | None => return Err(fault("transaction", &error)),
            }
        }
    }

    /// So that two transactions that met do not meet again.
    async fn wait_a_moment(&self) {
        let [byte] = self.entropy.bytes::<1>();
        let jitter = Duration::from_millis(u64::from(byte % MOST_JITTER_MS));
        #[expect(clippy::disallowed_methods, reason = "the jitter of a bounded retry, within the request's deadline")]
        tokio::time::sleep(jitter).await;
    }
}

/// Why a transaction was cancelled.
#[derive(Debug, PartialEq, Eq)]
enum Cancelled {
    /// Conditions, whatever else.
    Conditions(Vec<usize>),
    /// The request itself is wrong.
    Invalid,
    /// Throughput.
    Throttled,
    /// Nothing but other transactions on the same items.
    OthersAlone,
}

fn cancelled<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<Cancelled> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => Some(why(cancelled.cancellation_reasons())),
        _ => None,
    }
}

fn why(reasons: &[CancellationReason]) -> Cancelled {
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code().unwrap_or("None")).collect();
    let failed: Vec<usize> =
        codes.iter().enumerate().filter(|(_, code)| **code == "ConditionalCheckFailed").map(|(place, _)| place).collect();
    let all_are_others = codes.iter().all(|code| matches!(*code, "None" | "TransactionConflict"));
    let any = |wanted: &[&str]| codes.iter().any(|code| wanted.contains(code));
    if any(&["ValidationError", "ItemCollectionSizeLimitExceeded"]) {
        Cancelled::Invalid
    } else if !failed.is_empty() {
        Cancelled::Conditions(failed)
    } else if all_are_others {
        Cancelled::OthersAlone
    } else {
        Cancelled::Throttled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Cancelled {
        let reasons: Vec<_> = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
        why(&reasons)
    }

    #[test]
    fn d04_each_reason_alone_and_mixed_has_its_answer() {
        assert_eq!(reasons(&["None", "ConditionalCheckFailed"]), Cancelled::Conditions(vec![1]));
        assert_eq!(reasons(&["TransactionConflict", "None"]), Cancelled::OthersAlone);
        assert_eq!(reasons(&["ThrottlingError", "None"]), Cancelled::Throttled);
        assert_eq!(reasons(&["ProvisionedThroughputExceeded"]), Cancelled::Throttled);
        assert_eq!(reasons(&["ValidationError"]), Cancelled::Invalid);
        assert_eq!(reasons(&["TransactionConflict", "ConditionalCheckFailed"]), Cancelled::Conditions(vec![1]));
        assert_eq!(reasons(&["TransactionConflict", "ThrottlingError"]), Cancelled::Throttled, "the fast retry is not taken");
        assert_eq!(reasons(&["ConditionalCheckFailed", "ValidationError"]), Cancelled::Invalid);
        assert_eq!(reasons(&["SomethingNew", "None"]), Cancelled::Throttled);
    }
}
