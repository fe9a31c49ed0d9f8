//! The policy in force, as data and as sentences (requirement r12).

use std::collections::BTreeMap;

use palisade_core::Policy;
use palisade_core::password::{Param, Rule};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Described {
    policy: &'static str,
    rules: Vec<DescribedRule>,
    max_age_days: Option<u64>,
}

#[derive(Serialize)]
struct DescribedRule {
    code: &'static str,
    params: BTreeMap<&'static str, Param>,
    message: String,
}

pub(crate) fn described(policy: &Policy) -> Described {
    let rule = |rule: &Rule| DescribedRule { code: rule.code(), params: rule.params(), message: rule.sentence() };
    Described {
        policy: policy.profile.as_str(),
        rules: policy.password.rules(policy.breach.block_over).iter().map(rule).collect(),
        max_age_days: policy.password_max_age.map(|age| age.as_secs() / 86_400),
    }
}
