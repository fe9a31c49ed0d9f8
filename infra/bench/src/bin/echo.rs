//! The floor: a bare `lambda_runtime` that gives an event back; with the argument `hash`, after one password hash at the deployed cost.

use std::convert::Infallible;

use lambda_runtime::{LambdaEvent, run, service_fn};
use palisade_core::hashing::{self, SALT_BYTES};
use palisade_core::{Password, Policy};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let hashes = std::env::args().nth(1).is_some_and(|argument| argument == "hash");
    run(service_fn(async |event: LambdaEvent<Value>| {
        if hashes {
            tokio::task::spawn_blocking(hash).await.expect("a hash");
        }
        Ok::<_, Infallible>(event.payload)
    }))
    .await
}

fn hash() {
    let params = Policy::seed().hash_cost().params;
    let password = Password::new("correct-Horse-7-battery").expect("a password");
    std::hint::black_box(hashing::hash(&password, &[7; SALT_BYTES], &params).expect("a hash"));
}
