//! `palisade why`: the counters as they stand, rule by rule.

use std::net::IpAddr;

use palisade_cloud::accounts::Found;
use palisade_cloud::counters::LaneKey;
use palisade_core::ip_window::{self, IpWindow};
use palisade_core::throttle::Lane;
use palisade_core::{ClientIp, Policy, Status, Timestamp, route, user_rate};

use crate::operator::Operator;
use crate::table::Table;

pub(crate) async fn why(operator: &Operator, identifier: &str, ip: Option<IpAddr>) -> Result<String, String> {
    let (_, key) = operator.key(identifier)?;
    let (now, policy) = (operator.now(), &operator.policy);
    let (common, hour) = (LaneKey::common(&key), user_rate::hour_of(now));
    let chain = |fault: palisade_core::Fault| fault.chain();
    let found = operator.accounts.get(&key).await.map_err(chain)?;
    let lane = operator.counters.lane(&common, now, &policy.common_lane).await.map_err(chain)?.lane;
    let lane = lane.aged(now, &policy.common_lane);
    let logins = operator.counters.logins(&key).await.map_err(chain)?;
    let overall = operator.counters.overall(hour).await.map_err(chain)?;
    let rules = &policy.anomaly;
    let mut table = Table::new(["rule", "count", "limit", "until", "says"]);
    table.row(delay_row(&lane, policy, now));
    table.row(in_a_row_row(&lane, policy));
    table.row(never_refuses("logins of the hour", &logins.logins(now), rules.logins_per_hour));
    table.row(never_refuses("addresses of the day", &logins.addresses(now), rules.addresses_per_day));
    table.row(never_refuses("failures of everybody", &overall.failures, rules.failures_per_hour));
    if let Found::Account(account) = &found {
        let requests = operator.counters.requests(&key, hour).await.map_err(chain)?;
        let limit = policy.user.of(account.role);
        table.row(limit_row("user_rate_limit", requests, limit, user_rate::end_of(hour), policy.enforced));
    }
    if let Some(ip) = ip {
        address(operator, ClientIp::Known(ip), now, &mut table).await?;
    }
    let enforced = if policy.enforced { "enforced" } else { "only monitored" };
    let (pseudonym, status) = (operator.keys.pseudonym(key.as_str()), status(&found, now, policy.password_max_age));
    Ok(format!("policy {}, limits {enforced}\naccount {status} ({pseudonym})\n{table}", policy.profile.as_str()))
}

fn in_a_row_row(lane: &Lane, policy: &Policy) -> [String; 5] {
    let brute_force = || format!("{} is brute force", policy.anomaly.failures_in_a_row);
    let limit = policy.common_lane.closes_at.map_or_else(brute_force, |closes_at| format!("{closes_at} closes"));
    let says = says(lane.is_closed(&policy.common_lane), policy);
    let until = "a success or a reset".to_owned();
    ["failures in a row".to_owned(), lane.in_a_row().to_string(), limit, until, says.to_owned()]
}

fn says(refuses: bool, policy: &Policy) -> &'static str {
    match (refuses, policy.enforced) {
        (false, _) => "passes",
        (true, true) => "refuses unknown devices",
        (true, false) => "would refuse unknown devices",
    }
}

fn never_refuses(rule: &str, count: &impl ToString, limit: u64) -> [String; 5] {
    [rule.to_owned(), count.to_string(), limit.to_string(), String::new(), "never refuses".to_owned()]
}

fn status(found: &Found, now: Timestamp, max_age: Option<std::time::Duration>) -> String {
    match found {
        Found::Nothing => "does not exist".to_owned(),
        Found::Corrupt => "cannot be read".to_owned(),
        Found::Account(account) => {
            let status = if account.status == Status::Active { "is active" } else { "is disabled: every password is wrong" };
            let must = account
                .must_change(now, max_age)
                .map_or_else(String::new, |why| format!(", must change its password ({})", why.as_str()));
            let password = if account.has_password() { "" } else { ", has no password" };
            format!("{} {status}{must}{password}", account.subject.as_str())
        }
    }
}

fn delay_row(lane: &Lane, policy: &Policy, now: Timestamp) -> [String; 5] {
    let refuses = now < lane.not_before;
    let rules = &policy.common_lane;
    [
        "login_delay".to_owned(),
        lane.failures().to_string(),
        format!("{} s at most", rules.delay_cap.as_secs()),
        if refuses { lane.not_before.to_string() } else { String::new() },
        says(refuses, policy).to_owned(),
    ]
}

fn limit_row(rule: &str, count: u64, limit: u64, until: Timestamp, enforced: bool) -> [String; 5] {
    let says = match (count >= limit, enforced) {
        (false, _) => "passes",
        (true, true) => "refuses",
        (true, false) => "would refuse",
    };
    [rule.to_owned(), count.to_string(), limit.to_string(), until.to_string(), says.to_owned()]
}

/// The limits of an address, without a request of its own among the counts, and whether it is blocked.
async fn address(operator: &Operator, ip: ClientIp, now: Timestamp, table: &mut Table) -> Result<(), String> {
    let window = IpWindow::at(ip.prefix(), now);
    let counts = operator.counters.window(&window).await.map_err(|fault| fault.chain())?;
    for rule in ip_window::rules(&window, &counts, route::LOGIN, &operator.policy.ip) {
        table.row(limit_row(rule.rule.as_str(), rule.count, rule.limit, rule.until, operator.policy.enforced));
    }
    let blocks = operator.counters.blocks().await.map_err(|fault| fault.chain())?.blocks;
    let until = blocks.iter().find(|block| now < block.until && ip.is_in(&[block.network])).map(|block| block.until);
    let says = if until.is_some() { "refuses everything" } else { "passes" };
    table.row([
        "blocked".to_owned(),
        String::new(),
        String::new(),
        until.map_or_else(String::new, |until| until.to_string()),
        says.to_owned(),
    ]);
    Ok(())
}
